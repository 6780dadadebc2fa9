import { ZSTDDecoder } from "zstddec";
import { FormatError } from "../io/index.ts";
import type { Codec } from "./codec.ts";

let loading: Promise<Codec> | undefined;

/** Zstandard frames (RFC 8878). The WebAssembly module is compiled once per thread. */
export function loadZstd(): Promise<Codec> {
  loading ??= start();
  return loading;
}

async function start(): Promise<Codec> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return {
    name: "zstd",
    decompressInto(source: Uint8Array, target: Uint8Array): void {
      decompressInto(decoder, source, target);
    },
  };
}

function decompressInto(decoder: ZSTDDecoder, source: Uint8Array, target: Uint8Array): void {
  let bytes: Uint8Array;
  try {
    // Size 0 would make the decoder trust the frame's own size field, so ask for one byte then.
    bytes = decoder.decode(source, Math.max(target.length, 1));
  } catch (error) {
    // Its memory could not grow, or the code trapped.
    throw new FormatError("COMPRESS_BROKEN", `broken zstd data: ${(error as Error).message}`);
  }
  // zstddec 0.3.4 answers bad input, and a result larger than asked for, with zero bytes.
  if (bytes.length !== target.length) {
    throw new FormatError(
      bytes.length === 0 ? "COMPRESS_BROKEN" : "COMPRESS_SIZE",
      bytes.length === 0
        ? `broken zstd data, or more than the ${target.length} bytes expected`
        : `zstd data holds ${bytes.length} bytes, ${target.length} expected`,
    );
  }
  target.set(bytes);
}
