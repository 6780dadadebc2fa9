import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdSet } from "./id-set.ts";

const id = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 0xffff_ffff }));

describe("IdSet", () => {
  it("has what was put in and nothing else", () => {
    fc.assert(
      fc.property(fc.array(id, { maxLength: 200 }), fc.array(id), (members, others) => {
        const plain = new Set(members);
        const set = IdSet.of(members, plain.size);
        for (const each of [...members, ...others]) expect(set.has(each)).toBe(plain.has(each));
      }),
    );
  });

  it("is the same over its slots, as another thread gets them", () => {
    const set = IdSet.of([1, 0x8000_0001, 0xffff_ffff], 3);
    expect(set.slots.buffer).toBeInstanceOf(SharedArrayBuffer);
    const other = new IdSet(set.slots);
    expect([1, 2, 0x8000_0001, 0xffff_ffff].map((each) => other.has(each))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it("says no when it is empty", () => {
    expect(IdSet.of([], 0).has(1)).toBe(false);
  });
});
