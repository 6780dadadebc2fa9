export { type Argument, Arguments, type SystemCall } from "./arguments.ts";
export type { Frame, FrameKind, StackKind } from "./frame.ts";
export type { StackRegion } from "./regions.ts";
export type { RegisterSource } from "./cpu-registers.ts";
export { Cpus } from "./cpus.ts";
export { FunctionTypes, type FunctionTypeSource } from "./function-types.ts";
export { type FrameSymbol, type StackOptions, Stacks, type StackTrace } from "./stacks.ts";
export { CpuStacks, threadByteSize } from "./cpu-stacks.ts";
