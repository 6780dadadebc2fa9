export { elfImage, type KernelImage } from "./kernel-image.ts";
export {
  factsOfKernel,
  factsOfModule,
  type ModuleFacts,
  type ModuleLayout,
  modinfo,
  moduleLayout,
  releaseOf,
} from "./module-facts.ts";
export { exportedCrc } from "./exported-crc.ts";
export { type ModuleInput, writeModule } from "./write-module.ts";
