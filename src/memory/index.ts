export type { VirtualMemory } from "./memory.ts";
export * from "./vmcoreinfo.ts";
export * from "./build-id.ts";
export * from "./translation.ts";
export { AddressSpace, type AddressSpaceOptions } from "./address-space.ts";
export * from "./virtual-reader.ts";
export * from "./scan.ts";
export * from "./find-bytes.ts";
export * from "./find-vmcoreinfo.ts";
