import { describe, expect, test } from "vitest";
import { buildKernelImage, kernelForms } from "../../test/build/kernel-image.ts";
import { openKernelSymbols } from "./open.ts";
import type { KernelSymbols } from "./kernel-symbols.ts";

const count = 256 * 12 + 100;
const image = buildKernelImage(
  kernelForms.find(([, , longLengths]) => longLengths)!,
  count,
  5,
);
const expected = image.symbols.map(({ name }) => name);

/** The symbols with some bytes of kallsyms_names or its markers changed, by their places in there. */
function openDamaged(label: string, ...changes: [offset: number, byte: number][]): KernelSymbols {
  const table = image.built.labels.get(label)!;
  const memory = {
    littleEndian: true,
    readInto(target: Uint8Array, address: bigint): void {
      image.readVirtual(target, address);
      for (const [offset, byte] of changes) {
        const at = Number(table + BigInt(offset) - address);
        if (at >= 0 && at < target.length) target[at] = byte;
      }
    },
  };
  return openKernelSymbols(memory, image.built.at, image.start);
}

function names(symbols: KernelSymbols): string[] {
  return Array.from({ length: symbols.count }, (_, index) => symbols.name(index));
}

/** Place of the length of a name, from the lengths before it. */
function lengthPlace(index: number): number {
  const bytes = new Uint8Array(1 << 20);
  const start = image.built.labels.get("kallsyms_names")!;
  const size = Number(image.built.labels.get("kallsyms_markers")! - start);
  image.readVirtual(bytes.subarray(0, size), start);
  let offset = 0;
  for (let each = 0; each < index; each++) {
    const isLong = bytes[offset]! >= 0x80;
    offset += isLong ? 2 + (bytes[offset]! & 0x7f) + (bytes[offset + 1]! << 7) : 1 + bytes[offset]!;
  }
  return offset;
}

describe("a wrong length in kallsyms_names", () => {
  test("costs the names up to the next marker, and no other", () => {
    const symbols = openDamaged("kallsyms_names", [lengthPlace(700), 0x7f]);
    const found = names(symbols);
    expect(symbols.lostNames).toBe(256);
    expect(found.slice(0, 512)).toEqual(expected.slice(0, 512));
    expect(new Set(found.slice(512, 768))).toEqual(new Set(["?"]));
    expect(found.slice(768)).toEqual(expected.slice(768));
    expect(symbols.letter(600)).toBe("?");
    expect(symbols.indexesOf(expected[900]!)).toContain(900);
    expect(symbols.indexesOf("")).toEqual([]);
  });

  test("is refused in the last block, which alone tells how many there are", () => {
    expect(() => openDamaged("kallsyms_names", [lengthPlace(count - 50), 0x7f])).toThrow(
      /do not fit the markers/,
    );
  });
});

test("a wrong marker costs nothing", () => {
  const symbols = openDamaged("kallsyms_markers", [4 * 5 + 1, 0x77]);
  expect(symbols.lostNames).toBe(0);
  expect(names(symbols)).toEqual(expected);
});

test("names of which many are damaged are refused", () => {
  const changes = [300, 600, 900, 1200].map((index): [number, number] => [lengthPlace(index), 0x7f]);
  expect(() => openDamaged("kallsyms_names", ...changes)).toThrow(/do not fit the markers/);
});
