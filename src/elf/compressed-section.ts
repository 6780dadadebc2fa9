import { FormatError, UnsupportedError, type Location } from "../io/index.ts";
import type { CodecName } from "../compress/index.ts";
import { ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD } from "./constants.ts";
import { readWord, viewOf, type ElfLayout } from "./layout.ts";

/** What stands before compressed contents. */
export interface CompressionHeader {
  codec: CodecName;
  /** Size of the contents once decompressed. */
  byteSize: number;
  /** Size of this header. */
  headerSize: number;
}

/** Most bytes a compression header takes. */
export const largestCompressionHeader = 24;

/** An SHF_COMPRESSED section's header (gABI, "Section Compression"). `bytes` is the section's beginning. */
export function readCompressionHeader(
  bytes: Uint8Array,
  layout: ElfLayout,
  location: Location,
): CompressionHeader {
  const headerSize = layout.is64 ? 24 : 12;
  if (bytes.length < headerSize) throw tooShort(location);
  const view = viewOf(bytes);
  const type = view.getUint32(0, layout.littleEndian);
  const byteSize = readWord(view, layout.is64 ? 8 : 4, layout);
  switch (type) {
    case ELFCOMPRESS_ZLIB:
      return { codec: "zlib", byteSize, headerSize };
    case ELFCOMPRESS_ZSTD:
      return { codec: "zstd", byteSize, headerSize };
    default:
      throw new UnsupportedError(
        "ELF_COMPRESSION",
        `compression type ${type}: 1 (zlib) and 2 (zstd) are supported`,
        location,
      );
  }
}

/** A `.zdebug_*` section's header: "ZLIB" and the size, big-endian in every file. */
export function readOldCompressionHeader(bytes: Uint8Array, location: Location): CompressionHeader {
  if (bytes.length < 12) throw tooShort(location);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== 0x5a4c4942) {
    throw new FormatError("ELF_COMPRESSION", "does not begin with ZLIB", location);
  }
  return { codec: "zlib", byteSize: readWord(view, 4, { is64: true, littleEndian: false }), headerSize: 12 };
}

function tooShort(location: Location): FormatError {
  return new FormatError("ELF_COMPRESSION", "section ends inside its compression header", location);
}
