export { Kernel, type KernelOptions } from "./kernel.ts";
export type { KernelBuildId } from "./build-id.ts";
export { type Foundation, releaseOf, type Rung } from "./foundation.ts";
export type { KernelModule, ModuleRegion } from "./modules.ts";
export {
  BrokenLinkError,
  type Chain,
  followLink,
  maximumNodes,
  untilBroken,
  walkChain,
  walkList,
} from "./list.ts";
export { listCpus, PerCpuArea } from "./per-cpu.ts";
export { LayoutError, StructReader } from "./struct-reader.ts";
export type { KernelVariable, VariableTable } from "./variables.ts";
export type { VariableOrigin } from "./variable-source.ts";
export { findSidecars, sidecarPassedOver } from "./sidecar-places.ts";
