export type { Architecture, PrstatusLayout } from "./architecture.ts";
export type { PageTableFormat, PageTableWalker, PhysicalRead } from "./page-tables.ts";
export type { ImageVariables, KernelFacts, KernelTranslation, LinearRun } from "./kernel-facts.ts";
export { inRun } from "./kernel-facts.ts";
export * from "./architectures.ts";
export { x86_64 } from "./x86-64.ts";
export { aarch64 } from "./aarch64.ts";
