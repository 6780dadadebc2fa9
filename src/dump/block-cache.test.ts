import fc from "fast-check";
import { expect, test } from "vitest";
import { BlockCache } from "./block-cache.ts";

test("keeps what was used last, as a plain list would", () => {
  const operation = fc.record({ key: fc.nat(12), drop: fc.nat(9).map((n) => n === 0) });
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 200 }),
      fc.integer({ min: 1, max: 6 }),
      (operations, capacity) => {
        const cache = new BlockCache(4, capacity * 4);
        // Longest ago first.
        let kept: number[] = [];
        for (const { key, drop } of operations) {
          const found = cache.find(key);
          expect(found >= 0).toBe(kept.includes(key));
          if (found < 0) {
            const at = cache.claim(key);
            cache.bytes.fill(key, at, at + 4);
            if (kept.length === capacity) kept.shift();
          } else {
            expect([...cache.bytes.subarray(found, found + 4)]).toEqual([key, key, key, key]);
          }
          kept = [...kept.filter((each) => each !== key), key];
          if (drop) {
            cache.drop(key);
            kept.pop();
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("keeps one block, however little it may use", () => {
  const cache = new BlockCache(4096, 1);
  expect(cache.claim(7)).toBe(0);
  expect(cache.find(7)).toBe(0);
  expect(cache.bytes.length).toBe(4096);
});
