export * from "./io/index.ts";
export { encodeFile } from "./encode/index.ts";
export type { EncodeOptions, EncodeReport, EncodeResult, Omission } from "./encode/index.ts";
export { Btf } from "./btf/index.ts";
export { ElfFile } from "./elf/index.ts";
