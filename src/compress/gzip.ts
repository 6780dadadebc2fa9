import { gunzipSync } from "node:zlib";
import { FormatError } from "../io/index.ts";
import type { Codec } from "./codec.ts";
import { brokenStream } from "./zlib.ts";

/** gzip files (RFC 1952), all members. */
export const gzipCodec: Codec = { name: "gzip", decompressInto };

/**
 * A gzip file whose size nobody says, all members.
 * @throws {FormatError} `COMPRESS_BROKEN`, or `COMPRESS_SIZE` where it holds more than `maximumByteSize`
 */
export function gunzip(source: Uint8Array, maximumByteSize: number): Uint8Array {
  try {
    return gunzipSync(source, { maxOutputLength: maximumByteSize });
  } catch (error) {
    throw brokenStream("gzip", maximumByteSize, error);
  }
}

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
