import { FormatError, LimitError, UnsupportedError } from "../io/index.ts";
import { type CodecName, largestResult, loadCodec } from "./codec.ts";

const magics: readonly { name: CodecName | "xz"; magic: readonly number[] }[] = [
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: "gzip", magic: [0x1f, 0x8b, 0x08] },
];
/** The largest modules have some ten million bytes. */
const maximumByteSize = 1 << 28;

/**
 * The contents of a file that was compressed whole, as distributions do with modules (`.ko.xz`, `.ko.zst`,
 * `.ko.gz`); known by its content. The bytes themselves when it is none of these.
 * @throws {FormatError} {@link LimitError}; {@link UnsupportedError} for zstd that does not say its size and
 *   for xz with rare options
 */
export async function unpackFile(bytes: Uint8Array): Promise<Uint8Array> {
  const name = magics.find(({ magic }) => magic.every((byte, index) => bytes[index] === byte))?.name;
  if (name === undefined) return bytes;
  if (name === "xz") return (await import("./xz.ts")).unpackXz(bytes, maximumByteSize);
  const byteSize = packedByteSize(name, bytes);
  if (byteSize > maximumByteSize) throw new LimitError("COMPRESS_SIZE", `${byteSize} bytes in ${name} data`);
  if (byteSize > largestResult(name, bytes.length)) {
    throw new FormatError("COMPRESS_BROKEN", `broken ${name} data: it cannot hold ${byteSize} bytes`);
  }
  const target = new Uint8Array(byteSize);
  (await loadCodec(name)).decompressInto(bytes, target);
  return target;
}

function packedByteSize(name: CodecName, bytes: Uint8Array): number {
  // RFC 1952, 2.3.1: the last four bytes; of the last member, but nobody packs modules in several.
  if (name === "gzip" && bytes.length >= 18) return Buffer.from(bytes.subarray(-4)).readUInt32LE();
  if (name === "zstd" && bytes.length >= 9) {
    const head = new DataView(new ArrayBuffer(18));
    bytes.subarray(0, 18).forEach((byte, index) => head.setUint8(index, byte));
    // RFC 8878, 3.1.1.1: descriptor, window unless in one segment, dictionary id, content size.
    const descriptor = bytes[4]!;
    const isOneSegment = (descriptor & 0x20) !== 0;
    const at = 5 + (isOneSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
    switch (descriptor >> 6) {
      case 0:
        if (isOneSegment) return bytes[at]!;
        throw new UnsupportedError("COMPRESS_SIZE", "zstd data that does not say its size: unpack it first");
      case 1:
        return head.getUint16(at, true) + 256;
      case 2:
        return head.getUint32(at, true);
      default:
        return Number(head.getBigUint64(at, true));
    }
  }
  throw new FormatError("COMPRESS_BROKEN", `broken ${name} data: it ends too early`);
}
