import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HashChains } from "./hash-chains.ts";

function idsOf(chains: HashChains, hash: number): number[] {
  const ids: number[] = [];
  for (let entry = chains.first(hash); entry !== 0; entry = chains.next(entry)) ids.push(chains.id(entry));
  return ids;
}

const entry = fc.tuple(
  fc.constantFrom(0, 1, -1, 64, 65, 1 << 30, 0x7fff_ffff),
  fc.integer({ min: 1, max: 999 }),
);

describe("HashChains", () => {
  it("gives the ids of a hash, newest first, through any growth", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 300 }), (entries) => {
        const chains = new HashChains();
        for (const [hash, id] of entries) chains.add(hash, id);
        for (const hash of new Set(entries.map(([own]) => own))) {
          const wanted = entries.filter(([own]) => own === hash).map(([, id]) => id);
          expect(idsOf(chains, hash)).toEqual(wanted.reverse());
        }
        expect(idsOf(chains, 12_345)).toEqual([]);
      }),
    );
  });

  it.each([3, 5000])("forgets %i entries", (count) => {
    const chains = new HashChains();
    chains.reserve(100);
    for (let i = 0; i < count; i++) chains.add(i * 7, i + 1);
    chains.clear();
    for (let i = 0; i < count; i++) expect(chains.first(i * 7)).toBe(0);
    chains.add(7, 42);
    expect(idsOf(chains, 7)).toEqual([42]);
    chains.clear();
    chains.clear();
    expect(idsOf(chains, 7)).toEqual([]);
  });

  it("hands its entries over with other ids, in the order they came", () => {
    const own = new HashChains();
    const target = new HashChains();
    target.add(5, 3);
    own.add(5, 10);
    own.add(5, 11);
    own.add(6, 12);
    own.moveTo(target, 10, Int32Array.of(0, 20, 21, 22));
    expect([idsOf(target, 5), idsOf(target, 6)]).toEqual([[21, 20, 3], [22]]);
  });
});
