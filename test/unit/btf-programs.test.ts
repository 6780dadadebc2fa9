/** Programs of WebAssembly over BTF: the same in JavaScript, in a room, and with the roots that add nothing. */
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { CPrinter } from "../../src/btf/c-printer.ts";
import type * as BtfLibrary from "../../src/btf/index.ts";
import { Btf, bytesWithRoom, cHeader, jsonText, rawLines } from "../../src/btf/index.ts";
import { isDwarflessError } from "../../src/io/index.ts";
import { gather } from "../../src/btf/byte-text.ts";
import { testSeed } from "../build/seed.ts";
import { oddNames, randomTypes } from "../build/random-btf.ts";

const seeds = Array.from({ length: 60 }, (_, index) => testSeed + index);

/** What runs, or what it throws after what it wrote. */
function outcome(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
}

function written(run: (write: (piece: Uint8Array) => void) => void): string {
  let problem = "";
  const text = gather((write) => {
    try {
      run(write);
    } catch (error) {
      problem = String(error);
    }
  });
  return text + problem;
}

/** All that is printed of a BTF. */
function printed(library: typeof BtfLibrary, btf: Btf): string[] {
  return [
    library.rawLines(btf).join("\n"),
    outcome(() => library.jsonText(btf)),
    outcome(() => library.jsonText(btf, true)),
    outcome(() => library.cHeader(btf)),
    outcome(() => library.cHeader(btf, { sorted: false })),
  ];
}

const library = { rawLines, jsonText, cHeader } as typeof BtfLibrary;

describe("where no memory for WebAssembly is to be had", () => {
  let without: typeof BtfLibrary;

  beforeAll(async () => {
    class NoMemory {
      constructor() {
        throw new RangeError("WebAssembly.Memory(): could not allocate memory");
      }
    }
    vi.stubGlobal("WebAssembly", { Memory: NoMemory });
    vi.resetModules();
    without = await import("../../src/btf/index.ts");
  });
  afterEach(() => vi.unstubAllGlobals());

  it("opens BTF, says what printing needs, and prints the same once that is loaded", async () => {
    vi.stubGlobal("WebAssembly", {
      Memory: class {
        constructor() {
          throw new RangeError("no");
        }
      },
    });
    const bytes = randomTypes(testSeed, 40).finish();
    const btf = without.Btf.parse(bytes);
    expect(btf.offsets).toEqual(Btf.parse(bytes).offsets);
    expect(() => without.rawLines(btf)).toThrow(/^\.BTF: no memory of \d+ bytes for WebAssembly/);
    await without.prepareRecordText();
    await without.prepareCHeader();
    let defined = 0;
    for (const seed of seeds) {
      const bytes = randomTypes(seed, 80, oddNames).finish();
      const other = without.Btf.parse(bytes);
      vi.unstubAllGlobals();
      const expected = printed(library, Btf.parse(bytes));
      expect(printed(without, other), `seed ${seed}`).toEqual(expected);
      if (expected[3]!.includes("};")) defined++;
    }
    expect(defined).toBeGreaterThan(10);
  });

  it("refuses what is broken as it does otherwise", () => {
    const bytes = randomTypes(testSeed, 40).finish();
    for (let length = 0; length < bytes.length; length += 3) {
      const cut = bytes.slice(0, length);
      expect(outcome(() => String(without.Btf.parse(cut).typeCount))).toBe(
        outcome(() => String(Btf.parse(cut).typeCount)),
      );
    }
  });
});

it("compiles ahead where a page may not compile so much at once", async () => {
  const { Module, Instance, Memory, compile } = WebAssembly;
  class SmallModule extends Module {
    constructor(bytes: Uint8Array) {
      if (bytes.length > 4096) throw new RangeError("WebAssembly.Module(): buffer is larger than 4KB");
      super(bytes);
    }
  }
  vi.stubGlobal("WebAssembly", { Module: SmallModule, Instance, Memory, compile });
  vi.resetModules();
  const page = await import("../../src/btf/index.ts");
  const bytes = randomTypes(testSeed + 7, 40).finish();
  const btf = page.Btf.parse(bytes);
  expect(page.rawLines(btf)).toEqual(rawLines(Btf.parse(bytes)));
  expect(() => page.cHeader(btf)).toThrow("4KB");
  await page.prepareCHeader();
  expect(outcome(() => page.cHeader(btf))).toBe(outcome(() => cHeader(Btf.parse(bytes))));
  vi.unstubAllGlobals();
});

describe("a BTF in a room", () => {
  const inRoom = (bytes: Uint8Array): Uint8Array => {
    const room = bytesWithRoom(bytes.length);
    room.set(bytes);
    return room;
  };

  it.each(seeds.slice(0, 20))("is printed as any other, also the second time (seed %i)", (seed) => {
    const bytes = randomTypes(seed, 80, oddNames).finish();
    const expected = printed(library, Btf.parse(bytes));
    for (let first = 0; first < expected.length; first++) {
      const btf = Btf.parse(inRoom(bytes));
      // Each may be what takes the room.
      const print = [
        () => rawLines(btf).join("\n"),
        () => jsonText(btf),
        () => jsonText(btf, true),
        () => cHeader(btf),
        () => cHeader(btf, { sorted: false }),
      ][first]!;
      expect(outcome(print)).toBe(expected[first]);
      expect(printed(library, btf)).toEqual(expected);
    }
  });

  it("has one up to 64 MiB", () => {
    expect(bytesWithRoom(1 << 26).buffer.byteLength).toBeGreaterThan(1 << 26);
    expect(bytesWithRoom((1 << 26) + 1).buffer.byteLength).toBe((1 << 26) + 1);
  });

  it("may be opened twice, be a base, or be cut short", () => {
    const base = randomTypes(testSeed, 40).toBtf();
    const splitBytes = randomTypes(testSeed + 1, 40, undefined, base).finish();
    const split = Btf.parse(splitBytes, { base });
    const bytes = randomTypes(testSeed, 40).finish();
    const room = inRoom(bytes);
    const opened = Btf.parse(room);
    expect(rawLines(Btf.parse(room))).toEqual(rawLines(base));
    expect(rawLines(opened)).toEqual(rawLines(base));
    const over = Btf.parse(inRoom(splitBytes), { base: opened });
    expect(printed(library, over)).toEqual(printed(library, split));
    for (let length = 0; length < bytes.length; length += 5) {
      const cut = bytes.slice(0, length);
      expect(outcome(() => String(Btf.parse(inRoom(cut)).typeCount))).toBe(
        outcome(() => String(Btf.parse(cut).typeCount)),
      );
    }
  });
});

it("roots that are left out of a header would have added nothing", () => {
  const around = { opening: "", kfuncsOpening: "", kfuncsClosing: "", closing: "" };
  let leftOut = 0;
  for (const seed of Array.from({ length: 400 }, (_, index) => testSeed + index)) {
    const btf = randomTypes(seed, 20 + (seed % 100)).toBtf();
    const [all, few] = [true, false].map((keepsAll) =>
      written((write) =>
        new CPrinter(btf, { roots: "sorted", pointerByteSize: 8, around, write, keepsAll }).print(),
      ),
    );
    expect(few, `seed ${seed}`).toBe(all);
    if (all!.includes("};")) leftOut++;
  }
  expect(leftOut).toBeGreaterThan(50);
});

it("types that C cannot have are refused by name", () => {
  let refused = 0;
  for (const seed of Array.from({ length: 600 }, (_, index) => testSeed + index)) {
    const btf = randomTypes(seed, 10 + (seed % 80), undefined, undefined, 10).toBtf();
    for (const sorted of [true, false]) {
      try {
        cHeader(btf, { sorted });
      } catch (error) {
        expect(isDwarflessError(error), `seed ${seed}: ${String(error)}`).toBe(true);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(100);
});
