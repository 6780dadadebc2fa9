import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageTableBuilder, tableShapes } from "../../test/build/page-tables.ts";
import { SparseMemory } from "../../test/build/sparse-memory.ts";
import { aarch64, x86_64 } from "../arch/index.ts";
import { FaultError } from "../io/index.ts";
import { AddressSpace } from "./address-space.ts";
import type { Translation } from "./translation.ts";

const base = 0xffff_ff00_0000_0000n;

/** A kernel with four pages in scattered order, every byte of which tells its place, and a hole. */
function machine(): { memory: SparseMemory; tables: PageTableBuilder; translation: Translation } {
  const memory = new SparseMemory();
  const tables = new PageTableBuilder(memory, tableShapes[0]!, 0x10_0000);
  for (const [page, physical] of [0x7000, 0x3000, 0x4000, 0x9000].entries()) {
    tables.map(base + BigInt(page * 4096), BigInt(physical));
    memory.write(physical, bytesOf(page));
  }
  const translation: Translation = {
    architecture: x86_64,
    pageByteSize: 4096,
    tables: tables.format,
    runs: [],
    how: "test",
  };
  return { memory, tables, translation };
}

function bytesOf(page: number): Uint8Array {
  return Uint8Array.from(
    { length: 4096 },
    (_, offset) => (page * 53 + offset * 7 + (offset >> 8)) & 0xff || 1,
  );
}

const image = Buffer.concat([0, 1, 2, 3].map(bytesOf));

describe("AddressSpace", () => {
  it("reads any bytes across pages that are not neighbours in memory", () => {
    const { memory, translation } = machine();
    for (const frozen of [true, false]) {
      const space = new AddressSpace(memory, translation, { frozen });
      fc.assert(
        fc.property(fc.nat(image.length - 1), fc.nat(image.length), (start, wanted) => {
          const byteSize = Math.min(wanted, image.length - start);
          const read = space.read(base + BigInt(start), byteSize);
          expect(Buffer.compare(Buffer.from(read), image.subarray(start, start + byteSize))).toBe(0);
        }),
      );
    }
  });

  it("reads numbers, in one page and over two", () => {
    const { memory, translation } = machine();
    for (const frozen of [true, false]) {
      const space = new AddressSpace(memory, translation, { frozen });
      for (const at of [0, 1, 4088, 4089, 4090, 4092, 4093, 4095, 8185]) {
        const address = base + BigInt(at);
        expect(space.readU8(address)).toBe(image[at]);
        expect(space.readU16(address)).toBe(image.readUInt16LE(at));
        expect(space.readU32(address)).toBe(image.readUInt32LE(at));
        expect(space.readU64(address)).toBe(image.readBigUInt64LE(at));
      }
    }
  });

  it("translates, and names the first address that it cannot", () => {
    const { memory, translation } = machine();
    const space = new AddressSpace(memory, translation);
    expect(space.translate(base + 0x1234n)).toBe(0x3234);
    const hole = base + 0x4000n;
    expect(() => space.translate(hole)).toThrowError(
      expect.objectContaining({ reason: "unmapped", address: hole, space: "virtual" }),
    );
    for (const byteSize of [16, 0x1010, 0x6000])
      expect(() => space.read(hole - 8n, byteSize)).toThrowError(expect.objectContaining({ address: hole }));
  });

  it("faults with the reason of physical memory, at the virtual address", () => {
    for (const frozen of [true, false]) {
      const { memory, translation } = machine();
      memory.lose(0x4000, "excluded");
      const space = new AddressSpace(memory, translation, { frozen });
      const lost = expect.objectContaining({ reason: "excluded", address: base + 0x2000n, space: "virtual" });
      expect(() => space.readU64(base + 0x2000n)).toThrowError(lost);
      expect(() => space.readU64(base + 0x1ffcn)).toThrowError(lost);
      expect(() => space.read(base, 0x4000)).toThrowError(lost);
      expect(space.readU64(base + 0x1ff8n)).toBe(image.readBigUInt64LE(0x1ff8));
      expect(space.readU8(base + 0x3000n)).toBe(image[0x3000]);
    }
  });

  it("serves the part of a page that is in the dump", () => {
    const { memory, translation } = machine();
    const half = {
      ranges: [],
      readInto(target: Uint8Array, address: number): void {
        const end = 0x7800;
        if (address >= 0x7000 && address < 0x8000 && address + target.length > end)
          throw new FaultError("truncated", Math.max(end, address), "physical");
        memory.readInto(target, address);
      },
    };
    const space = new AddressSpace(half, translation);
    expect(space.readU64(base + 0x7f8n)).toBe(image.readBigUInt64LE(0x7f8));
    expect(() => space.readU64(base + 0x7fcn)).toThrowError(
      expect.objectContaining({ reason: "truncated", address: base + 0x800n }),
    );
  });

  it.each([0n, 8n, 4095n, 0x7fff_ffff_ffffn])(
    "has nothing at address 0x%s of processes, even if it is mapped",
    (address) => {
      const { memory, tables, translation } = machine();
      tables.map(address & ~4095n, 0x7000n);
      const space = new AddressSpace(memory, translation);
      expect(() => space.readU8(address)).toThrowError(
        expect.objectContaining({ reason: "unmapped", address }),
      );
      const user = space.userAddressSpace(tables.format.root);
      expect(user.readU8(address)).toBe(image[Number(address & 4095n)]);
      expect(() => user.readU8(base)).toThrowError(expect.objectContaining({ reason: "unmapped" }));
    },
  );

  it.each([-1, NaN, Infinity, 2 ** 30 + 1])("does not try to read %d bytes", (byteSize) => {
    const { memory, translation } = machine();
    expect(() => new AddressSpace(memory, translation).read(base, byteSize)).toThrowError(
      expect.objectContaining({ code: "READ_SIZE" }),
    );
  });

  it("wraps at 2^64", () => {
    const { memory, tables, translation } = machine();
    tables.map(0xffff_ffff_ffff_f000n, 0x3000n);
    const space = new AddressSpace(memory, translation);
    expect(space.readU8(-1n)).toBe(image[0x1fff]);
    expect(space.readU32(2n ** 64n - 4n)).toBe(image.readUInt32LE(0x1ffc));
    expect(() => space.readU64(-4n)).toThrowError(
      expect.objectContaining({ address: 0n, reason: "unmapped" }),
    );
    expect(space.translate(base + 2n ** 64n)).toBe(0x7000);
  });

  it("reads strings to their NUL, their limit or the end of memory", () => {
    const { memory, translation } = machine();
    memory.write(0x7010, "first\0").write(0x7ff0, "sixteen letters!").write(0x3000, "and on\0");
    memory.write(0x9f00, "x".repeat(256)).write(0x9000, "\0");
    for (const frozen of [true, false]) {
      const space = new AddressSpace(memory, translation, { frozen });
      expect(space.readCString(base + 0x10n)).toBe("first");
      expect(space.readCString(base + 0x10n, 3)).toBe("fir");
      expect(space.readCString(base + 0xff0n)).toBe("sixteen letters!and on");
      expect(space.readCString(base + 0x3000n)).toBe("");
      expect(space.readCString(base + 0x3ff0n)).toBe("x".repeat(16));
      expect(space.readCString(base + 0x3f00n)).toBe("x".repeat(256));
      expect(() => space.readCString(base + 0x4000n)).toThrow(FaultError);
    }
  });

  it("uses a run when a page table is missing, and counts that", () => {
    const { memory, tables, translation } = machine();
    memory.lose(tables.entryPlace(base), "excluded");
    expect(() => new AddressSpace(memory, translation).readU8(base)).toThrowError(
      expect.objectContaining({ reason: "excluded", address: base, space: "virtual" }),
    );
    const run = {
      name: "image" as const,
      start: base,
      byteSize: 0x1000n,
      delta: BigInt.asUintN(64, 0x7000n - base),
    };
    const space = new AddressSpace(memory, { ...translation, runs: [run] });
    expect(space.readU8(base + 5n)).toBe(image[5]);
    expect(space.runAnswers).toBeGreaterThan(0);
    expect(() => space.readU8(base + 0x1000n)).toThrowError(expect.objectContaining({ reason: "excluded" }));
  });

  it("prefers page tables to runs", () => {
    const { memory, translation } = machine();
    const run = {
      name: "linear" as const,
      start: base,
      byteSize: 0x10_0000n,
      delta: BigInt.asUintN(64, -base),
    };
    const space = new AddressSpace(memory, { ...translation, runs: [run] });
    expect(space.translate(base)).toBe(0x7000);
    expect(() => space.translate(base + 0x5000n)).toThrowError(
      expect.objectContaining({ reason: "unmapped" }),
    );
    expect(space.runAnswers).toBe(0);
  });

  it("without tables reads by runs, and by the dump's own segments", () => {
    const { memory, translation } = machine();
    const run = {
      name: "linear" as const,
      start: base,
      byteSize: 0x1_0000n,
      delta: BigInt.asUintN(64, -base),
    };
    const virtual = {
      covers: (address: bigint, byteSize: number) => address >= base + 0x20_0000n && byteSize < 9000,
      readInto: (target: Uint8Array) => void target.fill(0x5a),
    };
    const space = new AddressSpace(memory, { ...translation, tables: undefined, runs: [run] }, { virtual });
    expect(space.readU8(base + 0x7003n)).toBe(image[3]);
    expect(space.readU32(base + 0x20_0000n)).toBe(0x5a5a5a5a);
    expect([...new Set(space.read(base + 0x20_0000n, 20_000))]).toEqual([0x5a]);
    expect(() => space.readU8(base + 0x10_0000n)).toThrowError(
      expect.objectContaining({ reason: "unmapped" }),
    );
    expect(() => space.userAddressSpace(0)).toThrow(FaultError);
  });

  it("keeps what it read, unless memory changes", () => {
    const { memory, tables, translation } = machine();
    const space = new AddressSpace(memory, translation);
    const live = new AddressSpace(memory, translation, { frozen: false });
    const before = space.readU8(base);
    expect(live.readU8(base)).toBe(before);
    const reads = memory.reads;
    for (let at = 0n; at < 4096n; at++) space.readU8(base + at);
    expect(memory.reads).toBe(reads);
    memory.write(0x7000, Uint8Array.of(before ^ 0xff));
    expect(space.readU8(base)).toBe(before);
    expect(live.readU8(base)).toBe(before ^ 0xff);
    memory.writeU64(tables.entryPlace(base), 0x3163n);
    expect(live.readU8(base)).toBe(image[0x1000]);
    space.forget();
    expect(space.readU8(base)).toBe(image[0x1000]);
  });

  it("is right however many pages are read in turn", () => {
    const memory = new SparseMemory();
    const tables = new PageTableBuilder(
      memory,
      tableShapes.find((each) => each.virtualAddressBits === 39)!,
      0x4000_0000,
    );
    const pages = Array.from({ length: 1200 }, (_, index) =>
      BigInt.asUintN(64, BigInt(-0x40_0000_0000 + index * 4096 * 37)),
    );
    for (const [index, address] of pages.entries()) {
      tables.map(address, BigInt(0x8000_0000 + index * 4096));
      memory.writeU64(0x8000_0000 + index * 4096 + 8, address);
    }
    const translation = {
      architecture: aarch64,
      pageByteSize: 4096,
      tables: tables.format,
      runs: [],
      how: "test",
    };
    const space = new AddressSpace(memory, translation);
    for (let round = 0; round < 3; round++)
      for (const address of pages) expect(space.readU64(address + 8n)).toBe(address);
  });
});
