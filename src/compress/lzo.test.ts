import fc from "fast-check";
import { expect, test } from "vitest";
import { lzoCompress } from "../../test/build/compressed-page.ts";
import { FormatError } from "../io/index.ts";
import { lzoCodec } from "./lzo.ts";

function decompress(source: readonly number[], byteSize: number): string {
  const target = new Uint8Array(byteSize);
  lzoCodec.decompressInto(Uint8Array.from(source), target);
  return Buffer.from(target).toString("latin1");
}

const end = [0x11, 0, 0];
const ascii = (text: string): number[] => [...Buffer.from(text)];

// One row per instruction of the kernel's description, worked out by hand.
test.each<[string, readonly number[], string]>([
  ["a first run of four", [21, ...ascii("abcd"), ...end], "abcd"],
  ["a run of 18 to 273", [0, 1, ...ascii("0123456789abcdefghi"), ...end], "0123456789abcdefghi"],
  ["three bytes from 2 KiB, overlapping", [20, ...ascii("abc"), 0b010_010_00, 0, ...end], "abcabc"],
  ["eight bytes from 2 KiB", [20, ...ascii("abc"), 0b111_010_01, 0, ...ascii("x"), ...end], "abcabcabcabx"],
  [
    "two bytes after 1 to 3 literals",
    [20, ...ascii("abc"), 0b0000_10_01, 0, ...ascii("x"), ...end],
    "abcabx",
  ],
  ["a match from 16 KiB", [20, ...ascii("abc"), 32 | 4, 2 << 2, 0, ...end], "abcabcabc"],
  ["a long match from 16 KiB", [18, ...ascii("a"), 32, 0, 1, 0, 0, ...end], "a".repeat(1 + 31 + 255 + 1 + 2)],
])("%s", (_what, source, result) => {
  expect(decompress(source, result.length)).toBe(result);
});

test("three bytes from 2 to 3 KiB after a long run, and a match from beyond 16 KiB", () => {
  const head = new Uint8Array(2049).map((_, i) => (i * 7) & 0xff);
  const run = [0, ...new Array<number>(7).fill(0), 2049 - 18 - 7 * 255, ...head];
  const target = new Uint8Array(2052);
  lzoCodec.decompressInto(Uint8Array.from([...run, 0, 0, ...end]), target);
  expect([...target.subarray(2049)]).toEqual([...head.subarray(0, 3)]);

  const far = new Uint8Array(20_000).map((_, i) => (i * i) >> 4);
  far.set(far.subarray(0, 1000), 18_500);
  const result = new Uint8Array(far.length);
  lzoCodec.decompressInto(lzoCompress(far), result);
  expect(Buffer.from(result).equals(far)).toBe(true);
});

test("undoes what a compressor does, whatever the data", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .record({ byte: fc.nat(255), count: fc.nat(2000) })
      .map(({ byte, count }) => new Uint8Array(count).fill(byte)),
    fc
      .uint8Array({ minLength: 1, maxLength: 5 })
      .map((bytes) => new Uint8Array(700).map((_, i) => bytes[i % bytes.length]!)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(20), (pieces, repeats) => {
      const once = Buffer.concat(pieces);
      const bytes = new Uint8Array(Buffer.concat([once, ...new Array<Buffer>(repeats % 3).fill(once)]));
      const target = new Uint8Array(bytes.length);
      lzoCodec.decompressInto(lzoCompress(bytes), target);
      expect(Buffer.from(target).equals(bytes)).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test.each<[string, readonly number[], string]>([
  ["no end", [21, ...ascii("abcd")], "COMPRESS_BROKEN"],
  ["nothing", [], "COMPRESS_BROKEN"],
  ["a match before the start", [20, ...ascii("abc"), 0b010_011_00, 0, ...end], "COMPRESS_BROKEN"],
  ["a match at the very start", [0x40, 0, ...end], "COMPRESS_BROKEN"],
  ["bytes behind the end", [21, ...ascii("abcd"), ...end, 0], "COMPRESS_BROKEN"],
  ["a length that never ends", [0, 0, 0, 0], "COMPRESS_BROKEN"],
  ["more than expected", [30, ...ascii("abcdefghijklm"), ...end], "COMPRESS_SIZE"],
  ["less than expected", [20, ...ascii("abc"), ...end], "COMPRESS_SIZE"],
])("refuses %s", (_what, source, code) => {
  expect(() => decompress(source, 4)).toThrowError(expect.objectContaining({ code }));
});

test("random bytes give an error or fill the target, nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(5000), (source, byteSize) => {
      try {
        lzoCodec.decompressInto(source, new Uint8Array(byteSize));
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }),
    { numRuns: 2000 },
  );
});
