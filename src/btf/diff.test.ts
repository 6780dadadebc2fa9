import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import * as K from "./constants.ts";
import { breakingChanges } from "./diff-abi.ts";
import { nearDuplicates } from "./diff-duplicates.ts";
import { formatDiffMarkdown } from "./diff-markdown.ts";
import { formatDiff } from "./diff-text.ts";
import { diffBtf, type DiffOptions } from "./diff.ts";
import type { Btf } from "./reader.ts";

type Make = (b: BtfBuilder, int: number) => void;

function make(fill: Make): Btf {
  const b = new BtfBuilder();
  fill(b, b.addInt("int", 4, K.BTF_INT_SIGNED));
  return b.toBtf();
}

function lines(before: Make, after: Make, options?: DiffOptions): string[] {
  return [...formatDiff(diffBtf(make(before), make(after), options))].filter(
    (line) => !/^[a-z]+: \d/.test(line),
  );
}

/** The same BTF with its types in another order. */
function shuffled(btf: Btf, order: readonly number[]): Btf {
  const b = new BtfBuilder();
  const newIds = new Map(order.map((old, index) => [old, index + 1]));
  for (const old of order) b.addCopy(btf, old, (id) => newIds.get(id) ?? 0);
  return b.toBtf();
}

const sample: Make = (b, int) => {
  const list = b.nextId;
  b.addStruct("list", 16, [
    { name: "next", type: list + 1, bitOffset: 0 },
    { name: "prev", type: list + 1, bitOffset: 64 },
  ]);
  b.addPtr(list);
  const inner = b.addStruct("", 8, [{ name: "count", type: int, bitOffset: 0 }]);
  // Two structs of one name that differ only in what they point to.
  const first = b.addStruct("info", 8, [{ name: "data", type: b.nextId + 1, bitOffset: 0 }]);
  b.addPtr(list);
  const second = b.addStruct("info", 8, [{ name: "data", type: b.nextId + 1, bitOffset: 0 }]);
  b.addPtr(int);
  const holder = b.addStruct("holder", 24, [
    { name: "one", type: b.addPtr(first), bitOffset: 0 },
    { name: "two", type: b.addPtr(second), bitOffset: 64 },
    { name: "", type: inner, bitOffset: 128 },
  ]);
  b.addEnum("", 4, [{ name: "ALPHA", value: 1 }]);
  b.addTypedef("holder_t", holder);
  const func = b.addFunc("work", b.addFuncProto(int, [{ name: "h", type: b.addPtr(holder) }]));
  b.addDeclTag("bpf_kfunc", func);
  const one = b.addVar("state", int, K.BTF_VAR_STATIC);
  const two = b.addVar("state", holder, K.BTF_VAR_STATIC);
  b.addDatasec(".data", 64, [
    { type: one, offset: 0, byteSize: 4 },
    { type: two, offset: 8, byteSize: 24 },
  ]);
};

describe("diffBtf", () => {
  it("finds no difference in another order of ids", () => {
    const btf = make(sample);
    const ids = Array.from({ length: btf.typeCount - 1 }, (_, index) => index + 1);
    fc.assert(
      fc.property(fc.shuffledSubarray(ids, { minLength: ids.length }), (order) => {
        expect(diffBtf(btf, shuffled(btf, order)).entries).toEqual([]);
        expect(diffBtf(shuffled(btf, order), btf).entries).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("reports members by name, each change once", () => {
    const before: Make = (b, int) => {
      b.addStruct("page", 12, [
        { name: "flags", type: int, bitOffset: 0 },
        { name: "gone", type: int, bitOffset: 32 },
        { name: "bits", type: int, bitOffset: 64, bitfieldSize: 3 },
      ]);
      b.addStruct("user", 8, [{ name: "page", type: b.addPtr(int + 1), bitOffset: 0 }]);
    };
    const after: Make = (b, int) => {
      b.addStruct("page", 16, [
        { name: "flags", type: b.addPtr(0), bitOffset: 0 },
        { name: "bits", type: int, bitOffset: 64, bitfieldSize: 4 },
        { name: "fresh", type: int, bitOffset: 96 },
      ]);
      b.addStruct("user", 8, [{ name: "page", type: b.addPtr(int + 2), bitOffset: 0 }]);
    };
    expect(lines(before, after)).toEqual([
      "~ struct page",
      "    size: 12 -> 16",
      "    member flags: int flags -> void *flags",
      "    - member int gone at bit 32",
      "    member bits moved: bit 64:3 -> bit 64:4",
      "    + member int fresh at bit 96",
    ]);
  });

  it("reports what else can change", () => {
    const before: Make = (b, int) => {
      b.addTypedef("t", int);
      b.addEnum("e", 4, [
        { name: "A", value: 1 },
        { name: "B", value: 2 },
      ]);
      b.addFwd("later");
      const f = b.addFunc("f", b.addFuncProto(int, [{ name: "a", type: int }]));
      b.addDeclTag("bpf_kfunc", f);
      b.addFunc("gone", b.addFuncProto(0));
      b.addFloat("double", 8);
      b.addDatasec(".data", 8, [{ type: b.addVar("v", int, K.BTF_VAR_STATIC), offset: 0, byteSize: 4 }]);
    };
    const after: Make = (b, int) => {
      b.addTypedef("t", b.addPtr(int));
      b.addEnum("e", 4, [
        { name: "A", value: 5 },
        { name: "C", value: 2 },
      ]);
      b.addStruct("later", 0, []);
      b.addFunc("f", b.addFuncProto(int, [{ name: "b", type: int }]), K.BTF_FUNC_GLOBAL);
      b.addFloat("double", 16);
      b.addDatasec(".bss", 8, [
        { type: b.addVar("v", b.addPtr(0), K.BTF_VAR_GLOBAL_ALLOCATED), offset: 0, byteSize: 8 },
      ]);
    };
    expect(lines(before, after)).toEqual([
      "~ double",
      "    size: 8 -> 16",
      "~ enum e",
      "    value A: 1 -> 5",
      "    value B renamed to C",
      "~ struct later",
      "    kind: FWD -> STRUCT",
      "~ typedef t",
      "    target: int -> int *",
      "~ function f",
      "    tags: bpf_kfunc -> (none)",
      "    linkage: static -> global",
      "    type: int f(int a) -> int f(int b)",
      "    parameter a renamed to b",
      "- function gone",
      "~ variable v",
      "    linkage: static -> global",
      "    type: int v -> void *v",
      "    section: .data -> .bss",
      "    size: 4 -> 8",
      "+ section .bss",
      "- section .data",
    ]);
  });

  it("matches statics of one name by place, then by look", () => {
    const variables =
      (...types: ((b: BtfBuilder, int: number) => number)[]): Make =>
      (b, int) => {
        const entries = types.map((type, index) => ({
          type: b.addVar("state", type(b, int), K.BTF_VAR_STATIC),
          offset: index * 8,
          byteSize: 8,
        }));
        b.addDatasec(".data", 64, entries);
      };
    const int = (_b: BtfBuilder, id: number): number => id;
    const pointer = (b: BtfBuilder): number => b.addPtr(0);
    expect(lines(variables(int, pointer), variables(pointer, int), { offsets: false })).toEqual([]);
    expect(lines(variables(int, int), variables(int, pointer))).toEqual([
      "~ variable state",
      "    type: int state -> void *state",
    ]);
    expect(lines(variables(int), variables(int, int))).toEqual([
      "+ variable state",
      "~ section .data",
      "    entries: 1 -> 2",
    ]);
  });

  it("sees a duplicate that only one side has, and which type of a name is meant", () => {
    const twice: Make = (b, int) => {
      b.addStruct("info", 4, [{ name: "a", type: int, bitOffset: 0 }]);
      b.addStruct("info", 4, [{ name: "b", type: int, bitOffset: 0 }]);
    };
    const once: Make = (b, int) => b.addStruct("info", 4, [{ name: "a", type: int, bitOffset: 0 }]);
    expect(lines(twice, once)).toEqual(["- struct info"]);
    const user =
      (which: number): Make =>
      (b, int) => {
        twice(b, int);
        b.addStruct("user", 8, [{ name: "info", type: b.addPtr(int + which), bitOffset: 0 }]);
      };
    expect(lines(user(1), user(1))).toEqual([]);
    expect(lines(user(1), user(2))).toEqual([
      "~ struct user",
      "    member info: struct info *info -> struct info *info (another type of that name)",
    ]);
  });

  it("compares unnamed types by their use", () => {
    const anonymous: Make = (b) => b.addEnum("", 4, [{ name: "ALPHA", value: 1 }]);
    const nothing: Make = () => undefined;
    const used: Make = (b) => b.addVar("v", b.addEnum("", 4, [{ name: "ALPHA", value: 1 }]));
    expect(lines(anonymous, nothing)).toEqual(["- enum { ALPHA … }"]);
    expect(lines(anonymous, used)).toEqual(["+ variable v"]);
  });

  it("ends on unnamed types that contain themselves", () => {
    const cycle: Make = (b) => b.addPtr(b.addConst(b.nextId + 1));
    expect(lines(cycle, cycle)).toEqual([]);
    const self: Make = (b) =>
      b.addVar("v", b.addStruct("", 8, [{ name: "s", type: b.nextId, bitOffset: 0 }]));
    expect(lines(self, self)).toEqual([]);
  });

  it("compares the own types of split BTF, the base's by name", () => {
    const base = make(sample);
    const split = (): Btf => {
      const b = new BtfBuilder({ base });
      b.addVar("extra", b.addPtr(2));
      return b.toBtf();
    };
    const { entries, counts } = diffBtf(split(), split());
    expect(entries).toEqual([]);
    expect(counts).toEqual({
      type: { before: 0, after: 0 },
      function: { before: 0, after: 0 },
      variable: { before: 1, after: 1 },
      section: { before: 0, after: 0 },
    });
  });
});

describe("what a change means", () => {
  const inner = (b: BtfBuilder, name: string, byteSize: number): number => b.addStruct(name, byteSize, []);
  const before: Make = (b, int) => {
    const part = inner(b, "part", 4);
    b.addStruct("moved", 16, [
      { name: "old", type: int, bitOffset: 0 },
      { name: "part", type: part, bitOffset: 32 },
      { name: "last", type: int, bitOffset: 64 },
    ]);
    b.addStruct("was", 8, [
      { name: "x", type: int, bitOffset: 0 },
      { name: "y", type: int, bitOffset: 32 },
    ]);
    b.addEnum("order", 4, [
      { name: "ONE", value: 1 },
      { name: "TWO", value: 2 },
    ]);
    b.addFunc("renames", b.addFuncProto(int, [{ name: "a", type: int }]));
    b.addFunc("grows", b.addFuncProto(int, [{ name: "a", type: int }]));
  };
  const after: Make = (b, int) => {
    const part = inner(b, "part", 8);
    b.addStruct("moved", 16, [
      { name: "new", type: int, bitOffset: 0 },
      { name: "part", type: part, bitOffset: 32 },
      { name: "last", type: int, bitOffset: 96 },
    ]);
    b.addStruct("is", 8, [
      { name: "x", type: int, bitOffset: 0 },
      { name: "y", type: int, bitOffset: 32 },
    ]);
    b.addEnum("order", 4, [
      { name: "ZERO", value: 1 },
      { name: "ONE", value: 2 },
      { name: "TWO", value: 3 },
    ]);
    b.addFunc("renames", b.addFuncProto(int, [{ name: "b", type: int }]));
    b.addFunc(
      "grows",
      b.addFuncProto(0, [
        { name: "a", type: int },
        { name: "flags", type: int },
      ]),
    );
  };

  it("tells members renamed, resized and moved, types renamed, values shifted, prototypes in parts", () => {
    expect(lines(before, after)).toEqual([
      "~ enum order",
      "    value ONE: 1 -> 2",
      "    value TWO: 2 -> 3",
      "    + value ZERO = 1",
      "~ struct moved",
      "    member old renamed to new",
      "    member part resized: 4 bytes -> 8 bytes",
      "    member last moved: bit 64 -> bit 96",
      "~ struct part",
      "    size: 4 -> 8",
      "~ struct was -> struct is",
      "~ function grows",
      "    type: int grows(int a) -> void grows(int a, int flags)",
      "    returns: int -> void",
      "    + parameter int flags",
      "~ function renames",
      "    type: int renames(int a) -> int renames(int b)",
      "    parameter a renamed to b",
    ]);
  });

  it("tells whom it breaks", () => {
    const breaking = breakingChanges(diffBtf(make(before), make(after)));
    expect(breaking.entries.map(({ name, breaks }) => [name, breaks])).toEqual([
      ["enum order", ["header"]],
      ["struct moved", ["header", "core"]],
      ["struct part", ["header"]],
      ["struct was", ["header", "core"]],
      ["grows", ["header", "core"]],
    ]);
    const added = (b: BtfBuilder, int: number): void => {
      before(b, int);
      b.addStruct("more", 4, [{ name: "x", type: int, bitOffset: 0 }]);
    };
    expect(breakingChanges(diffBtf(make(before), make(added))).entries).toEqual([]);
  });

  it("is printed as Markdown, whatever names hold", () => {
    const odd: Make = (b) => b.addStruct("a`b", 4, []);
    const text = [...formatDiffMarkdown(diffBtf(make(odd), make(before)), "A", "B")];
    expect(text.slice(0, 9)).toEqual([
      "# `A` → `B`",
      "",
      "## Types (2 → 5)",
      "",
      "### Removed (1)",
      "",
      "- ``struct a`b``",
      "",
      "### Added (4)",
    ]);
  });

  it("tells why types of one name are not one", () => {
    const btf = make((b, int) => {
      const long = b.addInt("long", 8, K.BTF_INT_SIGNED);
      for (const type of [int, long]) {
        const leaf = b.addStruct("leaf", 8, [{ name: "z", type, bitOffset: 0 }]);
        b.addStruct("task", 8, [{ name: "x", type: b.addPtr(leaf), bitOffset: 0 }]);
      }
    });
    expect(nearDuplicates(btf)).toEqual([
      { name: "struct leaf", first: 3, id: 6, reason: "member z: int z -> long z" },
      {
        name: "struct task",
        first: 5,
        id: 8,
        reason:
          "member x: struct leaf *x -> struct leaf *x (another type of that name), because struct leaf [3] and [6] differ: member z: int z -> long z",
      },
    ]);
  });
});
