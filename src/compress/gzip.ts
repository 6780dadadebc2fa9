import { gunzipSync } from "node:zlib";
import { FormatError } from "../io/index.ts";
import type { Codec } from "./codec.ts";
import { brokenStream } from "./zlib.ts";

/** gzip files (RFC 1952), all members. */
export const gzipCodec: Codec = { name: "gzip", decompressInto };

function decompressInto(source: Uint8Array, target: Uint8Array): void {
  let bytes: Uint8Array;
  try {
    bytes = gunzipSync(source, {
      maxOutputLength: Math.max(target.length, 1),
      chunkSize: Math.max(target.length + 1, 64),
    });
  } catch (error) {
    throw brokenStream("gzip", target.length, error);
  }
  if (bytes.length !== target.length) {
    throw new FormatError(
      "COMPRESS_SIZE",
      `gzip data holds ${bytes.length} bytes, ${target.length} expected`,
    );
  }
  target.set(bytes);
}
