import { expect, test } from "vitest";
import { BtfSearch } from "./btf-search.ts";

function header(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + 4 * words.length);
  bytes.set([0x9f, 0xeb, 1, 0]);
  bytes.writeUInt32LE(8 + 4 * words.length, 4);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 8 + 4 * i);
  return bytes;
}

test("finds headers that make sense, wherever pieces end", () => {
  const memory = Buffer.alloc(0x4000);
  memory.set(header([0, 0x8_0000, 0x8_0000, 0x1_0000]), 0xffc);
  memory.set(header([0, 0x9_0000, 0x9_0000, 0x1_0000, 0xa_0000, 0x10]), 0x1ff0);
  // Too small, misaligned, types that end inside a record, strings over types, nothing in it.
  memory.set(header([0, 0x80, 0x80, 0x20]), 0x2100);
  memory.set(header([0, 0x8_0000, 0x8_0000, 0x1_0000]), 0x2202);
  memory.set(header([0, 0x8_0001, 0x8_0004, 0x1_0000]), 0x2300);
  memory.set(header([0, 0x8_0000, 0x7_0000, 0x1_0000]), 0x2400);
  memory.set(header([0, 0, 0, 0]), 0x2500);
  memory.set(header([0, 0xffff_fffc, 0xffff_fffc, 0xffff_ffff]), 0x2600);
  const search = new BtfSearch();
  for (let at = 0; at < memory.length; at += 0x800) {
    const end = Math.min(at + 0x800 + BtfSearch.overlapByteSize, memory.length);
    search.visit(memory.subarray(at, end), at + 0x10_0000, 0x800);
  }
  expect(search.candidates).toEqual([
    {
      address: 0x10_0ffc,
      byteSize: 0x9_0018,
      headerByteSize: 24,
      typesByteSize: 0x8_0000,
      stringsByteSize: 0x1_0000,
    },
    {
      address: 0x10_1ff0,
      byteSize: 0xa_0030,
      headerByteSize: 32,
      typesByteSize: 0x9_0000,
      stringsByteSize: 0x1_0000,
    },
  ]);
});
