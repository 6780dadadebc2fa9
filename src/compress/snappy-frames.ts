import { FormatError, type ByteSource } from "../io/index.ts";
import type { Codec } from "./codec.ts";
import { crc32c } from "./crc32c.ts";

/** Most that one chunk stands for (google/snappy, framing_format.txt, 4.2). */
export const largestSnappyChunk = 0x1_0000;

const COMPRESSED = 0x00;
const UNCOMPRESSED = 0x01;
const STREAM_IDENTIFIER = 0xff;
/** Chunk header, checksum, and the length that a compressed block starts with. */
const headByteSize = 13;

/** A chunk of snappy's framing format. Bytes. */
export interface SnappyChunk {
  /** Of the chunk's header in its source. */
  offset: number;
  /** With its header. */
  byteSize: number;
  /** What it stands for; 0 for chunks that are not data. */
  dataByteSize: number;
}

/**
 * The chunk at `offset`, by its first bytes only.
 * @throws {FormatError} `TRUNCATED` or `COMPRESS_BROKEN`
 */
export function readSnappyChunk(source: ByteSource, offset: number): SnappyChunk {
  const head = source.read(offset, Math.min(headByteSize, Math.max(4, source.byteSize - offset)));
  const type = head[0]!;
  const byteSize = 4 + (head[1]! | (head[2]! << 8) | (head[3]! << 16));
  let dataByteSize = 0;
  if (type === UNCOMPRESSED) dataByteSize = byteSize - 8;
  else if (type === COMPRESSED) {
    const length = readLength(head);
    if (length === undefined) throw broken(source, offset, "a chunk that does not say what it stands for");
    dataByteSize = length;
  } else if (type < 0x80) throw broken(source, offset, `a chunk of the unknown type ${type}`);
  else if (type === STREAM_IDENTIFIER && byteSize !== 10)
    throw broken(source, offset, "no stream identifier");
  if (type <= UNCOMPRESSED && (byteSize < 8 || dataByteSize > largestSnappyChunk || dataByteSize < 0)) {
    throw broken(source, offset, `a chunk of ${byteSize} bytes for ${dataByteSize}`);
  }
  return { offset, byteSize, dataByteSize };
}

/** The length that a compressed block starts with, seven bits a byte; undefined where it does not end. */
function readLength(head: Uint8Array): number | undefined {
  let length = 0;
  for (let i = 8; i < head.length; i++) {
    length += (head[i]! & 0x7f) * 2 ** (7 * (i - 8));
    if (head[i]! < 0x80) return length;
  }
  return undefined;
}

/**
 * The data of a chunk into `target`, which has its size; the checksum is checked.
 * @throws {FormatError} `TRUNCATED`, `COMPRESS_BROKEN` or `COMPRESS_SIZE`
 */
export function readSnappyData(
  source: ByteSource,
  chunk: SnappyChunk,
  codec: Codec,
  target: Uint8Array,
): void {
  const bytes = source.read(chunk.offset, chunk.byteSize);
  const body = bytes.subarray(8);
  if (bytes[0] === COMPRESSED) codec.decompressInto(body, target);
  else target.set(body);
  const sum = crc32c(target);
  // Rotated and shifted, lest a checksum over data with checksums be weak.
  const masked = (((sum >>> 15) | (sum << 17)) + 0xa282_ead8) >>> 0;
  const stored = (bytes[4]! | (bytes[5]! << 8) | (bytes[6]! << 16) | (bytes[7]! << 24)) >>> 0;
  if (masked !== stored) throw broken(source, chunk.offset, "the checksum is wrong");
}

function broken(source: ByteSource, offset: number, what: string): FormatError {
  return new FormatError("COMPRESS_BROKEN", `broken snappy stream: ${what}`, { file: source.name, offset });
}
