import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageTableBuilder, shapeName, tableShapes } from "../../test/build/page-tables.ts";
import { SparseMemory } from "../../test/build/sparse-memory.ts";
import { FaultError } from "../io/index.ts";
import { architectures, type Architecture, type PageTableFormat, type PageTableWalker } from "./index.ts";

function walkerOver(architecture: string, format: PageTableFormat, memory: SparseMemory): PageTableWalker {
  const found: Architecture = architectures.find((each) => each.name === architecture)!;
  return found.walker(format, (target, address) => memory.readInto(target, address));
}

function walk(walker: PageTableWalker, address: bigint): number {
  return walker.walk(Number(BigInt.asUintN(64, address) >> 32n), Number(BigInt.asUintN(32, address)));
}

describe.each(tableShapes.map((shape) => [shapeName(shape), shape] as const))("%s", (_name, shape) => {
  const { architecture, pageShift, virtualAddressBits, leafShifts, physicalAddressBits } = shape;
  const mapping = fc.record({
    kernel: fc.boolean(),
    virtual: fc.bigInt({
      min: 0n,
      max: (1n << BigInt(virtualAddressBits - (architecture === "x86-64" ? 1 : 0))) - 1n,
    }),
    physical: fc.bigInt({ min: 0n, max: (1n << BigInt(physicalAddressBits)) - 1n }),
    leaf: fc.constantFrom(...leafShifts),
  });
  const mask = (shift: number): bigint => (1n << BigInt(shift)) - 1n;
  // Kernel addresses have all bits above set. On aarch64 the two halves have tables of their own: one here.
  const addressOf = (kernel: boolean, low: bigint): bigint => {
    const wide = architecture === "x86-64" ? virtualAddressBits - 1 : virtualAddressBits;
    return kernel ? BigInt.asUintN(64, low | (-1n << BigInt(wide))) : low;
  };

  it("translates what was mapped, at every offset, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(mapping, { minLength: 1, maxLength: 8 }),
        fc.bigInt(0n, mask(52)),
        (mappings, offset) => {
          const memory = new SparseMemory();
          const tables = new PageTableBuilder(memory, shape, 0x4000_0000);
          const mapped = mappings.filter(({ kernel, virtual, physical, leaf }) =>
            tables.map(addressOf(kernel, virtual & ~mask(leaf)), physical & ~mask(leaf), leaf),
          );
          const walker = walkerOver(architecture, tables.format, memory);
          for (const { kernel, virtual, physical, leaf } of mapped) {
            const inside = offset & mask(leaf);
            const address = addressOf(kernel, (virtual & ~mask(leaf)) | inside);
            expect(BigInt(walk(walker, address))).toBe((physical & ~mask(leaf)) | inside);
            expect(walker.pageByteSize).toBe(2 ** leaf);
          }
          // Whatever maps no mapped leaf is unmapped.
          const other = addressOf(true, offset & mask(virtualAddressBits - 1));
          const isMapped = mapped.some(({ kernel, virtual, leaf }) => {
            const start = addressOf(kernel, virtual & ~mask(leaf));
            const same = architecture === "aarch64" ? mask(virtualAddressBits) : mask(64);
            return (start & same & ~mask(leaf)) === (other & same & ~mask(leaf));
          });
          expect(walk(walker, other) >= 0).toBe(isMapped);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has nothing at addresses that are not sign-extended", () => {
    const memory = new SparseMemory();
    const { format } = new PageTableBuilder(memory, shape, 0x4000_0000);
    const walker = walkerOver(architecture, format, memory);
    // The top byte is a tag on aarch64, so bits below it count.
    const bit = architecture === "x86-64" ? 62n : 54n;
    for (const address of [addressOf(true, 0n) ^ (1n << bit), 1n << bit]) {
      expect(walk(walker, address)).toBe(-1);
      expect(walker.problem).not.toBe("");
    }
  });

  it("ends on tables that refer to themselves", () => {
    const memory = new SparseMemory();
    const tables = new PageTableBuilder(memory, shape, 0x4000_0000);
    const entry = architecture === "x86-64" ? 0x4000_0000n | 0x67n : 0x4000_0003n;
    for (let at = 0; at < 2 ** pageShift; at += 8) memory.writeU64(tables.format.root + at, entry);
    const walker = walkerOver(architecture, tables.format, memory);
    expect(walk(walker, addressOf(true, 0x123n))).toBe(0x4000_0123);
  });

  it("faults physically when a table is not in the dump", () => {
    const memory = new SparseMemory();
    const tables = new PageTableBuilder(memory, shape, 0x4000_0000);
    const address = addressOf(true, 0n);
    tables.map(address, 0n);
    const place = tables.entryPlace(address);
    memory.lose(place, "excluded");
    const walker = walkerOver(architecture, tables.format, memory);
    const block = BigInt(place - (place % 4096));
    expect(() => walk(walker, address)).toThrow(FaultError);
    expect(() => walk(walker, address)).toThrowError(
      expect.objectContaining({ reason: "excluded", space: "physical", address: block }),
    );
  });

  it("survives any bytes for tables", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.bigInt(0n, mask(64)),
        (bytes, address) => {
          const memory = new SparseMemory();
          for (let at = 0; at < 0x1_0000; at += 64) memory.write(at, bytes);
          const format: PageTableFormat = {
            root: 0,
            pageShift,
            virtualAddressBits,
            encryptionMask: shape.encryptionMask ?? 0n,
            largePhysicalAddresses: shape.largePhysicalAddresses ?? false,
          };
          try {
            const physical = walk(walkerOver(architecture, format, memory), address);
            expect(physical === -1 || (physical >= 0 && physical < 2 ** 52)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(FaultError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

it("aarch64: takes the top byte as a tag", () => {
  const memory = new SparseMemory();
  const shape = tableShapes.find(
    (each) => each.architecture === "aarch64" && each.virtualAddressBits === 48,
  )!;
  const tables = new PageTableBuilder(memory, shape, 0x4000_0000);
  tables.map(0xffff_8000_0000_0000n, 0x1234_5000n);
  const walker = walkerOver("aarch64", tables.format, memory);
  expect(walk(walker, 0xf4ff_8000_0000_0678n)).toBe(0x1234_5678);
  expect(walk(walker, 0xfeed_8000_0000_0678n)).toBe(-1);
});

it("x86-64: reads pages without permissions, whose entries Linux inverts", () => {
  const memory = new SparseMemory();
  const tables = new PageTableBuilder(memory, tableShapes[0]!, 0x4000_0000);
  tables.map(0x7000n, 0n);
  const entry = (~0x0000_0012_3456_7000n & 0x000f_ffff_ffff_f000n) | 0x100n;
  memory.writeU64(tables.entryPlace(0x7000n), entry);
  const walker = walkerOver("x86-64", tables.format, memory);
  expect(walk(walker, 0x7089n)).toBe(0x12_3456_7089);
  memory.writeU64(tables.entryPlace(0x7000n), 0x0000_0012_3456_7000n);
  walker.forget();
  expect(walk(walker, 0x7089n)).toBe(-1);
  expect(walker.problem).toContain("not present");
});

it.each([
  ["x86-64", { pageShift: 14 }],
  ["x86-64", { virtualAddressBits: 52 }],
  ["aarch64", { pageShift: 13 }],
  ["aarch64", { virtualAddressBits: 57 }],
  ["aarch64", { virtualAddressBits: NaN }],
])("%s: refuses a format that it cannot have: %o", (name, change) => {
  const format = {
    root: 0,
    pageShift: 12,
    virtualAddressBits: 48,
    encryptionMask: 0n,
    largePhysicalAddresses: false,
    ...change,
  };
  expect(() => walkerOver(name, format, new SparseMemory())).toThrowError(
    expect.objectContaining({ code: "USAGE" }),
  );
});
