import { describe, expect, test } from "vitest";
import { FaultError, FormatError, isDwarflessError } from "../../src/io/index.ts";
import { checkSymbols, KallsymsSearch, openKernelSymbols, resolveImage } from "../../src/kallsyms/index.ts";
import type { KernelSymbols } from "../../src/kallsyms/index.ts";
import { buildKallsyms } from "../build/kallsyms.ts";
import type { BuildSymbol } from "../build/kallsyms.ts";
import { buildKernelImage, inventSymbols, kernelForms } from "../build/kernel-image.ts";
import { randomNumbers } from "../build/mutate.ts";

const pieceByteSize = 1 << 20;

/** A walk through memory in pieces that overlap. */
function search(find: KallsymsSearch, memory: Uint8Array): void {
  for (let at = 0; at < memory.length; at += pieceByteSize) {
    const piece = memory.subarray(at, at + pieceByteSize + KallsymsSearch.overlapByteSize);
    if (find.visit(piece, at, Math.min(pieceByteSize, piece.length))) return;
  }
}

function expectSymbols(symbols: KernelSymbols, expected: readonly BuildSymbol[]): void {
  const decoded: BuildSymbol[] = [];
  symbols.forEach((i) => {
    decoded.push({ address: symbols.address(i), letter: symbols.letter(i), name: symbols.name(i) });
  });
  expect(decoded).toEqual(expected);
  const byName = new Map<string, number[]>();
  for (const [i, { name }] of expected.entries()) byName.set(name, [...(byName.get(name) ?? []), i]);
  expect([...byName.keys()].map((name) => symbols.indexesOf(name))).toEqual([...byName.values()]);
  expect(symbols.indexesOf("no such name")).toEqual([]);
}

describe.each(kernelForms)("tables of %s, %s, long lengths %s", (...form) => {
  test.each([1, 2])("open by the addresses that VMCOREINFO has, seed %i", (seed) => {
    const image = buildKernelImage(form, 256 * seed + 700, seed);
    const memory = { littleEndian: true, readInto: image.readVirtual };
    const symbols = openKernelSymbols(memory, image.built.at, image.start);
    expect(symbols.encoding).toBe(form[1]);
    expectSymbols(symbols, image.symbols);
    expect(checkSymbols(symbols, image.readVirtual)).toEqual({
      banner: "Linux version 0.0.0 (a@b) #1",
      swapper: true,
    });
  });

  test.each([0, 4, 2100])("are found by walking through memory, %i bytes off", (leadByteSize) => {
    const image = buildKernelImage(form, 3001 + leadByteSize / 4, 3, leadByteSize);
    const memory = { readInto: image.readPhysical };
    const find = new KallsymsSearch(memory);
    search(find, image.memory);
    const images = find.candidates
      .map((candidate) => resolveImage(memory, candidate))
      .filter((found) => found);
    expect(images.map((found) => found!.virtualMinusPhysical)).toEqual([
      image.start - BigInt(image.physicalStart),
    ]);
    const [found] = images;
    expectSymbols(found!.symbols, image.symbols);
    expect(found!.confirmedBy).toBe("phys_base");
    expect(found!.banner).toBe("Linux version 0.0.0 (a@b) #1");
    expect(found!.physicalAddressOf("init_task")).toBe(image.physicalStart + 0xa000);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("a symbol fewer than there are is seen, seed %i", (seed) => {
    const { built, start, memory, readVirtual } = buildKernelImage(form, 700, seed);
    const place = Number(built.at.countOfSymbols - start) + 0x20_0000;
    new DataView(memory.buffer).setUint32(place, 699, true);
    const open = (): unknown => openKernelSymbols({ littleEndian: true, readInto: readVirtual }, built.at);
    expect(open).toThrow(FormatError);
  });

  test("lookups by address take the first of several names, as the kernel does", () => {
    const image = buildKernelImage(form, 900, 5);
    const symbols = openKernelSymbols({ littleEndian: true, readInto: image.readVirtual }, image.built.at);
    const random = randomNumbers(7);
    for (let i = 0; i < 300; i++) {
      const address = image.start + BigInt(random(0xd010));
      const below = image.symbols.filter((symbol) => symbol.address <= address).at(-1)!.address;
      const first = image.symbols.findIndex((symbol) => symbol.address === below);
      expect(symbols.find(address)).toEqual({ index: first, offset: Number(address - below) });
      const all = image.symbols.flatMap((symbol, index) => (symbol.address === below ? [index] : []));
      expect(symbols.indexesAt(below)).toEqual(all);
      const next = image.symbols.find((symbol) => symbol.address > below)?.address;
      expect(symbols.distanceToNext(first)).toBe(next === undefined ? undefined : next - below);
    }
    expect(symbols.find(image.start + 0x10_0000n)).toBeUndefined();
    expect(symbols.find(0xdead_0000_0000n)).toBeUndefined();
  });
});

test("a big-endian kernel's tables open too", () => {
  const start = 0xffff_ff00_0000_0000n;
  const symbols = inventSymbols(start, 1500, 9, false, 511);
  const options = { layout: "6.4", encoding: "base-relative", longLengths: true } as const;
  const built = buildKallsyms(symbols, {
    ...options,
    address: start,
    relativeBase: start,
    littleEndian: false,
  });
  const readInto = (target: Uint8Array, address: bigint): void => {
    const at = Number(address - start);
    target.set(built.bytes.subarray(at, at + target.length));
  };
  expectSymbols(openKernelSymbols({ littleEndian: false, readInto }, built.at, start), symbols);
});

describe("broken tables", () => {
  const forms = kernelForms.map((form, i) => [i, form] as const);
  const images = new Map(forms.map(([i, form]) => [i, buildKernelImage(form, 2500, 11)]));

  test.each(forms)("form %i gives symbols or a typed error, whatever bytes change", (i) => {
    const image = images.get(i)!;
    const original = image.memory.slice();
    const first = image.physicalStart + 0x10_0000;
    const random = randomNumbers(100 + i);
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      image.memory.set(original);
      for (let count = 1 + random(3); count > 0; count--) {
        // Half of the changes hit the small tables, which decide most.
        const table = [...image.built.labels.values()][random(image.built.labels.size)]!;
        const at =
          random(2) === 0
            ? first + random(original.length - first)
            : image.physicalStart + Number(table - image.start) + random(16);
        image.memory[at] = random(256);
      }
      try {
        const memory = { littleEndian: true, readInto: image.readVirtual };
        const symbols = openKernelSymbols(memory, image.built.at, image.start);
        for (let index = 0; index < symbols.count; index++) symbols.name(index);
        symbols.find(image.start + 0x5000n);
        symbols.indexesOf("init_task");
        expect(symbols.count).toBe(2500);
      } catch (error) {
        if (!isDwarflessError(error)) throw error;
        refused++;
      }
    }
    image.memory.set(original);
    expect(refused).toBeGreaterThan(10);
  });

  test("a search through damaged memory ends, and believes only what the banner confirms", () => {
    const image = images.get(8)!;
    const original = image.memory.slice();
    const random = randomNumbers(5);
    for (let round = 0; round < 25; round++) {
      image.memory.set(original);
      for (let count = 1 + random(20); count > 0; count--) {
        image.memory[image.physicalStart + random(original.length - image.physicalStart)] = random(256);
      }
      const memory = { readInto: image.readPhysical };
      const find = new KallsymsSearch(memory);
      search(find, image.memory);
      for (const candidate of find.candidates) {
        const found = resolveImage(memory, candidate);
        if (found !== undefined)
          expect(found.virtualMinusPhysical).toBe(image.start - BigInt(image.physicalStart));
      }
    }
    image.memory.set(original);
  });

  test("memory full of digits costs bounded time", () => {
    const memory = new Uint8Array(4 << 20);
    const digits = Buffer.from("0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00", "latin1");
    for (let at = 0; at + digits.length <= memory.length; at += digits.length) memory.set(digits, at);
    let byteSize = 0;
    const find = new KallsymsSearch({
      readInto: (target, address) => {
        byteSize += target.length;
        target.set(memory.subarray(address, address + target.length));
      },
    });
    search(find, memory);
    expect(find.candidates).toEqual([]);
    expect(byteSize).toBeLessThan(200 << 20);
  });

  test("memory full of token tables ends the search", () => {
    const image = images.get(9)!;
    const from = image.physicalStart + Number(image.built.at.tokenTable - image.start);
    const to = image.physicalStart + Number(image.built.at.tokenIndex - image.start) + 512;
    const table = image.memory.slice(from, to);
    const memory = new Uint8Array(2 << 20);
    // Between them numbers like markers, of names that do not exist.
    const words = new Uint32Array(memory.buffer);
    for (let i = 0; i < words.length; i++) words[i] = (i % 12) * 600;
    for (let at = 0; at + table.length <= memory.length; at += 0x8000) memory.set(table, at);
    const find = new KallsymsSearch({
      readInto: (target, address) => {
        if (address + target.length > memory.length)
          throw new FaultError("absent", memory.length, "physical");
        target.set(memory.subarray(address, address + target.length));
      },
    });
    search(find, memory);
    expect(find.candidates).toEqual([]);
    expect(find.tokenTables).toBeGreaterThan(30);
    expect(find.tokenTables).toBeLessThan(40);
  });
});
