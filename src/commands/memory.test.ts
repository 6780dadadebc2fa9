import { beforeEach, describe, expect, it, test } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { Gaps } from "../linux/index.ts";
import type { Program } from "../program/index.ts";
import { evaluate } from "../program/expression/index.ts";
import { likelyStruct, memberText } from "./likely-struct.ts";
import { entryLines, walkLinkedList } from "./list.ts";
import { showStruct, structLines } from "./struct.ts";
import { treeKind, walkTree } from "./tree.ts";
import { searchMemory } from "./search.ts";
import { readWords, textLines, untilUnprintable, wordLines } from "./words.ts";

const base = 0xffff_8880_0000_0000n;
const at = (offset: number): bigint => base + BigInt(offset);
const hex = (offset: number): string => `0x${at(offset).toString(16)}`;

let memory: MockMemory;
let program: Program;
let kernel: Kernel;
let gaps: Gaps;

function words(offset: number, ...values: readonly bigint[]): void {
  memory.putWords(at(offset), ...values);
}

beforeEach(() => {
  const builder = new BtfBuilder();
  const { int, uint, ulong, char } = commonTypes(builder);
  const pointer = builder.addPtr(0);
  const member = (
    name: string,
    type: number,
    offset: number,
  ): { name: string; type: number; bitOffset: number } => ({ name, type, bitOffset: offset * 8 });
  const list = builder.addStruct("list_head", 16, [member("next", pointer, 0), member("prev", pointer, 8)]);
  const inner = builder.addStruct("", 8, [member("low", uint, 0), member("high", int, 4)]);
  builder.addStruct("item", 48, [
    member("value", ulong, 0),
    member("", inner, 8),
    member("list", list, 16),
    member("name", builder.addArray(char, int, 8), 32),
    { name: "flag", type: uint, bitOffset: 40 * 8 + 3, bitfieldSize: 2 },
  ]);
  const node = builder.addStruct("rb_node", 24, [
    member("__rb_parent_color", ulong, 0),
    member("rb_right", pointer, 8),
    member("rb_left", pointer, 16),
  ]);
  builder.addStruct("rb_root", 8, [member("rb_node", builder.addPtr(node), 0)]);
  memory = new MockMemory();
  program = mockProgram({
    btf: builder.toBtf(),
    memory,
    symbols: [{ name: "items", address: at(0), byteSize: 16 }],
  });
  program.evaluator = evaluate;
  const named = (name: string): object[] => (name === "cells" ? [{ kind: "percpu", address: 0x100n }] : []);
  const perCpu = { possibleCpus: [0, 1], address: (of: bigint, cpu: number) => at(cpu * 0x100) + of };
  kernel = { program, perCpu, symbols: { named }, foundation: { memory } } as unknown as Kernel;
  gaps = new Gaps();
  // A head at 0, items at 0x100 and 0x200.
  words(0, at(0x110), at(0x210));
  words(0x100, 1n, 0x0000_0002_0000_0001n, at(0x210), at(0), 0x656e6fn, 0x18n);
  words(0x200, 2n, 0n, at(0), at(0x110), 0x6f7774n, 0n);
});

describe("struct", () => {
  it("shows a layout as crash does, anonymous members in place", () => {
    const rows = showStruct(kernel, { tag: "struct", name: "item", offsets: true });
    expect([...structLines(rows, true)]).toEqual([
      "struct item {",
      "     [0] unsigned long value;",
      "     [8] struct {",
      "     [8]     unsigned int low;",
      "    [12]     int high;",
      "         };",
      "    [16] struct list_head list;",
      "    [32] char name[8];",
      "  [40:3] unsigned int flag : 2;",
      "}",
      "SIZE: 48",
    ]);
  });

  it("shows members of an object, and several objects", () => {
    const [flag, name] = showStruct(kernel, { tag: "struct", name: "item.flag,name", address: hex(0x100) });
    expect([flag, name]).toMatchObject([
      { text: ".flag = (unsigned int)3", address: hex(0x128) },
      { text: '.name = (char [8])"one"', value: "one", address: hex(0x120) },
    ]);
    const embedded = showStruct(kernel, {
      tag: "struct",
      name: "item.value",
      address: hex(0x210),
      embedded: "item.list",
    });
    expect(embedded[0]).toMatchObject({ text: ".value = (unsigned long)2" });
  });

  it("says what is wrong", () => {
    const show = (query: object) => () => showStruct(kernel, { tag: "struct", name: "item", ...query });
    expect(show({ name: "itm" })).toThrow('no type "struct itm"; did you mean "struct item"?');
    expect(show({ name: "item.nme" })).toThrow('no member "nme"');
    expect(show({ address: hex(0), count: 20_000 })).toThrow("a count from 1 to 10000");
  });
});

describe("list", () => {
  const values = (query: Partial<Parameters<typeof walkLinkedList>[2]>): (string | null)[] =>
    [...walkLinkedList(kernel, gaps, { start: hex(0), links: "head", offset: "item.list", ...query })].map(
      ({ address }) => address,
    );

  it("begins at a head, a structure, or backwards", () => {
    expect(values({})).toEqual([hex(0x100), hex(0x200)]);
    expect(values({ reverse: true })).toEqual([hex(0x200), hex(0x100)]);
    expect(values({ end: hex(0x100) })).toEqual([hex(0x100)]);
    // As part of the list the head is a structure too.
    const ring = values({ start: hex(0x100), links: "embedded" });
    expect(ring).toEqual([hex(0x100), hex(0x200), `0x${(base - 16n).toString(16)}`]);
    expect(values({ start: hex(0x110), links: "plain", offset: "0" })).toEqual([
      hex(0x110),
      hex(0x210),
      hex(0),
    ]);
  });

  it("shows members, stops at a count, and says so", () => {
    const rows = [
      ...walkLinkedList(kernel, gaps, {
        start: hex(0),
        links: "head",
        offset: "16",
        show: "item.value,low",
        count: 1,
      }),
    ];
    expect([...entryLines(rows)]).toEqual([
      hex(0x100).slice(2),
      "  .value = (unsigned long)1",
      "  .low = (unsigned int)1",
    ]);
    expect(gaps.diagnostics.map(({ text }) => text)).toEqual(["the list goes on after 1 entries"]);
  });

  it("ends at a cycle that leaves the head out, and says where", () => {
    words(0x210, at(0x110), at(0x110));
    expect(new Set(values({}))).toEqual(new Set([hex(0x100), hex(0x200)]));
    expect(gaps.diagnostics[0]!.text).toContain("it leads back to");
  });
});

test("tree: red-black trees in order, kinds by how they begin", () => {
  words(0x300, at(0x400));
  words(0x400, 1n, at(0x500), 0n);
  words(0x500, at(0x400), 0n, 0n);
  const rows = [
    ...walkTree(kernel, gaps, { start: hex(0x2f0), kind: "rbtree", rootOffset: "16", nodeOffset: "8" }),
  ];
  expect(rows).toEqual([{ address: hex(0x3f8) }, { address: hex(0x4f8) }]);
  expect(["rb", "ra", "x", "maple"].map(treeKind)).toEqual(["rbtree", "radix", "xarray", "maple"]);
  expect(() => treeKind("r")).toThrow("none of rbtree");
});

test("rd: words of all sizes, symbols, and what is not there", () => {
  const read = (bits: number, count: number): (string | null)[] =>
    readWords(kernel, { address: hex(0x120), bits, count }).map(({ value }) => value);
  expect(read(64, 1)).toEqual(["0x0000000000656e6f"]);
  expect(read(16, 2)).toEqual(["0x6e6f", "0x0065"]);
  const rows = readWords(kernel, { address: hex(0x100), bits: 64, end: hex(0x118) });
  expect([...wordLines(rows)]).toEqual([
    "ffff888000000100:  0000000000000001 0000000200000001  ................",
    `ffff888000000110:  ${hex(0x210).slice(2)}                   ........`,
  ]);
  words(0x600, at(8));
  expect(readWords(kernel, { address: hex(0x600), bits: 64 })[0]!.symbol).toBe("items+8");
  expect(readWords(kernel, { address: "0x10", bits: 8 })[0]).toMatchObject({ value: null });
  expect(() => readWords(kernel, { address: hex(0), bits: 7 })).toThrow("8, 16, 32 or 64");
});

test("rd: decimal numbers, and text", () => {
  words(0x600, -2n & 0xffff_ffff_ffff_ffffn, 0x0a21_6f6c_6c65_48n);
  const of = (bits: number, count: number): ReturnType<typeof readWords> =>
    readWords(kernel, { address: hex(0x600), bits, count });
  expect([...wordLines(of(64, 1), { decimal: "d", bare: true })][0]).toMatch(/^ffff888000000600: +-2$/);
  expect([...wordLines(of(64, 1), { decimal: "D", bare: true })][0]).toMatch(/: +18446744073709551614$/);
  expect([...wordLines(of(32, 3), { decimal: "d", bare: true })]).toEqual([
    "ffff888000000600:           -2          -1",
    "ffff888000000608:   1819043144",
  ]);
  expect([...wordLines([{ ...of(64, 1)[0]!, cache: "item" }], { symbols: true })]).toEqual([
    "ffff888000000600:  [item]",
  ]);
  const text = readWords(kernel, { address: hex(0x608), bits: 8, count: 8 });
  expect([...textLines(untilUnprintable(text))]).toEqual(["ffff888000000608:  Hello!"]);
});

test("struct: the objects of CPUs, by a per-CPU symbol", () => {
  const of = (address: string): string[] => [
    ...structLines(showStruct(kernel, { tag: "struct", name: "item.value,low", address })),
  ];
  const [first, second] = [
    ["[0]: ffff888000000100", ".value = (unsigned long)1", ".low = (unsigned int)1"],
    ["[1]: ffff888000000200", ".value = (unsigned long)2", ".low = (unsigned int)0"],
  ];
  expect(of("cells:a")).toEqual([...first, ...second]);
  expect(of("cells:1")).toEqual(second);
  expect(of("cells:0-1")).toEqual([...first, ...second]);
  expect(() => of("cells:2")).toThrow("no CPU 2");
  expect(() => of("cells:1-")).toThrow("'1-' is no list of CPUs");
});

test("tree: what is below a node", () => {
  words(0x400, 1n, at(0x500), 0n);
  words(0x500, at(0x400), 0n, 0n);
  const below = (start: number, more = {}): unknown[] => [
    ...walkTree(kernel, gaps, { start: hex(start), kind: "rbtree", isNode: true, ...more }),
  ];
  expect(below(0x400)).toEqual([{ address: hex(0x400) }, { address: hex(0x500) }]);
  expect(below(0x500)).toEqual([{ address: hex(0x500) }]);
  expect(() => below(0x500, { kind: "maple" })).toThrow("red-black");
});

test("search: bounds that contradict each other", () => {
  const search = (more: object): unknown =>
    searchMemory(kernel, gaps, { values: ["1"], text: false, byteSize: 8, ...more });
  expect(() => search({ length: 8 })).toThrow("-l goes with -s");
  expect(() => search({ start: "8", length: 8, end: "16" })).toThrow("-e or -l");
  expect(() => search({ start: "16", end: "8" })).toThrow("the end lies before the start");
  expect(() => search({ physical: true, pid: 1 })).toThrow("-p or -u");
});

test("the likely struct of a cache: by name, where the sizes allow it", () => {
  expect(likelyStruct(program, "item_cache", 48)?.type.typeName()).toBe("struct item");
  expect(likelyStruct(program, "item", 40)?.why).toContain("of 48 bytes, an object of 40");
  expect(likelyStruct(program, "item_cache", 192)).toBeUndefined();
  expect(likelyStruct(program, "kmalloc-64", 64)).toBeUndefined();
  const type = program.type("struct item");
  expect([0, 8, 12, 24, 34].map((offset) => memberText(type, offset))).toEqual([
    "",
    ".low",
    ".high",
    ".list.prev",
    ".name+2",
  ]);
});
