export { largestResult, loadCodec } from "./codec.ts";
export type { Codec, CodecName } from "./codec.ts";
