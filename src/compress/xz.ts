import { createRequire } from "node:module";
import { ReadableStream } from "node:stream/web";
import type * as xz from "xz-decompress";
import { FormatError, LimitError, UnsupportedError } from "../io/index.ts";

/** Bytes handed to the decoder at a time. */
const chunkByteSize = 1 << 16;

/**
 * The contents of an .xz file (The .xz File Format 1.2.1), its check compared.
 * @param maximumByteSize of the contents
 * @throws {FormatError} `COMPRESS_BROKEN`; {@link LimitError} for larger contents; {@link UnsupportedError}
 *   for filters other than LZMA2 and for checks by SHA-256
 */
export async function unpackXz(source: Uint8Array, maximumByteSize: number): Promise<Uint8Array> {
  // Node sees no names in this CommonJS package, its types see no default.
  const { XzReadableStream } = createRequire(import.meta.url)("xz-decompress") as typeof xz;
  let at = 0;
  const packed = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < source.length) controller.enqueue(source.slice(at, (at += chunkByteSize)));
      else controller.close();
    },
  });
  const chunks: Uint8Array[] = [];
  let byteSize = 0;
  try {
    const reader = new XzReadableStream(
      packed as ConstructorParameters<typeof XzReadableStream>[0],
    ).getReader();
    for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) {
      byteSize += next.value.length;
      if (byteSize > maximumByteSize) {
        await reader.cancel();
        throw new LimitError("COMPRESS_SIZE", `more than ${maximumByteSize} bytes in xz data`);
      }
      chunks.push(next.value);
    }
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw asTyped(error as Error);
  }
  return Buffer.concat(chunks, byteSize);
}

/** Numbers of xz-embedded's results (enum xz_ret), which the decoder puts at the end of its messages. */
const resultOptions = 6;
const resultTooShort = 8;

function asTyped(error: Error): Error {
  const result = Number(/error code (\d+)$/.exec(error.message)?.[1]);
  if (Number.isNaN(result)) return error;
  if (result === resultOptions) {
    const what = "xz data with another filter than LZMA2, or with SHA-256: unpack it first";
    return new UnsupportedError("COMPRESS_OPTIONS", what);
  }
  const why = result === resultTooShort ? "it ends too early" : "it does not decode";
  return new FormatError("COMPRESS_BROKEN", `broken xz data: ${why}`);
}
