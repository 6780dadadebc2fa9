import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SectionMap } from "./section-map.ts";

const range = fc.record({
  address: fc.oneof(fc.bigInt(0n, 20n), fc.constant(0xffff_ffff_8100_0000n)),
  byteSize: fc.integer({ min: 1, max: 12 }),
});

describe("SectionMap", () => {
  it("finds what looking at every range in turn finds", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
        const map = new SectionMap(ranges);
        const addresses = [...Array.from({ length: 36 }, (_, i) => BigInt(i)), 0xffff_ffff_8100_0003n];
        for (const address of addresses) {
          const wanted = ranges.findIndex(
            (each) => address >= each.address && address < each.address + BigInt(each.byteSize),
          );
          expect(map.indexAt(address)).toBe(wanted);
        }
      }),
    );
  });

  it("takes 100 000 ranges", () => {
    const ranges = Array.from({ length: 100_000 }, (_, i) => ({ address: BigInt(i * 16), byteSize: 8 }));
    const map = new SectionMap(ranges);
    for (let i = 0; i < 100_000; i++) expect(map.indexAt(BigInt(i * 16 + 7))).toBe(i);
    expect([map.indexAt(-1n), map.indexAt(8n), map.indexAt(1n << 60n)]).toEqual([-1, -1, -1]);
  });
});
