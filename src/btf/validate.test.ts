import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import * as K from "./constants.ts";
import { Btf } from "./reader.ts";
import { encodeBtf } from "./writer.ts";
import { formatProblem, validateBtf, type ValidateOptions } from "./validate.ts";

type Make = (builder: BtfBuilder, int: number) => void;

function rules(make: Make, options: ValidateOptions = {}): string[] {
  const builder = new BtfBuilder();
  make(builder, builder.addInt("int", 4, K.BTF_INT_SIGNED));
  return validateBtf(builder.toBtf(), options).map((problem) => problem.rule);
}

const meta: [string, string, Make][] = [
  ["int with two encodings", "int-encoding", (b) => b.addInt("x", 4, 3)],
  ["int wider than its bytes", "int-bits", (b) => b.addInt("x", 4, 0, 33)],
  ["int wider than 128 bits", "int-bits", (b) => b.addInt("x", 32, 0, 120, 10)],
  ["float of 3 bytes", "float-size", (b) => b.addFloat("f", 3)],
  ["typedef without a name", "name", (b, int) => b.addTypedef("", int)],
  ["typedef of bad name", "name", (b, int) => b.addTypedef("a b", int)],
  ["forward of bad name", "name", (b) => b.addFwd("9lives")],
  ["struct of bad name", "name", (b) => b.addStruct("a$b", 0, [])],
  ["a name of 513 bytes", "name", (b) => b.addFwd("x".repeat(513))],
  ["type tag without text", "name", (b, int) => b.addTypeTag("", int)],
  ["decl tag of component -2", "component", (b, int) => b.addDeclTag("t", int, -2)],
  ["attribute on 6.1", "kind-flag", (b, int) => b.addTypeTag("t", int, true)],
  ["array of void", "array-element", (b, int) => b.addArray(0, int, 1)],
  ["array indexed by void", "array-index", (b, int) => b.addArray(int, 0, 1)],
  ["void member", "member-type", (b) => b.addStruct("s", 4, [{ name: "a", type: 0, bitOffset: 0 }])],
  [
    "union member at an offset",
    "member-offset",
    (b, int) => b.addUnion("u", 8, [{ name: "a", type: int, bitOffset: 32 }]),
  ],
  [
    "member beyond the struct",
    "member-offset",
    (b, int) => b.addStruct("s", 4, [{ name: "a", type: int, bitOffset: 33 }]),
  ],
  [
    "member of bad name",
    "member-name",
    (b, int) => b.addStruct("s", 4, [{ name: "-", type: int, bitOffset: 0 }]),
  ],
  [
    "members out of order",
    "member-order",
    (b, int) =>
      b.addStruct("s", 8, [
        { name: "a", type: int, bitOffset: 32 },
        { name: "b", type: int, bitOffset: 0 },
      ]),
  ],
  ["enum of 3 bytes", "enum-size", (b) => b.addEnum("e", 3, [])],
  ["enumerator without a name", "enumerator-name", (b) => b.addEnum("e", 4, [{ name: "", value: 1 }])],
  ["enumerator of bad name", "enumerator-name", (b) => b.addEnum64("e", 8, [{ name: "1", value: 1 }])],
  ["extern function", "linkage", (b) => b.addFunc("f", b.addFuncProto(0), K.BTF_FUNC_EXTERN)],
  ["extern variable", "linkage", (b, int) => b.addVar("v", int, K.BTF_VAR_GLOBAL_EXTERN)],
  ["void variable", "variable-type", (b) => b.addVar("v", 0)],
  ["empty section", "section-size", (b) => b.addDatasec(".data", 0, [])],
  ["section of bad name", "section-name", (b) => b.addDatasec(".da ta", 4, [])],
  ["void entry", "entry-type", (b) => b.addDatasec(".data", 8, [{ type: 0, offset: 0, byteSize: 4 }])],
  [
    "entry of 0 bytes",
    "entry-range",
    (b, int) => b.addDatasec(".data", 8, [{ type: b.addVar("v", int), offset: 0, byteSize: 0 }]),
  ],
  [
    "entry beyond the section",
    "entry-range",
    (b, int) => b.addDatasec(".data", 8, [{ type: b.addVar("v", int), offset: 6, byteSize: 4 }]),
  ],
  [
    "the same variable twice",
    "entry-order",
    (b, int) => {
      const type = b.addVar("v", int);
      b.addDatasec(".data", 8, [
        { type, offset: 0, byteSize: 4 },
        { type, offset: 0, byteSize: 4 },
      ]);
    },
  ],
  ["a cycle of typedefs", "chain-too-long", (b, int) => b.addTypedef("a", int + 1)],
  ["a type tag behind const", "type-tag-order", (b, int) => b.addConst(b.addTypeTag("t", int))],
];

describe("validateBtf", () => {
  it.each(meta)("finds %s", (_what, rule, make) => {
    expect(rules(make)).toContain(rule);
  });

  it("knows what 7.2 takes and 6.1 does not", () => {
    const newer = { kernel: "7.2" as const };
    expect(rules((b, int) => b.addConst(b.addTypeTag("t", int, true)), newer)).toEqual([]);
    expect(rules((b, int) => b.addDeclTag("t", b.addStruct("s", 0, []), int - 2, true), newer)).toEqual([]);
    expect(rules((b) => b.addDatasec("my section @ x", 4, []), newer)).toEqual([]);
    expect(rules((b) => b.addDatasec("tab\t", 4, []), newer)).toEqual(["section-name"]);
    const many: Make = (b, int) =>
      b.addStruct(
        "s",
        0,
        Array.from({ length: 65536 }, () => ({ name: "", type: int, bitOffset: 0 })),
      );
    expect(rules(many, newer)).toEqual([]);
    expect(rules(many)).toEqual(["info-bits"]);
  });

  it("says where: type, byte offset, code, one line", () => {
    const builder = new BtfBuilder();
    builder.addTypedef("fine", builder.addInt("int", 4));
    builder.addVar("v", 1, 2);
    const [problem] = validateBtf(builder.toBtf());
    expect(problem).toEqual({
      typeId: 3,
      kind: "VAR",
      offset: 24 + 16 + 12 + 12,
      rule: "linkage",
      text: "variable linkage 2",
    });
    expect(formatProblem(problem!)).toBe(".BTF+0x40: [3] VAR: variable linkage 2 (linkage)");
    const odd = new BtfBuilder();
    odd.addFwd("a\nb");
    expect(formatProblem(validateBtf(odd.toBtf())[0]!)).toBe(
      ".BTF+0x18: [1] FWD: name 'a\\x0ab' is no identifier (name)",
    );
  });

  it("checks how the sections lie", () => {
    const words = Uint32Array.of(1, 1 << 24, 4, 32);
    const strings = Buffer.from("\0int\0");
    const bytes = encodeBtf({ words, strings, littleEndian: true, layout: true });
    expect(validateBtf(Btf.parse(bytes)).map((p) => p.rule)).toEqual(["header-unknown-fields", "header-gap"]);
    expect(validateBtf(Btf.parse(bytes), { kernel: "7.2" })).toEqual([]);
    const wide = encodeBtf({ words, strings, littleEndian: true, headerByteSize: 32 });
    expect(validateBtf(Btf.parse(wide))).toEqual([]);
    const trailing = new Uint8Array(wide.length + 1);
    trailing.set(wide);
    expect(validateBtf(Btf.parse(trailing)).map((p) => p.rule)).toEqual([
      "header-trailing",
      "strings-not-last",
    ]);
    const overlap = wide.slice();
    new DataView(overlap.buffer).setUint32(16, 13, true);
    new DataView(overlap.buffer).setUint32(20, 8, true);
    expect(validateBtf(Btf.parse(overlap)).map((p) => p.rule)).toContain("header-overlap");
    const empty = encodeBtf({ words: new Uint32Array(0), strings: Uint8Array.of(0), littleEndian: true });
    expect(validateBtf(Btf.parse(empty)).map((p) => p.rule)).toEqual(["no-types"]);
  });

  it("stops at the number of problems asked for", () => {
    const make: Make = (b) => {
      for (let count = 0; count < 50; count++) b.addFwd("");
    };
    expect(rules(make, { maximumProblems: 3 })).toEqual(["name", "name", "name"]);
  });

  const member = (
    type: number,
    bitOffset: number,
    bitfieldSize = 0,
  ): { name: string; type: number; bitOffset: number; bitfieldSize: number } => ({
    name: "m",
    type,
    bitOffset,
    bitfieldSize,
  });
  it.each<[string, string, Make]>([
    ["a struct in itself", "loop", (b) => b.addStruct("s", 8, [member(b.nextId, 0)])],
    ["an array of itself", "loop", (b, int) => b.addArray(b.nextId, int, 1)],
    [
      "structs in each other",
      "loop",
      (b) => [b.nextId + 1, b.nextId].forEach((id, at) => b.addStruct(`s${at}`, 8, [member(id, 0)])),
    ],
    ["a function that is no function", "function-type", (b, int) => b.addFunc("f", int)],
    [
      "a function with an unnamed parameter",
      "parameter",
      (b, int) => b.addFunc("f", b.addFuncProto(0, [{ name: "", type: int }])),
    ],
    ["a parameter without size", "parameter", (b) => b.addFuncProto(0, [{ name: "p", type: b.addFwd("s") }])],
    ["a return type without size", "return-type", (b) => b.addFuncProto(b.addFwd("s"))],
    ["a named ...", "parameter", (b) => b.addFuncProto(0, [{ name: "rest", type: 0 }])],
    ["a member past the end", "member-range", (b, int) => b.addStruct("s", 6, [member(int, 32)])],
    [
      "a member at an odd bit",
      "member-alignment",
      (b, int) => b.addStruct("s", 16, [member(b.addPtr(int), 4)]),
    ],
    ["a bitfield wider than its int", "bitfield-size", (b, int) => b.addStruct("s", 8, [member(int, 0, 33)])],
    ["a bitfield pointer", "bitfield-type", (b, int) => b.addStruct("s", 8, [member(b.addPtr(int), 0, 3)])],
    [
      "a float at 4 of 8",
      "member-alignment",
      (b) => b.addStruct("s", 16, [member(b.addFloat("double", 8), 32)]),
    ],
    ["an array of a forward", "array-element", (b, int) => b.addArray(b.addFwd("s"), int, 1)],
    ["an array indexed by a struct", "array-index", (b, int) => b.addArray(int, b.addStruct("s", 4, []), 1)],
    ["an array of 2^34 bytes", "array-size", (b, int) => b.addArray(b.addArray(int, int, 65536), int, 65536)],
    ["a variable of a forward", "variable-type", (b) => b.addVar("v", b.addFwd("s"))],
    [
      "an entry smaller than its type",
      "entry-size",
      (b, int) => b.addDatasec(".data", 8, [{ type: b.addVar("v", int), offset: 0, byteSize: 2 }]),
    ],
    [
      "an entry that is no variable",
      "entry-type",
      (b, int) => b.addDatasec(".data", 8, [{ type: int, offset: 0, byteSize: 4 }]),
    ],
    ["a tag on an int", "tag-target", (b, int) => b.addDeclTag("t", int)],
    [
      "a tag on member 1 of 1",
      "component",
      (b, int) => b.addDeclTag("t", b.addStruct("s", 4, [member(int, 0)]), 1),
    ],
    ["a pointer to a variable", "reference", (b, int) => b.addPtr(b.addVar("v", int))],
    [
      "40 structs deep",
      "too-deep",
      (b) =>
        Array.from({ length: 40 }, () => b.addStruct("s", 8, [member(b.nextId + 1, 0)])) &&
        b.addInt("end", 8),
    ],
  ])("finds, when resolving, %s", (_what, rule, make) => {
    expect(rules(make)).toEqual([]);
    expect(rules(make, { resolve: true })).toEqual([rule]);
  });

  it("follows pointers around cycles", () => {
    const make: Make = (b, int) => {
      const list = b.nextId;
      b.addStruct("list", 24, [member(list + 1, 0), member(list + 2, 64), member(int, 128, 3)]);
      b.addPtr(list);
      b.addTypedef("list_p", b.nextId + 1);
      b.addConst(list + 1);
      b.addFunc(
        "f",
        b.addFuncProto(list, [
          { name: "l", type: list + 2 },
          { name: "", type: 0 },
        ]),
      );
      b.addDatasec(".data", 24, [
        { type: b.addVar("v", b.addArray(list + 1, int, 3)), offset: 0, byteSize: 24 },
      ]);
      b.addDeclTag("t", list, 2);
    };
    expect(rules(make, { resolve: true })).toEqual([]);
  });
});
