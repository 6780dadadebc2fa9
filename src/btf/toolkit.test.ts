import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { extractBtf } from "./extract.ts";
import { findFunctionsTaking, findMember, findVariablesOf } from "./find.ts";
import { rawLines } from "./raw.ts";
import { Btf } from "./reader.ts";
import { btfStatistics } from "./stats.ts";

function sample(): Btf {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, 1);
  b.addInt("char", 1, 1);
  const node = b.addStruct("node", 16, [
    { name: "next", type: 4, bitOffset: 0 },
    { name: "value", type: int, bitOffset: 64 },
  ]);
  const pointer = b.addPtr(node);
  b.addDeclTag("tagged", node, 1);
  b.addFunc("push", b.addFuncProto(0, [{ name: "to", type: pointer }]), 1);
  b.addFunc("idle", b.addFuncProto(0), 1);
  b.addVar("nodes", b.addArray(pointer, int, 3));
  b.addVar("counter", int);
  return b.toBtf();
}

describe("extractBtf", () => {
  it("keeps what the roots refer to and the tags on it, and nothing else", () => {
    expect([...rawLines(Btf.parse(extractBtf(sample(), [3])))]).toEqual([
      "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      "[2] STRUCT 'node' size=16 vlen=2",
      "\t'next' type_id=3 bits_offset=0",
      "\t'value' type_id=1 bits_offset=64",
      "[3] PTR '(anon)' type_id=2",
      "[4] DECL_TAG 'tagged' type_id=2 component_idx=1",
    ]);
  });

  it("takes along what a split BTF needs of its base", () => {
    const base = sample();
    const split = new BtfBuilder({ base });
    const root = split.addTypedef("alias", 1);
    expect([...rawLines(Btf.parse(extractBtf(split.toBtf(), [root])))].at(-1)).toBe(
      "[2] TYPEDEF 'alias' type_id=1",
    );
  });
});

describe("find", () => {
  const btf = sample();
  it("finds members by name", () => {
    expect([...findMember(btf, "value")]).toEqual([{ id: 3, index: 1 }]);
  });
  it("finds functions by what they take, and variables by what they are, behind pointers and arrays", () => {
    expect([...findFunctionsTaking(btf, new Set([3]))].map((id) => btf.name(id))).toEqual(["push"]);
    expect([...findVariablesOf(btf, new Set([3]))].map((id) => btf.name(id))).toEqual(["nodes"]);
  });
});

describe("btfStatistics", () => {
  it("counts kinds, elements and bytes", () => {
    const { kinds, types, strings } = btfStatistics(sample());
    expect(types).toBe(12);
    expect(strings).toBe(12);
    expect(kinds[0]).toEqual({ kind: "STRUCT", count: 1, unnamed: 0, elements: 2, byteSize: 36 });
    expect(kinds.find(({ kind }) => kind === "PTR")).toEqual({
      kind: "PTR",
      count: 1,
      unnamed: 1,
      elements: 0,
      byteSize: 12,
    });
  });
});
