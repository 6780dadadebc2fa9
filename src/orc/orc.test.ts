import { describe, expect, test } from "vitest";
import { randomNumbers } from "../../test/build/mutate.ts";
import { FaultError } from "../io/index.ts";
import {
  decodeOrcEntry,
  ORC_REGISTER_BP,
  ORC_REGISTER_BP_INDIRECT,
  ORC_REGISTER_PREV_SP,
  ORC_REGISTER_SP,
  ORC_REGISTER_SP_INDIRECT,
  ORC_REGISTER_UNDEFINED,
  ORC_REGISTER_UNKNOWN,
  ORC_TYPE_CALL,
  ORC_TYPE_END_OF_STACK,
  ORC_TYPE_REGS,
  ORC_TYPE_REGS_PARTIAL,
  ORC_TYPE_UNDEFINED,
  type OrcEntry,
  type OrcLookupLocation,
  type OrcMemory,
  OrcTable,
  orcVersionOf,
  type OrcVersion,
} from "./index.ts";

const entry = (over: Partial<OrcEntry>): OrcEntry => ({
  spRegister: ORC_REGISTER_SP,
  spOffset: 0,
  bpRegister: ORC_REGISTER_UNDEFINED,
  bpOffset: 0,
  type: ORC_TYPE_CALL,
  signal: false,
  ...over,
});

describe("entries", () => {
  // Flags: sp register, bp register << 4, then what each version has.
  test.each<[string, OrcVersion, number, Partial<OrcEntry>]>([
    ["a call of version 1", 1, 0x05, {}],
    ["registers of version 1 imply a signal frame", 1, 0x105, { type: ORC_TYPE_REGS, signal: true }],
    ["processor's registers of version 1", 1, 0x205, { type: ORC_TYPE_REGS_PARTIAL, signal: true }],
    ["end of version 1", 1, 0x400, { spRegister: 0, type: ORC_TYPE_END_OF_STACK }],
    ["nothing in version 1", 1, 0x000, { spRegister: 0, type: ORC_TYPE_UNDEFINED }],
    ["registers of version 2 without a signal", 2, 0x105, { type: ORC_TYPE_REGS }],
    ["registers of version 2 with a signal", 2, 0x505, { type: ORC_TYPE_REGS, signal: true }],
    ["end of version 2", 2, 0x800, { spRegister: 0, type: ORC_TYPE_END_OF_STACK }],
    ["a call of version 3", 3, 0x205, {}],
    ["end of version 3", 3, 0x100, { spRegister: 0, type: ORC_TYPE_END_OF_STACK }],
    ["registers of version 3 with a signal", 3, 0xb05, { type: ORC_TYPE_REGS, signal: true }],
    [
      "a pushed frame pointer of version 3",
      3,
      0x214,
      { spRegister: ORC_REGISTER_BP, bpRegister: ORC_REGISTER_PREV_SP },
    ],
    [
      "indirect registers of version 3",
      3,
      0x289,
      { spRegister: ORC_REGISTER_SP_INDIRECT, bpRegister: ORC_REGISTER_BP_INDIRECT },
    ],
    [
      "a pushed frame pointer of version 4",
      4,
      0x284,
      { spRegister: ORC_REGISTER_BP, bpRegister: ORC_REGISTER_PREV_SP },
    ],
    ["a call of version 4", 4, 0x203, {}],
    ["a register that no version has", 4, 0x20f, { spRegister: ORC_REGISTER_UNKNOWN }],
  ])("%s", (_, version, flags, expected) => {
    expect(decodeOrcEntry(version, 0, 0, flags)).toEqual(entry(expected));
  });
});

describe("versions", () => {
  test.each([
    ["db84aed4103b31dd51e017f8f79783ca985c2c51", 2],
    ["fe5d32bf581bd63b2ca9a5c65ba5a625eab3fe24", 3],
    ["137c36ad7627c4dd55932176bb0ecdbd5041fc82", 4],
  ])("hash %s", (hash, version) => {
    // The hash decides over whatever else is said.
    const headerHash = Buffer.from(hash, "hex");
    expect(orcVersionOf({ headerHash, members: { end: true, signal: false }, release: "5.4.0" })).toBe(
      version,
    );
  });

  test.each([
    [{ end: true, signal: false }, 0x014, 1],
    [{ end: true, signal: true }, 0x014, 2],
    [{ end: false, signal: true }, 0x214, 3],
    [{ end: false, signal: true }, 0x284, 4],
  ])("members %o with flags %o", (members, framePointerFlags, version) => {
    // A distributor's release says nothing.
    expect(orcVersionOf({ members, framePointerFlags, release: "5.14.0-570.el9" })).toBe(version);
  });

  test.each([
    ["4.13.0", undefined],
    ["4.14.0", 1],
    ["6.2.9", 1],
    ["6.3.1", 2],
    ["6.4.0", 3],
    ["7.0.0", 3],
    ["7.1.0-rc1", 4],
    ["next", undefined],
  ])("release %s when nothing else is known", (release, version) => {
    expect(orcVersionOf({ release })).toBe(version);
  });

  test("an unknown hash leaves the other evidence", () => {
    expect(
      orcVersionOf({
        headerHash: new Uint8Array(20),
        members: { end: false, signal: true },
        framePointerFlags: 0x284,
      }),
    ).toBe(4);
    expect(orcVersionOf({})).toBe(undefined);
  });
});

const ipBase = 0xffff_ffff_8200_0000n;
const entryBase = 0xffff_ffff_8210_0000n;
const lookupBase = 0xffff_ffff_8220_0000n;
const text = 0xffff_ffff_8100_0000n;

/** Memory with tables for code at the given offsets from `text`; entry i has `spOffset` i. */
function tables(
  offsets: readonly number[],
  lookup?: readonly number[],
): { memory: OrcMemory; reads: () => number } {
  const ips = Buffer.alloc(offsets.length * 4);
  const entries = Buffer.alloc(offsets.length * 6);
  offsets.forEach((offset, index) => {
    ips.writeInt32LE(Number(text + BigInt(offset) - ipBase) - index * 4, index * 4);
    entries.writeInt16LE(index, index * 6);
    entries.writeUInt16LE(0x205, index * 6 + 4);
  });
  const index = Buffer.alloc((lookup?.length ?? 0) * 4);
  lookup?.forEach((value, block) => index.writeUInt32LE(value, block * 4));
  let read = 0;
  const memory: OrcMemory = {
    readInto(target, address) {
      read += target.length;
      for (const [base, bytes] of [
        [ipBase, ips],
        [entryBase, entries],
        [lookupBase, index],
      ] as const) {
        const at = Number(address - base);
        if (at >= 0 && at + target.length <= bytes.length) {
          target.set(bytes.subarray(at, at + target.length));
          return;
        }
      }
      throw new FaultError("unmapped", address, "virtual");
    },
  };
  return { memory, reads: () => read };
}

function table(memory: OrcMemory, count: number, lookup?: OrcLookupLocation): OrcTable {
  return new OrcTable(memory, { addresses: ipBase, entries: entryBase, count, lookup }, 3);
}

describe("tables", () => {
  test("the last entry at or below an address", () => {
    const { memory } = tables([0, 16, 16, 48]);
    const orc = table(memory, 4);
    const found = (offset: number): number | undefined => orc.find(text + BigInt(offset))?.spOffset;
    expect(found(-1)).toBe(undefined);
    expect(found(0)).toBe(0);
    expect(found(15)).toBe(0);
    expect(found(16)).toBe(2);
    expect(found(47)).toBe(2);
    expect(found(48)).toBe(3);
    expect(found(1 << 20)).toBe(3);
    expect(found(-1 << 20)).toBe(undefined);
    expect(orc.entryAddress(3)).toBe(text + 48n);
  });

  test("the index over the text finds what a plain search finds, and reads less", () => {
    const offsets = Array.from({ length: 2000 }, (_, index) => index * 37);
    const blocks = Math.ceil((offsets.at(-1)! + 1) / 256) + 1;
    const lookup = Array.from({ length: blocks }, (_, block) =>
      offsets.findLastIndex((offset) => offset <= block * 256),
    );
    const plain = table(tables(offsets).memory, offsets.length);
    const indexed = tables(offsets, lookup);
    const fast = table(indexed.memory, offsets.length, {
      address: lookupBase,
      count: blocks,
      textStart: text,
    });
    for (let offset = 0; offset < 74_000; offset += 13) {
      const address = text + BigInt(offset);
      expect(fast.find(address)).toEqual(plain.find(address));
    }
    const once = tables(offsets, lookup);
    table(once.memory, offsets.length, { address: lookupBase, count: blocks, textStart: text }).find(
      text + 5000n,
    );
    expect(once.reads()).toBeLessThan(100);
  });

  test("an index that makes no sense is not believed", () => {
    const offsets = Array.from({ length: 100 }, (_, index) => index * 16);
    for (const lookup of [
      [5000, 6000, 7000, 8000],
      [90, 3, 2, 1],
      [80, 90, 95, 99],
    ]) {
      const { memory } = tables(offsets, lookup);
      const orc = table(memory, 100, { address: lookupBase, count: 4, textStart: text });
      expect(orc.find(text + 40n)?.spOffset).toBe(2);
    }
  });

  test("counts that no image has, and entries that are none", () => {
    const { memory } = tables([0]);
    for (const count of [0, -1, NaN, 2 ** 31]) expect(() => table(memory, count)).toThrow("ORC table");
    expect(() => table(memory, 1).entry(1)).toThrow(RangeError);
  });

  test("memory that is not there is a fault, not an entry", () => {
    const { memory } = tables([0, 16]);
    expect(() => table(memory, 3).find(text + 20n)).toThrow(FaultError);
  });

  test("any bytes as a table", () => {
    const random = randomNumbers(1);
    const memory: OrcMemory = {
      readInto: (target) => {
        for (let index = 0; index < target.length; index++) target[index] = random(256);
      },
    };
    const lookup = { address: lookupBase, count: 1000, textStart: text };
    for (const version of [1, 2, 3, 4] as const) {
      const orc = new OrcTable(
        memory,
        { addresses: ipBase, entries: entryBase, count: 5000, lookup },
        version,
      );
      for (let round = 0; round < 500; round++) {
        const found = orc.find(text + BigInt(random(200_000)));
        if (found !== undefined) expect(found.spRegister).toBeLessThanOrEqual(ORC_REGISTER_UNKNOWN);
      }
    }
  });
});
