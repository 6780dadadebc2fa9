import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { diffBtf } from "./diff.ts";
import { rawLines } from "./raw.ts";
import { Btf } from "./reader.ts";
import { isSorted, sortBtf } from "./sort.ts";

function sample(littleEndian = true): BtfBuilder {
  const b = new BtfBuilder({ littleEndian });
  const int = b.addInt("int", 4, 1);
  const zebra = b.addStruct("zebra", 8, [{ name: "p", type: b.nextId + 1, bitOffset: 0 }]);
  b.addPtr(zebra);
  b.addArray(int, int, 2);
  b.addStruct("ant", 4, [{ name: "i", type: int, bitOffset: 0 }]);
  b.addTypedef("Z", zebra);
  b.addTypedef("é", int);
  b.addFwd("ant", true);
  b.addDatasec(".data", 4, [{ type: b.addVar("v", int), offset: 0, byteSize: 4 }]);
  return b;
}

describe("sortBtf", () => {
  it.each([true, false])(
    "puts unnamed types first, then names by bytes, and keeps meaning (little endian: %s)",
    (littleEndian) => {
      const btf = sample(littleEndian).toBtf();
      expect(isSorted(btf)).toBe(false);
      const sorted = Btf.parse(sortBtf(btf));
      expect(isSorted(sorted)).toBe(true);
      expect([...rawLines(sorted)].filter((line) => line.startsWith("["))).toEqual([
        "[1] PTR '(anon)' type_id=9",
        "[2] ARRAY '(anon)' type_id=7 index_type_id=7 nr_elems=2",
        "[3] DATASEC '.data' size=4 vlen=1",
        "[4] TYPEDEF 'Z' type_id=9",
        "[5] STRUCT 'ant' size=4 vlen=1",
        "[6] FWD 'ant' fwd_kind=union",
        "[7] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
        "[8] VAR 'v' type_id=7, linkage=global",
        "[9] STRUCT 'zebra' size=8 vlen=1",
        "[10] TYPEDEF 'é' type_id=7",
      ]);
      expect(diffBtf(btf, sorted).entries).toEqual([]);
      expect(sorted.stringsBytes).toEqual(btf.stringsBytes);
    },
  );

  it("changes nothing that is sorted, keeps header and layout", () => {
    const once = sortBtf(Btf.parse(sample().finish({ layout: true })));
    expect(sortBtf(Btf.parse(once))).toEqual(once);
    expect(Btf.parse(once).header.layoutByteSize).toBe(80);
  });

  it("moves only the own types of split BTF", () => {
    const base = sample().toBtf();
    const b = new BtfBuilder({ base });
    b.addTypedef("b", b.nextId + 1);
    b.addTypedef("a", 1);
    const sorted = Btf.parse(sortBtf(b.toBtf()), { base });
    expect([...rawLines(sorted)]).toEqual(["[11] TYPEDEF 'a' type_id=1", "[12] TYPEDEF 'b' type_id=11"]);
  });
});
