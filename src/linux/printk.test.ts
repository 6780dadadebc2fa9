import { beforeEach, describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { Gaps } from "./gaps.ts";
import { printkRecords } from "./printk.ts";
import type { PrintkRecord } from "./printk-record.ts";

const base = 0xffff_ffff_8100_0000n;
const ring = base + 0x1000n;
const descs = base + 0x2000n;
const infos = base + 0x3000n;
const data = base + 0x4000n;
/** 4 records, 64 bytes of text. */
const countBits = 2;
const sizeBits = 6;
const finalized = 2n << 62n;
const idMask = (1n << 62n) - 1n;

let memory: MockMemory;
let kernel: Kernel;

function words(address: bigint, ...values: readonly bigint[]): void {
  memory.putWords(address, ...values);
}

function putRing(tail: bigint, head: bigint): void {
  words(base, ring);
  words(ring, BigInt(countBits), descs, infos, head, tail);
  words(ring + 40n, BigInt(sizeBits), data, 0n, 0n);
}

function putRecord(id: bigint, begin: bigint, next: bigint, text: string, state: bigint = finalized): void {
  const index = id & 3n;
  words(descs + index * 24n, state | id, begin, next);
  const info = new DataView(new ArrayBuffer(24));
  info.setBigUint64(0, id & 0xffn, true);
  info.setBigUint64(8, 1_500_000n, true);
  info.setUint16(16, text.length, true);
  info.setUint8(19, 4 << 5);
  info.setUint32(20, 0x8000_0001, true);
  memory.put(infos + index * 24n, new Uint8Array(info.buffer));
  if ((begin & 1n) === 1n) return;
  const wraps = begin >> 6n !== (next - 1n) >> 6n;
  const at = data + (wraps ? 0n : begin & 63n);
  words(at, id);
  memory.put(at + 8n, text);
}

const read = (): { records: PrintkRecord[]; gaps: readonly string[] } => {
  const gaps = new Gaps();
  const records = [...printkRecords(kernel, gaps)];
  return { records, gaps: gaps.diagnostics.map(({ text }) => text) };
};

beforeEach(() => {
  const builder = new BtfBuilder();
  const { uint, ulong, u8 } = commonTypes(builder);
  const u16 = builder.addInt("unsigned short", 2);
  const pointer = builder.addPtr(0);
  const struct = (name: string, size: number, members: [string, number, number][]): number =>
    builder.addStruct(
      name,
      size,
      members.map(([member, type, offset]) => ({ name: member, type, bitOffset: offset * 8 })),
    );
  const lpos = struct("prb_data_blk_lpos", 16, [
    ["begin", ulong, 0],
    ["next", ulong, 8],
  ]);
  struct("prb_desc", 24, [
    ["state_var", ulong, 0],
    ["text_blk_lpos", lpos, 8],
  ]);
  struct("printk_info", 24, [
    ["seq", ulong, 0],
    ["ts_nsec", ulong, 8],
    ["text_len", u16, 16],
    ["facility", u8, 18],
    ["flags", u8, 19],
    ["caller_id", uint, 20],
  ]);
  const descRing = struct("prb_desc_ring", 40, [
    ["count_bits", uint, 0],
    ["descs", pointer, 8],
    ["infos", pointer, 16],
    ["head_id", ulong, 24],
    ["tail_id", ulong, 32],
  ]);
  const dataRing = struct("prb_data_ring", 32, [
    ["size_bits", uint, 0],
    ["data", pointer, 8],
    ["head_lpos", ulong, 16],
    ["tail_lpos", ulong, 24],
  ]);
  struct("printk_ringbuffer", 72, [
    ["desc_ring", descRing, 0],
    ["text_data_ring", dataRing, 40],
  ]);
  memory = new MockMemory();
  const { types } = mockProgram({ btf: builder.toBtf(), memory });
  const symbols = { addressOf: (name: string) => (name === "prb" ? base : undefined) };
  kernel = { types, foundation: { memory, symbols, vmcoreinfo: undefined } } as unknown as Kernel;
});

describe("the ring buffer", () => {
  it("goes on where ids wrap, and where a block wraps to the start", () => {
    putRing(idMask, 1n);
    putRecord(idMask, 0n, 24n, "first");
    putRecord(0n, 24n, 48n, "second");
    // 48 to 80 would cross the end of 64 bytes: its data is at 0.
    putRecord(1n, 48n, 80n, "third");
    words(data, 1n);
    const { records, gaps } = read();
    expect(records.map(({ text }) => text)).toEqual([undefined, "second", "third"]);
    // The first block was overwritten by the third.
    expect(gaps).toEqual([`text: the block at 0x${data.toString(16)} is another record's`]);
    expect(records[1]).toEqual({
      sequence: 0,
      time: 1_500_000n,
      level: 4,
      facility: 0,
      caller: "C1",
      text: "second",
    });
  });

  it("holds a block that ends at the very end of the ring", () => {
    putRing(4n, 4n);
    putRecord(4n, 40n, 64n, "to the end");
    expect(read().records.map(({ text }) => text)).toEqual(["to the end"]);
  });

  it("leaves out what is being written, what was reused, and what lost its text", () => {
    putRing(4n, 7n);
    putRecord(4n, 0n, 24n, "reserved", 0n);
    putRecord(5n, 0n, 24n, "reusable", 3n << 62n);
    putRecord(6n, 1n, 1n, "lost");
    putRecord(7n, 3n, 3n, "");
    expect(read().records.map(({ text }) => text)).toEqual([""]);
  });

  it("says what the dump has not", () => {
    putRing(4n, 4n);
    words(descs, finalized | 4n, 0n, 24n);
    const { records, gaps } = read();
    expect(records).toEqual([]);
    expect(gaps[0]).toMatch(/^record: 0x[0-9a-f]+: not mapped$/);
  });

  it("refuses a ring of absurd size", () => {
    putRing(4n, 4n);
    words(ring, 63n, descs, infos, 4n, 4n);
    expect(() => read()).toThrow(/a log of 2\^63 records/);
  });
});
