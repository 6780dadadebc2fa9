import { createHash } from "node:crypto";
import { FormatError, UnsupportedError } from "../io/index.ts";
import type { Codec } from "./codec.ts";
import { Lzma2Decoder } from "./lzma2.ts";

/** .xz files of one stream whose only filter is LZMA2 (The .xz File Format 1.2.1). */
export const xzCodec: Codec = { name: "xz", decompressInto };

const headerMagic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const headerByteSize = 12;
const filterLzma2 = 0x21;
/** Bytes of a block's check, by its number. */
const checkByteSizes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/**
 * Bytes that the file stands for, as its index says.
 * @throws {FormatError} `COMPRESS_BROKEN`
 */
export function xzByteSize(source: Uint8Array): number {
  const { records } = readIndex(source);
  return records.reduce((sum, { byteSize }) => sum + byteSize, 0);
}

function decompressInto(source: Uint8Array, target: Uint8Array): void {
  const { records, check, start: indexAt } = readIndex(source);
  let at = headerByteSize;
  let to = 0;
  for (const { byteSize, paddedByteSize } of records) {
    const next = at + paddedByteSize;
    if (next > indexAt) throw broken("a block beyond its index");
    const decoded = new Lzma2Decoder(source, blockData(source, at), target, to).decode();
    const checkAt = (decoded.at + 3) & ~3;
    if (decoded.to - to !== byteSize || checkAt + checkByteSizes[check]! !== next) {
      throw broken("a block of another size than its index says");
    }
    compareCheck(check, target.subarray(to, decoded.to), source.subarray(checkAt, next));
    to = decoded.to;
    at = next;
  }
  if (at !== indexAt) throw broken("something between blocks and index");
  if (to === target.length) return;
  throw new FormatError("COMPRESS_SIZE", `xz data holds ${to} bytes, ${target.length} expected`);
}

interface BlockRecord {
  /** With header and check. */
  paddedByteSize: number;
  byteSize: number;
}

/** The index stands before the footer, which says how long it is. */
function readIndex(source: Uint8Array): { records: BlockRecord[]; check: number; start: number } {
  const footer = source.length - headerByteSize;
  if (footer < headerByteSize || !headerMagic.every((byte, i) => source[i] === byte)) {
    throw broken("no whole .xz file");
  }
  const view = viewOf(source);
  const check = source[7]!;
  const isFooter = source[footer + 10] === 0x59 && source[footer + 11] === 0x5a;
  const agrees = source[6] === 0 && check < 16 && view.getUint16(footer + 8, true) === check << 8;
  const crcsFit =
    crc32(source.subarray(6, 8)) === view.getUint32(8, true) &&
    crc32(source.subarray(footer + 4, footer + 10)) === view.getUint32(footer, true);
  if (!isFooter || !agrees || !crcsFit) throw broken("no whole .xz file");
  const byteSize = (view.getUint32(footer + 4, true) + 1) * 4;
  const start = footer - byteSize;
  if (
    start < headerByteSize ||
    crc32(source.subarray(start, footer - 4)) !== view.getUint32(footer - 4, true)
  ) {
    throw broken("its index is damaged");
  }
  const cursor = { source, at: start + 1, end: footer - 4 };
  const count = readNumber(cursor);
  // Each has at least two bytes of index.
  if (source[start] !== 0 || count > byteSize / 2) throw broken("its index is damaged");
  const records: BlockRecord[] = [];
  for (let i = 0; i < count; i++) {
    const paddedByteSize = Math.ceil(readNumber(cursor) / 4) * 4;
    records.push({ paddedByteSize, byteSize: readNumber(cursor) });
  }
  return { records, check, start };
}

/** Where the LZMA2 stream of a block begins. */
function blockData(source: Uint8Array, at: number): number {
  const byteSize = (source[at]! + 1) * 4;
  const end = at + byteSize;
  if (
    end > source.length ||
    crc32(source.subarray(at, end - 4)) !== viewOf(source).getUint32(end - 4, true)
  ) {
    throw broken("a block's header is damaged");
  }
  const flags = source[at + 1]!;
  const cursor = { source, at: at + 2, end: end - 4 };
  if ((flags & 0x40) !== 0) readNumber(cursor);
  if ((flags & 0x80) !== 0) readNumber(cursor);
  const filter = readNumber(cursor);
  if ((flags & 0x3f) !== 0 || filter !== filterLzma2) {
    throw new UnsupportedError("COMPRESS_FILTER", "xz with other filters than LZMA2");
  }
  return end;
}

interface NumberCursor {
  source: Uint8Array;
  at: number;
  end: number;
}

/** A "multibyte integer": seven bits a byte, lowest first; those beyond 2^53 are sizes of no file. */
function readNumber(cursor: NumberCursor): number {
  let value = 0;
  for (let factor = 1; cursor.at < cursor.end && factor < 2 ** 49; factor *= 128) {
    const byte = cursor.source[cursor.at++]!;
    value += (byte & 0x7f) * factor;
    if ((byte & 0x80) === 0) return value;
  }
  throw broken("a number that does not end");
}

function compareCheck(check: number, bytes: Uint8Array, stored: Uint8Array): void {
  let fits: boolean;
  switch (check) {
    case 0:
      return;
    case 1:
      fits = viewOf(stored).getUint32(0, true) === crc32(bytes);
      break;
    case 4:
      fits = viewOf(stored).getBigUint64(0, true) === crc64(bytes);
      break;
    case 10:
      fits = createHash("sha256").update(bytes).digest().equals(stored);
      break;
    default:
      throw new UnsupportedError("COMPRESS_CHECK", `xz with check ${check}`);
  }
  if (!fits) throw broken("its checksum is another");
}

let table32: Uint32Array | undefined;

/** CRC-32 (IEEE 802.3), as in section 6 of the format. */
function crc32(bytes: Uint8Array): number {
  table32 ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0xedb8_8320 : 0);
    return crc;
  });
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) crc = table32[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

let table64: { low: Uint32Array; high: Uint32Array } | undefined;

/** CRC-64 (ECMA-182), in two halves: `bigint` for each byte would take seconds for a kernel's module. */
function crc64(bytes: Uint8Array): bigint {
  table64 ??= makeTable64();
  const { low: lows, high: highs } = table64;
  let low = 0xffff_ffff;
  let high = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) {
    const index = (low ^ bytes[i]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ lows[index]!;
    high = (high >>> 8) ^ highs[index]!;
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

function makeTable64(): { low: Uint32Array; high: Uint32Array } {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ ((crc & 1n) === 1n ? 0xc96c_5795_d787_0f42n : 0n);
    low[byte] = Number(crc & 0xffff_ffffn);
    high[byte] = Number(crc >> 32n);
  }
  return { low, high };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(problem: string): FormatError {
  return new FormatError("COMPRESS_BROKEN", `broken xz data: ${problem}`);
}
