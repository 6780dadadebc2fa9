import fc from "fast-check";
import { expect, test } from "vitest";
import { Extents } from "./extents.ts";

const run = fc.record({ start: fc.nat(40), byteSize: fc.nat(12) });

test("each address belongs to the last run listed that holds it", () => {
  fc.assert(
    fc.property(fc.array(run, { maxLength: 12 }), (runs) => {
      const extents = Extents.layOver(
        Float64Array.from(runs, ({ start }) => start),
        Float64Array.from(runs, ({ byteSize }) => byteSize),
      );
      for (let i = 0; i < extents.length; i++) {
        expect(extents.start[i]!).toBeLessThan(extents.end[i]!);
        if (i > 0) expect(extents.end[i - 1]!).toBeLessThanOrEqual(extents.start[i]!);
      }
      for (let address = 0; address < 60; address++) {
        const owner = runs.findLastIndex(
          ({ start, byteSize }) => start <= address && address < start + byteSize,
        );
        const index = extents.find(address);
        expect(index < 0 ? -1 : extents.owner[index]).toBe(owner);
        const next = extents.findNext(address);
        if (index >= 0) expect(next).toBe(index);
        else {
          if (next < extents.length) expect(extents.start[next]!).toBeGreaterThan(address);
          if (next > 0) expect(extents.end[next - 1]!).toBeLessThanOrEqual(address);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("joins runs that touch, but for those that are refused", () => {
  const extents = Extents.layOver(Float64Array.of(0, 10, 30, 40), Float64Array.of(10, 10, 10, 10));
  expect(extents.merged()).toEqual([
    { start: 0, byteSize: 20 },
    { start: 30, byteSize: 20 },
  ]);
  expect(extents.merged((owner) => owner !== 1)).toEqual([
    { start: 0, byteSize: 10 },
    { start: 30, byteSize: 20 },
  ]);
});

test("a hundred thousand runs that all overlap take no time to speak of", () => {
  const count = 100_000;
  const starts = new Float64Array(count).map((_, i) => (i * 7919) % count);
  const extents = Extents.layOver(starts, new Float64Array(count).fill(count));
  expect(extents.length).toBeLessThanOrEqual(2 * count);
  expect(extents.merged()).toEqual([{ start: 0, byteSize: 2 * count - 1 }]);
});
