import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { snappyCompress } from "hysnappy";
import { lzoCompress } from "../../test/build/compressed-page.ts";
import { FormatError } from "../io/index.ts";
import { largestResult, loadCodec, type CodecName } from "./index.ts";

const text = new Uint8Array(Buffer.from("variable ".repeat(2000)));

/** One Zstandard frame, written by hand (RFC 8878, 3.1.1): content size 5, one raw last block. */
const zstdRaw = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, 0x68, 0x65, 0x6c, 0x6c, 0x6f);
/** The same with one RLE block: 18,000 times "x"; content size field of two bytes, less 256. */
const zstdRepeated = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x50, 0x45, 0x83, 0x32, 0x02, 0x78);

describe.each<[CodecName, Uint8Array, Uint8Array]>([
  ["zlib", new Uint8Array(deflateSync(text)), text],
  ["gzip", new Uint8Array(gzipSync(text)), text],
  ["zstd", zstdRaw, new Uint8Array(Buffer.from("hello"))],
  ["zstd", zstdRepeated, new Uint8Array(18_000).fill(0x78)],
  ["lzo", lzoCompress(text), text],
  ["snappy", snappyCompress(text), text],
])("%s", (name, compressed, plain) => {
  test("fills a target of the exact size", async () => {
    const { decompressInto } = await loadCodec(name);
    const target = new Uint8Array(plain.length);
    decompressInto(compressed, target);
    expect(Buffer.from(target).equals(plain)).toBe(true);
  });

  test("fills shared memory", async () => {
    const { decompressInto } = await loadCodec(name);
    const target = new Uint8Array(new SharedArrayBuffer(plain.length));
    decompressInto(compressed, target);
    expect(Buffer.from(target).equals(plain)).toBe(true);
  });

  test.each([-1, 1])("refuses a size that is wrong by %i", async (difference) => {
    const { decompressInto } = await loadCodec(name);
    const target = new Uint8Array(plain.length + difference);
    expect(() => decompressInto(compressed, target)).toThrow(FormatError);
  });

  test("refuses truncated and changed data", async () => {
    const { decompressInto } = await loadCodec(name);
    const target = new Uint8Array(plain.length);
    for (let length = 0; length < compressed.length; length++) {
      expect(() => decompressInto(compressed.subarray(0, length), target)).toThrow(FormatError);
    }
    const changed = compressed.slice();
    changed[0]! ^= 0xff;
    expect(() => decompressInto(changed, target)).toThrow(FormatError);
  });

  test("the bound on the result holds", () => {
    expect(largestResult(name, compressed.length)).toBeGreaterThanOrEqual(plain.length);
  });
});

test("zlib reads several streams in a row", async () => {
  const { decompressInto } = await loadCodec("zlib");
  const target = new Uint8Array(text.length * 2);
  decompressInto(Buffer.concat([deflateSync(text), deflateSync(text)]), target);
  expect(Buffer.from(target).equals(Buffer.concat([text, text]))).toBe(true);
});

test("an empty result is one", async () => {
  const { decompressInto } = await loadCodec("zlib");
  decompressInto(deflateSync(new Uint8Array(0)), new Uint8Array(0));
  expect(() => decompressInto(deflateSync(Uint8Array.of(1)), new Uint8Array(0))).toThrow(FormatError);
});

test("the bound on the result holds for the best deflate can do", () => {
  const zeros = new Uint8Array(1 << 22);
  expect(largestResult("zlib", deflateSync(zeros, { level: 9 }).length)).toBeGreaterThanOrEqual(zeros.length);
  expect(largestResult("zlib", deflateRawSync(zeros, { level: 9 }).length)).toBeGreaterThanOrEqual(
    zeros.length,
  );
});
