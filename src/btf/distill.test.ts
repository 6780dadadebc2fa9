import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { distill } from "./distill.ts";
import { rawLines } from "./raw.ts";
import { Btf } from "./reader.ts";

function baseOf(littleEndian: boolean): Btf {
  const b = new BtfBuilder({ littleEndian });
  const int = b.addInt("int", 4, 1);
  b.addInt("unused", 8);
  const hidden = b.addStruct("hidden", 8, [{ name: "x", type: int, bitOffset: 0 }]);
  b.addStruct("page", 64, [{ name: "h", type: hidden, bitOffset: 0 }]);
  b.addPtr(b.nextId - 1);
  b.addEnum64("wide", 8, [{ name: "W", value: 1n << 40n }]);
  b.addEnum("", 4, [{ name: "ALPHA", value: 1 }]);
  b.addTypedef("page_t", 4);
  b.addFwd("later");
  b.addStruct("", 8, [{ name: "p", type: b.addPtr(9), bitOffset: 0 }]);
  b.addVar("v", int);
  return b.toBtf();
}

describe("distill", () => {
  it.each([true, false])(
    "keeps what the split reaches, named types without members (little endian: %s)",
    (littleEndian) => {
      const base = baseOf(littleEndian);
      const s = new BtfBuilder({ base });
      s.addStruct("mine", 32, [
        { name: "page", type: 5, bitOffset: 0 },
        { name: "alpha", type: 7, bitOffset: 64 },
        { name: "anon", type: 11, bitOffset: 128 },
        { name: "wide", type: 6, bitOffset: 192 },
      ]);
      s.addFunc("f", s.nextId + 1);
      s.addFuncProto(8, [{ name: "int", type: 1 }]);
      const distilled = distill(s.toBtf());
      const newBase = Btf.parse(distilled.base);
      expect([...rawLines(newBase)]).toEqual([
        "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
        "[2] STRUCT 'page' size=64 vlen=0",
        "[3] ENUM 'wide' encoding=UNSIGNED size=8 vlen=0",
        "[4] FWD 'later' fwd_kind=struct",
      ]);
      const split = Btf.parse(distilled.split, { base: newBase });
      expect([...rawLines(split)]).toEqual([
        "[5] STRUCT 'mine' size=32 vlen=4",
        "\t'page' type_id=8 bits_offset=0",
        "\t'alpha' type_id=9 bits_offset=64",
        "\t'anon' type_id=12 bits_offset=128",
        "\t'wide' type_id=3 bits_offset=192",
        "[6] FUNC 'f' type_id=7 linkage=static",
        "[7] FUNC_PROTO '(anon)' ret_type_id=10 vlen=1",
        "\t'int' type_id=1",
        "[8] PTR '(anon)' type_id=2",
        "[9] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=1",
        "\t'ALPHA' val=1",
        "[10] TYPEDEF 'page_t' type_id=2",
        "[11] PTR '(anon)' type_id=4",
        "[12] STRUCT '(anon)' size=8 vlen=1",
        "\t'p' type_id=11 bits_offset=0",
      ]);
      expect(split.littleEndian).toBe(littleEndian);
    },
  );

  it("gives an empty base to a split that needs nothing", () => {
    const s = new BtfBuilder({ base: baseOf(true) });
    s.addStruct("alone", 0, []);
    const { base, split } = distill(s.toBtf());
    expect(Btf.parse(base).typeCount).toBe(1);
    expect([...rawLines(Btf.parse(split, { base: Btf.parse(base) }))]).toEqual([
      "[1] STRUCT 'alone' size=0 vlen=0",
    ]);
  });

  it("refuses BTF without a base, and references to its variables", () => {
    expect(() => distill(baseOf(true))).toThrow("only split BTF");
    const s = new BtfBuilder({ base: baseOf(true) });
    s.addDatasec(".data", 4, [{ type: 12, offset: 0, byteSize: 4 }]);
    expect(() => distill(s.toBtf())).toThrow("refers to VAR 12 'v' of its base");
  });
});
