import { describe, expect, it } from "vitest";
import { SectionWindow } from "./section-window.ts";

const contents = Uint8Array.from({ length: 100 }, (_, i) => i);

function moving(windowByteSize: number): { window: SectionWindow; reads: [number, number][] } {
  const reads: [number, number][] = [];
  const readInto = (target: Uint8Array, offset: number): void => {
    reads.push([offset, target.length]);
    target.set(contents.subarray(offset, offset + target.length));
  };
  const source = { byteSize: contents.length, readInto };
  return { window: new SectionWindow("x.o", ".debug_info", source, windowByteSize), reads };
}

describe("SectionWindow", () => {
  it("lends all bytes when they are in memory", () => {
    const window = new SectionWindow("x.o", ".debug_info", contents);
    expect(window.reach(40, 10)).toBe(40);
    expect(window.reach(99, 500)).toBe(99);
    expect(window.bytes).toBe(contents);
  });

  it("reads a window at a time, and not again what it has", () => {
    const { window, reads } = moving(30);
    for (const [offset, length] of [
      [0, 4],
      [26, 4],
      [27, 4],
      [50, 7],
    ] as const) {
      const at = window.reach(offset, length);
      expect([...window.bytes.subarray(at, at + length)]).toEqual([
        ...contents.subarray(offset, offset + length),
      ]);
      expect(window.view.getUint8(at)).toBe(offset);
    }
    expect(reads).toEqual([
      [0, 30],
      [27, 30],
    ]);
  });

  it("reads more than a window when more is asked for, and no more than there is", () => {
    const { window, reads } = moving(30);
    expect(window.reach(10, 60)).toBe(0);
    expect(window.bytes.length).toBe(60);
    expect(window.reach(95, 60)).toBe(0);
    expect(window.bytes.length).toBe(5);
    expect(reads).toEqual([
      [10, 60],
      [95, 5],
    ]);
  });

  it.each([100, 101, -1, NaN, 2 ** 60])("refuses offset %d with its place", (offset) => {
    for (const window of [new SectionWindow("x.o", ".debug_loc", contents), moving(10).window]) {
      expect(() => window.reach(offset, 1)).toThrowError(
        expect.objectContaining({
          code: "DWARF_OFFSET",
          location: expect.objectContaining({ file: "x.o" }) as unknown,
        }),
      );
    }
  });
});
