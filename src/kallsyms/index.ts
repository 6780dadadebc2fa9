export type { AddressEncoding } from "./addresses.ts";
export { KernelSymbols } from "./kernel-symbols.ts";
export type { KallsymsAddresses } from "./open.ts";
export { kallsymsAddresses, openKernelSymbols } from "./open.ts";
export type { PhysicalReader, PhysicalSpan, VirtualReader } from "./read.ts";
export { SymbolList } from "./symbol-list.ts";
export type { NearestSymbol } from "./symbol-list.ts";
