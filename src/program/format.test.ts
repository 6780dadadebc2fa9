import { describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { FaultError } from "../io/index.ts";
import type { FormatOptions } from "./format-options.ts";
import { floatText, integerText, stringText } from "./format-scalar.ts";
import { toJson } from "./json.ts";
import { KernelObject } from "./object.ts";
import type { Program } from "./program.ts";

const at = 0xffffffff81000000n;
const functionAt = 0xffffffff81100000n;
const textAt = 0xffffffff81200000n;

/** A program with `struct item` at `at`. */
function itemProgram(memory: MockMemory = itemMemory()): Program {
  const builder = new BtfBuilder();
  const { int, char, bool, ulong, u8 } = commonTypes(builder);
  const short = builder.addInt("short unsigned int", 2);
  const call = builder.addPtr(builder.addFuncProto(0, [{ name: "", type: builder.addPtr(0) }]));
  const text = builder.addPtr(builder.addConst(char));
  const name = builder.addArray(char, int, 4);
  const numbers = builder.addArray(short, int, 4);
  const kind = builder.addEnum("kind", 4, [
    { name: "KIND_NONE", value: 0 },
    { name: "KIND_SOME", value: 2 },
  ]);
  const union = builder.addUnion("", 8, [
    { name: "whole", type: ulong, bitOffset: 0 },
    { name: "half", type: int, bitOffset: 0 },
  ]);
  const list = builder.nextId;
  builder.addStruct("list_head", 16, [
    { name: "next", type: list + 1, bitOffset: 0 },
    { name: "prev", type: list + 1, bitOffset: 64 },
  ]);
  builder.addPtr(list);
  builder.addStruct("item", 72, [
    { name: "links", type: list, bitOffset: 0 },
    { name: "", type: union, bitOffset: 128 },
    { name: "name", type: name, bitOffset: 192 },
    { name: "byte", type: u8, bitOffset: 224 },
    { name: "on", type: bool, bitOffset: 232 },
    { name: "kind", type: kind, bitOffset: 240, bitfieldSize: 2 },
    { name: "call", type: call, bitOffset: 256 },
    { name: "text", type: text, bitOffset: 320 },
    { name: "numbers", type: numbers, bitOffset: 384 },
    { name: "rest", type: builder.addArray(int, int, 0), bitOffset: 448 },
  ]);
  return mockProgram({
    btf: builder.toBtf(),
    memory,
    symbols: [
      { name: "the_item", address: at, byteSize: 72 },
      { name: "handler", address: functionAt, byteSize: 16 },
    ],
  });
}

function itemMemory(): MockMemory {
  const bytes = new Uint8Array(72);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, at, true);
  view.setBigUint64(8, 0xffff888000001000n, true);
  view.setBigUint64(16, 0x1_0000_0005n, true);
  bytes.set(Buffer.from("ab\n\0"), 24);
  bytes.set([200, 1, 2], 28);
  view.setBigUint64(32, functionAt + 4n, true);
  view.setBigUint64(40, textAt, true);
  view.setUint16(48, 7, true);
  view.setUint16(52, 9, true);
  const memory = new MockMemory();
  memory.put(at, bytes);
  memory.put(textAt, 'say "hi"\x1b\0');
  return memory;
}

const item = (memory?: MockMemory): KernelObject => itemProgram(memory).object(at, "struct item");
const format = (options: FormatOptions, memory?: MockMemory): string => item(memory).format(options);

describe("formatObject", () => {
  it("writes structs as C would initialise them", () => {
    expect(String(item())).toBe(`(struct item){
	.links = (struct list_head){
		.next = (struct list_head *)the_item+0x0 = 0xffffffff81000000,
		.prev = (struct list_head *)0xffff888000001000,
	},
	.whole = (unsigned long)4294967301,
	.half = (int)5,
	.name = (char [4])"ab\\n",
	.byte = (u8)200,
	.on = (_Bool)1,
	.kind = (enum kind)KIND_SOME,
	.call = (void (*)(void *))handler+0x4 = 0xffffffff81100004,
	.text = (const char *)0xffffffff81200000 = "say \\"hi\\"\\x1b",
	.numbers = (unsigned short [4]){ 7, 0, 9 },
	.rest = (int []){},
}`);
  });

  it("shows what a pointer points to, once", () => {
    const pointer = item().member("links").member("next");
    expect(pointer.format()).toBe(`*(struct list_head *)(the_item+0x0 = 0xffffffff81000000) = {
	.next = (struct list_head *)the_item+0x0 = 0xffffffff81000000,
	.prev = (struct list_head *)0xffff888000001000,
}`);
    expect(pointer.format({ dereference: false, symbolize: false })).toBe(
      "(struct list_head *)0xffffffff81000000",
    );
    // Not readable: the pointer alone.
    expect(item().member("links").member("prev").format()).toBe("(struct list_head *)0xffff888000001000");
    expect(item().member("call").format()).toBe("(void (*)(void *))handler+0x4 = 0xffffffff81100004");
  });

  it("wraps at columns", () => {
    const options = { columns: 60, membersSameLine: true, memberTypeNames: false, symbolize: false };
    expect(format(options)).toBe(`(struct item){
	.links = {
		.next = 0xffffffff81000000,
		.prev = 0xffff888000001000,
	},
	.whole = 4294967301, .half = 5, .name = "ab\\n",
	.byte = 200, .on = 1, .kind = KIND_SOME,
	.call = 0xffffffff81100004,
	.text = 0xffffffff81200000 = "say \\"hi\\"\\x1b",
	.numbers = { 7, 0, 9 }, .rest = {},
}`);
    expect(
      item()
        .member("links")
        .format({ ...options, columns: 80 }),
    ).toBe("(struct list_head){ .next = 0xffffffff81000000, .prev = 0xffff888000001000 }");
  });

  it("leaves out what is asked to be left out", () => {
    const numbers = item().member("numbers");
    expect(numbers.format({ elementIndices: true, typeName: false })).toBe("{ [0] = 7, [2] = 9 }");
    expect(numbers.format({ implicitElements: true, typeName: false, integerBase: 16 })).toBe(
      "{ 0x7, 0x0, 0x9, 0x0 }",
    );
    expect(numbers.format({ elementTypeNames: true })).toContain("{ (unsigned short)7, (unsigned short)0,");
    expect(
      item().member("links").format({ memberNames: false, typeName: false, memberTypeNames: false }),
    ).toBe(
      "{\n\t0xffffffff81000000,\n\t0xffff888000001000,\n}".replace(
        "0xffffffff81000000",
        "the_item+0x0 = 0xffffffff81000000",
      ),
    );
    expect(item().member("name").format({ string: false, char: true })).toBe("(char [4]){ 'a', 'b', '\\n' }");
  });

  it("says what it cuts short", () => {
    expect(item().member("numbers").format({ maximumElements: 1 })).toBe(
      "(unsigned short [4]){ 7, ... (2 more) }",
    );
    expect(item().member("text").format({ maximumStringLength: 3 })).toBe(
      '(const char *)0xffffffff81200000 = "say"...',
    );
    expect(item().member("name").format({ maximumStringLength: 1 })).toBe('(char [4])"a"...');
    expect(format({ maximumDepth: 1, memberTypeNames: false })).toContain(".links = { ... },");
    expect(format({ maximumLength: 40 })).toMatch(/\.\.\. \(9 more\),\n}$/);
  });

  it("shows members beside those that cannot be read", () => {
    const memory = new MockMemory();
    memory.put(at, new Uint8Array(30));
    const text = format({ memberTypeNames: false }, memory);
    expect(text).toContain(".byte = 0,");
    expect(text).toContain(".kind = <0xffffffff8100001e: not mapped>,");
    expect(text).toContain(".call = <0xffffffff81000020: not mapped>,");
    expect(text).toContain(
      ".numbers = { <0xffffffff81000030: not mapped>, <0xffffffff81000032: not mapped>,",
    );
    expect(item(new MockMemory()).member("byte").format()).toBe("(u8)<0xffffffff8100001c: not mapped>");
  });

  it("shows absent objects by their reason", () => {
    const { program, type } = item();
    expect(KernelObject.absent(program, type, "no such CPU").format()).toBe("(struct item)<no such CPU>");
    const fault = new FaultError("excluded", 16n, "virtual");
    expect(KernelObject.absent(program, type, fault).format()).toBe(
      "(struct item)<0x10: page excluded from the dump>",
    );
  });

  it("stays finite for types that contain themselves", () => {
    const builder = new BtfBuilder();
    const { int } = commonTypes(builder);
    const self = builder.nextId;
    builder.addStruct("self", 4, [
      { name: "a", type: self, bitOffset: 0 },
      { name: "b", type: self, bitOffset: 0 },
      { name: "c", type: int, bitOffset: 0 },
    ]);
    const first = builder.nextId;
    for (let level = 0; level < 40; level++) {
      const next = first + level + 1;
      builder.addStruct(level === 0 ? "wide" : "", 4, [
        { name: "", type: next, bitOffset: 0 },
        { name: "", type: next, bitOffset: 0 },
      ]);
    }
    builder.addStruct("", 4, []);
    const memory = new MockMemory();
    memory.put(at, [1, 0, 0, 0]);
    const program = mockProgram({ btf: builder.toBtf(), memory });
    const text = program.object(at, "struct self").format({ maximumLength: 10_000 });
    expect(text.length).toBeLessThan(1_000_000);
    expect(text).toContain("...");
    expect(program.object(at, "struct wide").format().length).toBeLessThan(1000);
    expect(
      JSON.stringify(toJson(program.object(at, "struct self"), { maximumItems: 100 })).length,
    ).toBeLessThan(10_000);
  });
});

describe("toJson", () => {
  it("gives numbers, hexadecimal strings, text and structure", () => {
    expect(JSON.parse(JSON.stringify(toJson(item())))).toEqual({
      links: { next: "0xffffffff81000000", prev: "0xffff888000001000" },
      whole: "0x100000005",
      half: 5,
      name: "ab\n",
      byte: 200,
      on: true,
      kind: 2,
      call: "0xffffffff81100004",
      text: "0xffffffff81200000",
      numbers: [7, 0, 9, 0],
      rest: [],
    });
    expect(toJson(item().member("numbers"), { maximumElements: 1 })).toEqual([7, { omitted: 3 }]);
    // What is left out of a struct is said as well.
    expect(toJson(item(), { maximumItems: 3 })).toMatchObject({
      links: { next: "0xffffffff81000000", prev: "0xffff888000001000" },
      whole: { omitted: 1 },
      rest: { omitted: 1 },
    });
    expect(toJson(item(new MockMemory()).member("byte"))).toEqual({
      absent: "0xffffffff8100001c: not mapped",
    });
  });
});

describe("texts of bare values", () => {
  it.each([
    [0n, 8, 32, "0"],
    [8n, 8, 32, "010"],
    [-8n, 8, 32, "-010"],
    [-255n, 16, 64, "-0xff"],
    [-1n, 10, 128, "0xffffffffffffffffffffffffffffffff"],
  ] as const)("integer %d in base %d", (value, base, bits, text) => {
    expect(integerText(value, base, bits)).toBe(text);
  });

  it.each([
    [1, "1.0"],
    [-0, "-0.0"],
    [1e22, "10000000000000000000000.0"],
    [0.1, "0.10000000000000001"],
    [1.5, "1.5"],
    [1234.5678, "1234.5678"],
    [0.00012345, "0.00012344999999999999"],
    [0.000012345, "1.2345e-05"],
    [Infinity, "inf"],
    [NaN, "nan"],
  ])("float %d", (value, text) => {
    expect(floatText(value)).toBe(text);
  });

  it("escapes every byte that is not printable ASCII", () => {
    const all = stringText(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    expect(all).toMatch(/^[\x20-\x7e]+$/);
    expect(stringText(Uint8Array.of(0x22, 0x27, 0x5c, 0xe9))).toBe('"\\"\'\\\\\\xe9"');
  });
});
