import { inflateSync } from "node:zlib";
import { FormatError } from "../io/index.ts";
import type { Codec } from "./codec.ts";

/** zlib streams (RFC 1950), one or several after another as `ld -r` leaves them in `.zdebug_*`. */
export const zlibCodec: Codec = { name: "zlib", decompressInto };

function decompressInto(source: Uint8Array, target: Uint8Array): void {
  let consumed = 0;
  let produced = 0;
  do {
    const stream = inflateOne(source.subarray(consumed), target.length - produced);
    // Node takes no limit of 0.
    if (stream.bytes.length > target.length - produced) throw tooLarge("zlib", target.length);
    target.set(stream.bytes, produced);
    consumed += stream.consumed;
    produced += stream.bytes.length;
    if (stream.bytes.length === 0) break;
  } while (produced < target.length && consumed < source.length);
  if (produced !== target.length) {
    throw new FormatError("COMPRESS_SIZE", `zlib data holds ${produced} bytes, ${target.length} expected`);
  }
}

function inflateOne(source: Uint8Array, limit: number): { bytes: Uint8Array; consumed: number } {
  try {
    // One output chunk a little larger than the result: node then neither grows nor joins chunks.
    const options = { info: true, maxOutputLength: Math.max(limit, 1), chunkSize: Math.max(limit + 1, 64) };
    const result = inflateSync(source, options) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { bytes: result.buffer, consumed: result.engine.bytesWritten };
  } catch (error) {
    throw brokenStream("zlib", limit, error);
  }
}

/** @internal */
export function brokenStream(name: string, limit: number, error: unknown): FormatError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_BUFFER_TOO_LARGE") return tooLarge(name, limit);
  return new FormatError("COMPRESS_BROKEN", `broken ${name} data: ${message}`);
}

function tooLarge(name: string, limit: number): FormatError {
  return new FormatError("COMPRESS_SIZE", `${name} data holds more than the ${limit} bytes expected`);
}
