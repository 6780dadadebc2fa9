import { describe, expect, it } from "vitest";
import { commonTypes } from "../../test/build/mock-program.ts";
import { type Btf, BtfBuilder } from "../btf/index.ts";
import { LimitError } from "../io/index.ts";
import { LookupError, ObjectTypeError } from "./errors.ts";
import { Type } from "./type.ts";

function build(fill: (builder: BtfBuilder, types: ReturnType<typeof commonTypes>) => number): Type {
  const builder = new BtfBuilder();
  const id = fill(builder, commonTypes(builder));
  return Type.of(builder.toBtf(), id);
}

describe("Type names", () => {
  it.each<[string, (builder: BtfBuilder, types: ReturnType<typeof commonTypes>) => number]>([
    ["unsigned long", (_, { ulong }) => ulong],
    ["struct task_struct *", (b) => b.addPtr(b.addStruct("task_struct", 8, []))],
    ["unsigned long [16]", (b, { ulong, int }) => b.addArray(ulong, int, 16)],
    ["char [2][3]", (b, { char, int }) => b.addArray(b.addArray(char, int, 3), int, 2)],
    ["char []", (b, { char, int }) => b.addArray(char, int, 0)],
    ["void", () => 0],
    ["const void *", (b) => b.addPtr(b.addConst(0))],
    ["const char * const", (b, { char }) => b.addConst(b.addPtr(b.addConst(char)))],
    ["const volatile int", (b, { int }) => b.addVolatile(b.addConst(int))],
    ["char * restrict", (b, { char }) => b.addRestrict(b.addPtr(char))],
    ["const char [4]", (b, { char, int }) => b.addArray(b.addConst(char), int, 4)],
    // C has no const arrays: the element is what is const.
    ["char [4]", (b, { char, int }) => b.addConst(b.addArray(char, int, 4))],
    ["int (*)(void)", (b, { int }) => b.addPtr(b.addFuncProto(int))],
    ["int (*)(void *)", (b, { int }) => b.addPtr(b.addFuncProto(int, [{ name: "", type: b.addPtr(0) }]))],
    [
      "int (int count, const char *format, ...)",
      (b, { int, char }) => {
        const text = b.addPtr(b.addConst(char));
        const parameters = [
          { name: "count", type: int },
          { name: "format", type: text },
          { name: "", type: 0 },
        ];
        return b.addFunc("f", b.addFuncProto(int, parameters));
      },
    ],
    ["void ()", (b) => b.addFuncProto(0, [{ name: "", type: 0 }])],
    ["int (*[2])(void)", (b, { int }) => b.addArray(b.addPtr(b.addFuncProto(int)), int, 2)],
    ["int (*)[2]", (b, { int }) => b.addPtr(b.addArray(int, int, 2))],
    ["char * const [9]", (b, { char, int }) => b.addArray(b.addConst(b.addPtr(char)), int, 9)],
    ["struct <anonymous>", (b) => b.addStruct("", 0, [])],
    ["union <anonymous> *", (b) => b.addPtr(b.addUnion("", 0, []))],
    ["enum <anonymous>", (b) => b.addEnum("", 4, [{ name: "A", value: 0 }])],
    ["struct later", (b) => b.addFwd("later")],
    ["const u8", (b, { u8 }) => b.addConst(u8)],
    ["int *", (b, { int }) => b.addPtr(b.addTypeTag("user", int))],
    ["__int128 unsigned", (b) => b.addInt("__int128 unsigned", 16)],
  ])("spells %s", (name, fill) => {
    expect(build(fill).typeName()).toBe(name);
  });

  it("escapes control characters in names", () => {
    expect(build((b) => b.addStruct("a\x1b[2J\nb", 0, [])).typeName()).toBe("struct a\\x1b[2J\\x0ab");
  });

  it("gives up on types that contain themselves", () => {
    const loop = build((b) => b.addPtr(b.nextId));
    expect(() => loop.typeName()).toThrow(LimitError);
    expect(() => build((b) => b.addConst(b.nextId))).toThrow(LimitError);
    expect(() => build((b) => b.addTypedef("loop", b.nextId)).underlying).toThrow(LimitError);
  });
});

describe("Type", () => {
  it("has one Type for one id, also through a split BTF", () => {
    const builder = new BtfBuilder();
    const { int } = commonTypes(builder);
    const base = builder.toBtf();
    const split = new BtfBuilder({ base });
    const pointer = split.addPtr(int);
    expect(Type.of(split.toBtf(), pointer).target).toBe(Type.of(base, int));
    expect(Type.of(base, int)).toBe(Type.of(base, int));
  });

  it("shares an unqualified type between its qualified ones", () => {
    const type = build((b, { int }) => b.addConst(int));
    expect(type.unqualified.typeName()).toBe("int");
    expect(type.underlying).toBe(type.unqualified);
    expect(type.qualified(2).typeName()).toBe("const volatile int");
  });

  it("finds members in anonymous members, with offsets from the outer start", () => {
    const type = build((b, { int, char }) => {
      const inner = b.addStruct("", 8, [
        { name: "x", type: int, bitOffset: 0 },
        { name: "y", type: int, bitOffset: 32 },
      ]);
      const union = b.addUnion("", 8, [
        { name: "", type: inner, bitOffset: 0 },
        { name: "z", type: char, bitOffset: 0 },
      ]);
      return b.addTypedef(
        "outer_t",
        b.addStruct("outer", 12, [
          { name: "a", type: int, bitOffset: 0 },
          { name: "", type: union, bitOffset: 32 },
        ]),
      );
    });
    expect(type.findMember("y")).toMatchObject({ bitOffset: 64, bitFieldSize: 0 });
    expect(type.member("z").type.typeName()).toBe("char");
    expect(type.memberNames()).toEqual(["a", "x", "y", "z"]);
    expect(type.findMember("w")).toBeUndefined();
    expect(() => type.member("xx")).toThrow('no member "xx" in "outer_t"; did you mean "x"?');
    expect(() => type.member("xx")).toThrow(LookupError);
  });

  it("says why there are no members", () => {
    expect(() => build((_, { int }) => int).member("a")).toThrow('"int" is not a struct or union');
    expect(() => build((b) => b.addFwd("later")).member("a")).toThrow(ObjectTypeError);
  });

  it("bounds anonymous members of hostile types", () => {
    const type = build((b) => {
      const first = b.nextId;
      for (let level = 0; level < 40; level++) {
        const next = first + level + 1;
        b.addStruct("", 8, [
          { name: "", type: next, bitOffset: 0 },
          { name: "", type: next, bitOffset: 0 },
        ]);
      }
      b.addStruct("", 8, []);
      return first;
    });
    expect(() => type.findMember("x")).toThrow(LimitError);
  });

  it("knows sizes, and what has none", () => {
    expect(build((b, { int, u8 }) => b.addArray(b.addArray(u8, int, 3), int, 5)).byteSize).toBe(15);
    expect(build((b, { int }) => b.addArray(int, int, 0)).byteSizeIf).toBeUndefined();
    expect(build((b, { int }) => b.addArray(b.addPtr(0), int, 2)).byteSize).toBe(16);
    expect(() => build((b) => b.addFwd("later")).byteSize).toThrow('type "struct later" has no size');
    expect(Type.void().byteSizeIf).toBeUndefined();
    const loop = build((b, { int }) => b.addArray(b.nextId, int, 2));
    expect(() => loop.byteSize).toThrow(LimitError);
  });

  it("reads bit fields of both kinds", () => {
    const modern = build((b, { uint }) =>
      b.addStruct("s", 4, [
        { name: "a", type: uint, bitOffset: 0, bitfieldSize: 3 },
        { name: "b", type: uint, bitOffset: 3, bitfieldSize: 29 },
      ]),
    );
    expect(modern.members.map((each) => [each.bitOffset, each.bitFieldSize])).toEqual([
      [0, 3],
      [3, 29],
    ]);
    const old = build((b) =>
      b.addStruct(
        "s",
        4,
        [{ name: "a", type: b.addInt("unsigned int", 4, 0, 3, 1), bitOffset: 8 }].reverse(),
      ),
    );
    expect(old.members[0]).toMatchObject({ bitOffset: 9, bitFieldSize: 3 });
  });

  it("takes arrays without elements for flexible ones only where C allows them", () => {
    const type = build((b, { int, char }) => {
      const none = b.addArray(char, int, 0);
      const alone = b.addStruct("", 0, [{ name: "pad", type: none, bitOffset: 0 }]);
      const union = b.addUnion("", 0, [
        { name: "first", type: none, bitOffset: 0 },
        { name: "last", type: none, bitOffset: 0 },
      ]);
      return b.addStruct("s", 4, [
        { name: "begin", type: none, bitOffset: 0 },
        { name: "", type: alone, bitOffset: 0 },
        { name: "", type: union, bitOffset: 0 },
        { name: "count", type: int, bitOffset: 0 },
        { name: "rest", type: none, bitOffset: 32 },
      ]);
    });
    const names = type.memberNames().map((name) => `${name}: ${type.member(name).type.typeName()}`);
    expect(names).toEqual([
      "begin: char [0]",
      "pad: char [0]",
      "first: char [0]",
      "last: char [0]",
      "count: int",
      "rest: char []",
    ]);
    expect(type.member("begin").type.byteSize).toBe(0);
  });

  it("names enumerators", () => {
    const type = build((b) =>
      b.addEnum64("e", 8, [
        { name: "LOW", value: -1n },
        { name: "HIGH", value: 1n << 40n },
        { name: "ALSO", value: 1n << 40n },
      ]),
    );
    expect(type.isSigned).toBe(true);
    expect(type.enumeratorName(1n << 40n)).toBe("HIGH");
    expect(type.enumeratorName(5n)).toBeUndefined();
    expect(type.enumerators.map((each) => each.name)).toEqual(["LOW", "HIGH", "ALSO"]);
  });

  it("refuses what is no type", () => {
    const builder = new BtfBuilder();
    const variable = builder.addVar("v", builder.addInt("int", 4, 1));
    const btf: Btf = builder.toBtf();
    expect(() => Type.of(btf, variable)).toThrow("VAR 2 is not a type");
    expect(() => Type.of(btf, 99)).toThrow("type id 99 does not exist");
  });
});
