export { largestResult, loadCodec } from "./codec.ts";
export type { Codec, CodecName } from "./codec.ts";
export { gunzip } from "./gzip.ts";
export { unpackFile } from "./packed-file.ts";
export { largestSnappyChunk, readSnappyChunk, readSnappyData } from "./snappy-frames.ts";
export type { SnappyChunk } from "./snappy-frames.ts";
