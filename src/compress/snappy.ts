import { snappyUncompressor } from "hysnappy";
import { FormatError } from "../io/index.ts";
import type { Codec } from "./codec.ts";

let loaded: Codec | undefined;

/** Raw snappy blocks, without the framing format. Its WebAssembly module is so small that it is compiled at once. */
export function loadSnappy(): Codec {
  loaded ??= start();
  return loaded;
}

function start(): Codec {
  const uncompress = snappyUncompressor();
  return {
    name: "snappy",
    decompressInto(source: Uint8Array, target: Uint8Array): void {
      const byteSize = snappyLength(source);
      // The module writes what the block claims, so the claim comes first.
      if (byteSize !== target.length) {
        throw new FormatError(
          "COMPRESS_SIZE",
          `snappy data holds ${byteSize} bytes, ${target.length} expected`,
        );
      }
      let bytes: Uint8Array;
      try {
        bytes = uncompress(source, target.length);
      } catch (error) {
        // Data that does not follow the format, or a trap.
        throw new FormatError("COMPRESS_BROKEN", `broken snappy data: ${(error as Error).message}`);
      }
      target.set(bytes);
    },
  };
}

/** The length in bytes of a snappy block's result, which it starts with: seven bits a byte, the lowest first. */
function snappyLength(source: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5 && i < source.length; i++) {
    length += (source[i]! & 0x7f) * 2 ** (7 * i);
    if (source[i]! < 0x80) return length;
  }
  throw new FormatError("COMPRESS_BROKEN", "broken snappy data: its length does not end");
}
