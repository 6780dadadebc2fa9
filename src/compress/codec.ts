/**
 * The one shape of a codec, and the loader that brings its module in only when a file needs it.
 */

export interface Codec {
  readonly name: CodecName;
  /**
   * Decompress all of `source` into `target`, which has exactly the size of the result.
   * @throws {FormatError} `COMPRESS_BROKEN` or `COMPRESS_SIZE`; `target` may be partly filled then.
   */
  readonly decompressInto: (source: Uint8Array, target: Uint8Array) => void;
}

export type CodecName = "zlib" | "gzip" | "zstd" | "lzo" | "snappy";

/**
 * Largest result in bytes that `compressedSize` bytes can stand for. Check a size field against it
 * before allocating: deflate spends at least two bits on 258 bytes, a Zstandard block at least four
 * bytes on 128 KiB (RFC 1951, 3.2.5; RFC 8878, 3.1.1.2), LZO a byte on 255, snappy three on 64.
 */
export function largestResult(name: CodecName, compressedSize: number): number {
  return compressedSize * largestRatio[name];
}

const largestRatio: Record<CodecName, number> = {
  zlib: 1032,
  gzip: 1032,
  zstd: 0x8000,
  lzo: 255,
  snappy: 22,
};

/** Load a codec. It may be kept and called synchronously afterwards. */
export async function loadCodec(name: CodecName): Promise<Codec> {
  switch (name) {
    case "zlib":
      return (await import("./zlib.ts")).zlibCodec;
    case "gzip":
      return (await import("./gzip.ts")).gzipCodec;
    case "zstd":
      return (await import("./zstd.ts")).loadZstd();
    case "lzo":
      return (await import("./lzo.ts")).lzoCodec;
    case "snappy":
      return (await import("./snappy.ts")).loadSnappy();
  }
}
