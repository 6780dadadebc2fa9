export { encodeFile } from "./encode-file.ts";
export * from "./options.ts";
export type { EncodeResult } from "./result.ts";
