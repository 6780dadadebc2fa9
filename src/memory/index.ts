export type { VirtualMemory } from "./memory.ts";
export * from "./vmcoreinfo.ts";
export * from "./build-id.ts";
export * from "./translation.ts";
export * from "./from-vmcoreinfo.ts";
export { AddressSpace, type AddressSpaceOptions } from "./address-space.ts";
