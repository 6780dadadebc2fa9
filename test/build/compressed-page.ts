/** Compressed pages, for each kind that a kdump file may have; apart from `src/compress`. */
import { deflateSync } from "node:zlib";
import { snappyCompress } from "hysnappy";

export type PageCompression = "none" | "zlib" | "lzo" | "snappy" | "zstd";

export const pageCompressions: readonly PageCompression[] = ["none", "zlib", "lzo", "snappy", "zstd"];

/** A page's flags and bytes. */
export function compressPage(page: Uint8Array, how: PageCompression): { flags: number; bytes: Uint8Array } {
  switch (how) {
    case "none":
      return { flags: 0, bytes: page };
    case "zlib":
      return { flags: 1, bytes: deflateSync(page) };
    case "lzo":
      return { flags: 2, bytes: lzoCompress(page) };
    case "snappy":
      return { flags: 4, bytes: snappyCompress(new Uint8Array(page)) };
    case "zstd":
      return { flags: 0x20, bytes: zstdFrame(page) };
  }
}

/**
 * A Zstandard frame with its content size of four bytes and one block (RFC 8878, 3.1.1): a repeated byte, or
 * the bytes as they are.
 */
export function zstdFrame(bytes: Uint8Array): Uint8Array {
  const repeated = bytes.every((byte) => byte === bytes[0]);
  const header = [0x28, 0xb5, 0x2f, 0xfd, 0xa0];
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, bytes.length, true);
  const block = (bytes.length << 3) | (repeated ? 2 : 0) | 1;
  return Uint8Array.from([
    ...header,
    ...size,
    block & 0xff,
    (block >> 8) & 0xff,
    (block >> 16) & 0xff,
    ...(repeated ? bytes.subarray(0, 1) : bytes),
  ]);
}

/**
 * LZO1X by a slow search for the longest match, so that it uses every instruction of the kernel's
 * description (Documentation/staging/lzo.rst) where it can.
 */
export function lzoCompress(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  // Where the byte with the low two bits for the next 0 to 3 literals is; none yet.
  let stateAt = -1;
  let literalStart = 0;
  const places = new Map<number, number[]>();
  const key = (at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

  const flush = (end: number): void => {
    const count = end - literalStart;
    if (count > 0) {
      if (stateAt < 0 && count <= 238) out.push(17 + count);
      else if (stateAt >= 0 && count <= 3) out[stateAt]! |= count;
      else longLength(out, 0, 15, count - 3);
      for (let i = literalStart; i < end; i++) out.push(bytes[i]!);
    }
  };
  for (let at = 0; at < bytes.length;) {
    const literals = at - literalStart;
    let length = 0;
    let distance = 0;
    for (const place of at + 1 < bytes.length ? (places.get(key(at)) ?? []).slice(-64).toReversed() : []) {
      if (at - place > 49151) break;
      let same = 0;
      while (at + same < bytes.length && bytes[place + same] === bytes[at + same]) same++;
      if (same > length) [length, distance] = [same, at - place];
    }
    const pair = literals >= 1 && literals <= 3 && stateAt >= 0 && distance <= 1024;
    const triple = literals >= 4 && distance >= 2049 && distance <= 3072;
    if (length < (pair ? 2 : 3)) {
      remember(places, key(at), at);
      at++;
      continue;
    }
    flush(at);
    if (length === 2) {
      out.push(((distance - 1) & 3) << 2, (distance - 1) >> 2);
      stateAt = out.length - 2;
    } else if (length === 3 && triple) {
      out.push(((distance - 2049) & 3) << 2, (distance - 2049) >> 2);
      stateAt = out.length - 2;
    } else if (length <= 8 && distance <= 2048) {
      out.push(((length - 1) << 5) | (((distance - 1) & 7) << 2), (distance - 1) >> 3);
      stateAt = out.length - 2;
    } else if (distance <= 16384) {
      longLength(out, 32, 31, length - 2);
      out.push(((distance - 1) << 2) & 0xff, (distance - 1) >> 6);
      stateAt = out.length - 2;
    } else {
      const far = distance - 16384;
      longLength(out, 16 | ((far >> 14) << 3), 7, length - 2);
      out.push((far << 2) & 0xff, (far >> 6) & 0xff);
      stateAt = out.length - 2;
    }
    for (let i = 0; i < length; i++) if (at + i + 1 < bytes.length) remember(places, key(at + i), at + i);
    at += length;
    literalStart = at;
  }
  flush(bytes.length);
  out.push(17, 0, 0);
  return Uint8Array.from(out);
}

function longLength(out: number[], code: number, limit: number, length: number): void {
  if (length <= limit && length > 0) {
    out.push(code | length);
    return;
  }
  out.push(code);
  let rest = length - limit;
  for (; rest > 255; rest -= 255) out.push(0);
  out.push(rest);
}

function remember(places: Map<number, number[]>, key: number, at: number): void {
  const list = places.get(key);
  if (list === undefined) places.set(key, [at]);
  else list.push(at);
}
