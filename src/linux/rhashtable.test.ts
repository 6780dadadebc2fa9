import { beforeEach, describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram, structAdder } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Program } from "../program/index.ts";
import { rhashtableForEach } from "./rhashtable.ts";
import { sbitmapForEachSet } from "./sbitmap.ts";

const start = 0xffff_8880_0000_0000n;
const place = (index: number): bigint => start + 0x1000n * BigInt(index + 1);

let memory: MockMemory;
let program: Program;

function words(address: bigint, ...values: readonly bigint[]): void {
  memory.putWords(address, ...values);
}

beforeEach(() => {
  const builder = new BtfBuilder();
  const { int, ulong } = commonTypes(builder);
  const pointer = builder.addPtr(0);
  const struct = structAdder(builder);
  struct("rhash_head", 8, { next: [pointer, 0] });
  const buckets = builder.addArray(pointer, int, 0);
  // A struct that leads to itself is made with the id that it is going to have.
  const future = builder.addPtr(builder.nextId + 1);
  const table = struct("bucket_table", 16, {
    size: [int, 0],
    nest: [int, 4],
    future_tbl: [future, 8],
    buckets: [buckets, 16],
  });
  struct("rhashtable", 8, { tbl: [builder.addPtr(table), 0] });
  const word = struct("sbitmap_word", 16, { word: [ulong, 0], cleared: [ulong, 8] });
  struct("sbitmap", 16, { depth: [int, 0], shift: [int, 4], map: [builder.addPtr(word), 8] });
  memory = new MockMemory();
  program = mockProgram({ btf: builder.toBtf(), memory });
});

describe("rhashtable", () => {
  const heads = (): bigint[] => [...rhashtableForEach(program.object(start, "struct rhashtable"))];

  it("follows buckets with their locks and end marks, and the table that a resize goes to", () => {
    words(start, place(0));
    words(place(0), 4n, place(10), place(1) | 1n, 0n, 1n, place(2));
    words(place(1), place(3));
    words(place(2), 7n);
    words(place(3), 1n);
    words(place(10), 1n, 0n, place(4));
    words(place(4), 1n);
    expect(heads()).toEqual([place(1), place(3), place(2), place(4)]);
  });

  it("finds the buckets of nested tables", () => {
    words(start, place(0));
    words(place(0), (1n << 32n) | 1024n, 0n, place(20));
    words(place(20), place(21), 0n);
    memory.put(place(21), new Uint8Array(4096));
    words(place(21) + 24n, place(5));
    words(place(5), 1n);
    expect(heads()).toEqual([place(5)]);
  });

  it("ends at a table that leads back to itself, and says so of a chain", () => {
    words(start, place(0));
    words(place(0), 1n, place(0), place(1));
    words(place(1), 1n);
    expect(heads()).toEqual([place(1)]);
    words(place(1), place(1));
    expect(heads).toThrow("leads back");
  });
});

describe("sbitmap", () => {
  it("gives the bits that are set and not given back, up to its depth", () => {
    words(start, (4n << 32n) | 20n, place(0));
    words(place(0), 0b1011n, 0b10n, 0b1_0000_0000_0000_0001n, 0n);
    words(place(0) + 32n, 0n, 0n);
    const bits = [...sbitmapForEachSet(program.object(start, "struct sbitmap"))];
    expect(bits).toEqual([0, 3, 16]);
  });
});
