import { beforeEach, describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { FaultError } from "../io/index.ts";
import { AbsentError, LookupError, ObjectRangeError, ObjectTypeError } from "./errors.ts";
import { KernelObject } from "./object.ts";
import type { Program } from "./program.ts";

let memory: MockMemory;
let program: Program;

const nodeAddress = 0xffff888000001000n;
const otherAddress = 0xffff888000002000n;

beforeEach(() => {
  const builder = new BtfBuilder();
  const { int, uint, char, bool, ulong } = commonTypes(builder);
  const s128 = builder.addInt("__int128", 16, 1);
  const list = builder.nextId;
  builder.addStruct("list_head", 16, [
    { name: "next", type: list + 1, bitOffset: 0 },
    { name: "prev", type: list + 1, bitOffset: 64 },
  ]);
  builder.addPtr(list);
  const state = builder.addEnum("state", 4, [
    { name: "OFF", value: 0 },
    { name: "ON", value: -2 },
  ]);
  const flexible = builder.addArray(int, int, 0);
  builder.addStruct("node", 72, [
    { name: "count", type: int, bitOffset: 0 },
    { name: "low", type: uint, bitOffset: 32, bitfieldSize: 3 },
    { name: "high", type: int, bitOffset: 35, bitfieldSize: 5 },
    { name: "ready", type: bool, bitOffset: 48 },
    { name: "list", type: list, bitOffset: 64 },
    { name: "comm", type: builder.addArray(char, int, 8), bitOffset: 192 },
    { name: "state", type: state, bitOffset: 256 },
    { name: "pair", type: builder.addArray(list, int, 2), bitOffset: 320 },
    { name: "more", type: flexible, bitOffset: 576 },
  ]);
  builder.addStruct("wide", 32, [
    { name: "wide", type: s128, bitOffset: 0 },
    { name: "single", type: builder.addFloat("float", 4), bitOffset: 128 },
    { name: "double", type: builder.addFloat("double", 8), bitOffset: 192 },
  ]);
  builder.addFuncProto(int, [{ name: "", type: ulong }]);
  memory = new MockMemory();
  const bytes = new Uint8Array(84);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, -7, true);
  view.setUint8(4, 0b11110_101);
  view.setUint8(6, 1);
  view.setBigUint64(8, otherAddress, true);
  view.setBigUint64(16, nodeAddress + 8n, true);
  bytes.set(Buffer.from("init\0xyz"), 24);
  view.setInt32(32, -2, true);
  view.setBigUint64(56, 0x1234n, true);
  view.setInt32(72, 11, true);
  view.setInt32(76, 22, true);
  memory.put(nodeAddress, bytes);
  program = mockProgram({
    btf: builder.toBtf(),
    memory,
    variables: {
      node: { type: "struct node", address: nodeAddress },
      pc: { type: "int", address: nodeAddress, perCpu: true },
    },
    symbols: [{ name: "node", address: nodeAddress, byteSize: 72 }],
  });
});

const node = (): KernelObject => program.variable("node");

describe("KernelObject", () => {
  it("reads members of a reference", () => {
    expect(node().member("count").value()).toBe(-7n);
    expect(node().member("count").number()).toBe(-7);
    expect(node().member("ready").value()).toBe(true);
    expect(node().member("list").member("next").value()).toBe(otherAddress);
    expect(node().member("pair").index(1).member("next").value()).toBe(0x1234n);
  });

  it("reads bit fields, and gives them no address", () => {
    const low = node().member("low");
    expect(low.value()).toBe(5n);
    expect(node().member("high").value()).toBe(-2n);
    expect(() => low.addressOf()).toThrow("a bit field has no address");
    expect(() => low.byteSize).toThrow(ObjectTypeError);
  });

  it("reads the same from a value, which stays when memory changes", () => {
    const value = node().read();
    memory.put(nodeAddress, [1, 0, 0, 0]);
    expect(value.kind).toBe("value");
    expect(value.member("count").value()).toBe(-7n);
    expect(value.member("high").value()).toBe(-2n);
    expect(value.member("list").member("prev").value()).toBe(nodeAddress + 8n);
    expect(value.member("comm").string()).toBe("init");
    expect(node().member("count").value()).toBe(1n);
    expect(() => value.addressOf()).toThrow("a value has no address");
    expect(() => value.member("pair").index(2)).toThrow(ObjectRangeError);
    expect(() => value.member("pair").index(-1)).toThrow(ObjectRangeError);
  });

  it("follows pointers as -> does", () => {
    const pointer = node().addressOf();
    expect(pointer.type.typeName()).toBe("struct node *");
    expect(pointer.member("count").value()).toBe(-7n);
    expect(pointer.dereference().address).toBe(nodeAddress);
    expect(pointer.index(0).member("count").value()).toBe(-7n);
    expect(pointer.memberIf("nothing")).toBeUndefined();
    expect(() => pointer.member("cuont")).toThrow(LookupError);
    expect(() => program.value("void *", 16n).dereference()).toThrow("cannot dereference a pointer to void");
    expect(() => program.value("int *", 16n).member("a")).toThrow(ObjectTypeError);
  });

  it("does not check the end of arrays in memory, as C does not", () => {
    expect(node().member("more").index(1).value()).toBe(22n);
    expect(node().member("pair").index(-1).address).toBe(nodeAddress + 24n);
    expect(() => node().member("more").length).toThrow("has no length");
    expect([...node().member("pair").elements()]).toHaveLength(2);
  });

  it("resolves designators", () => {
    expect(node().subobject("pair[1].prev").address).toBe(nodeAddress + 64n);
    expect(node().addressOf().subobject("list.next").value()).toBe(otherAddress);
    for (const bad of ["", ".a", "list..next", "list.", "list next", "pair[", "pair[x]", "[0]pair"]) {
      expect(() => node().subobject(bad), bad).toThrow();
    }
  });

  it("goes from a member to what contains it", () => {
    const entry = node().member("list").member("prev");
    const outer = entry.containerOf("struct node", "list");
    expect(outer.type.typeName()).toBe("struct node *");
    expect(outer.member("count").value()).toBe(-7n);
    expect(node().member("pair").index(1).containerOf("struct node", "pair[1]").value()).toBe(nodeAddress);
    expect(() => node().containerOf("struct node", "low")).toThrow("bit field");
    expect(() => program.value("int", 1).containerOf("struct node", "list")).toThrow(ObjectTypeError);
  });

  it("casts by C's rules and reinterprets bytes", () => {
    expect(node().member("count").cast("unsigned int").value()).toBe(0xfffffff9n);
    expect(node().member("count").cast("u8").value()).toBe(0xf9n);
    expect(node().member("count").cast("_Bool").value()).toBe(true);
    expect(node().member("comm").cast("unsigned long").value()).toBe(nodeAddress + 24n);
    expect(node().member("state").cast("long").value()).toBe(-2n);
    expect(node().reinterpret("unsigned int").value()).toBe(0xfffffff9n);
    expect(node().read().reinterpret("unsigned int").value()).toBe(0xfffffff9n);
    expect(node().member("count").cast("void").kind).toBe("absent");
    expect(() => node().cast("int")).toThrow('cannot convert "struct node" to "int"');
    expect(() => node().member("count").cast("struct node")).toThrow(ObjectTypeError);
  });

  it("reads strings of pointers and arrays", () => {
    memory.put(otherAddress, Buffer.from("grüß\0", "utf8"));
    expect(program.value("char *", otherAddress).string()).toBe("grüß");
    expect(program.value("char *", otherAddress).string(2)).toBe("gr");
    expect(node().member("comm").stringBytes()).toEqual(Uint8Array.from(Buffer.from("init")));
    expect(() => program.value("char *", 0n).string()).toThrow(FaultError);
    expect(() => node().member("count").string()).toThrow(ObjectTypeError);
  });

  it("reads floats and integers of 128 bits", () => {
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    view.setBigInt64(8, -1n, true);
    view.setBigUint64(0, 5n, true);
    view.setFloat32(16, 1.5, true);
    view.setFloat64(24, -0.1, true);
    memory.put(otherAddress, bytes);
    const wide = program.object(otherAddress, "struct wide");
    expect(wide.member("wide").value()).toBe((-1n << 64n) + 5n);
    expect(wide.member("single").value()).toBe(1.5);
    expect(wide.read().member("double").value()).toBe(-0.1);
    expect(wide.member("double").bytes()).toEqual(bytes.subarray(24, 32));
  });

  it("gives numbers only where they are exact", () => {
    expect(() => program.value("unsigned long", 1n << 60n).number()).toThrow(ObjectRangeError);
    expect(program.value("unsigned long", 1n << 52n).number()).toBe(2 ** 52);
    expect(() => node().value()).toThrow("has no single value");
    expect(() => node().member("list").number()).toThrow(ObjectTypeError);
  });

  it("throws faults with their address, and can turn them into absent objects", () => {
    const object = program.object(nodeAddress + 80n, "unsigned long");
    expect(() => object.value()).toThrow(FaultError);
    const absent = object.readOrAbsent();
    expect(absent.kind).toBe("absent");
    expect(absent.absence).toBeInstanceOf(FaultError);
    expect(() => absent.value()).toThrow(FaultError);
    expect(() => absent.add(1)).toThrow(FaultError);
    expect(KernelObject.absent(program, program.type("struct node"), "because").member("count").absence).toBe(
      "because",
    );
    expect(() => KernelObject.absent(program, program.type("int"), "because").value()).toThrow(AbsentError);
  });

  it("has no value for a per-CPU variable without a CPU", () => {
    const object = program.variable("pc");
    expect(() => object.value()).toThrow(AbsentError);
    expect(object.addressOf().value()).toBe(nodeAddress);
    memory.put(nodeAddress + 0x2000n, [9, 0, 0, 0]);
    expect(program.perCpu(object, 2).value()).toBe(9n);
    expect(program.perCpuPointer(object.addressOf(), 2).dereference().value()).toBe(9n);
    expect(object.format()).toBe("(int)<per-CPU>");
  });

  it("computes and compares with objects and numbers", () => {
    const count = node().member("count");
    expect(count.add(10).value()).toBe(3n);
    expect(count.multiply(count).type.typeName()).toBe("int");
    expect(node().addressOf().add(1).value()).toBe(nodeAddress + 72n);
    expect(node().addressOf().add(2).subtract(node().addressOf()).value()).toBe(2n);
    expect(count.compare(-7)).toBe(0);
    expect(count.compare(program.value("unsigned int", 1))).toBe(1);
    expect(node().member("list").member("next").equals(otherAddress)).toBe(true);
    expect(program.value("char *", 0).isNull).toBe(true);
    expect(program.value("char *", 0).equals(0)).toBe(true);
    expect(node().member("comm").add(1).type.typeName()).toBe("char *");
    expect(() => node().add(1)).toThrow('invalid operands to binary + ("struct node" and "int")');
    expect(() => count.divide(0)).toThrow("division by zero");
    expect(count.not().value()).toBe(6n);
    expect(count.negate().value()).toBe(7n);
  });
});

describe("Program", () => {
  it("finds symbols by name and address", () => {
    expect(program.symbol("node").address).toBe(nodeAddress);
    expect(program.symbol(nodeAddress + 5n)).toMatchObject({
      name: "node",
      address: nodeAddress,
      offset: 5n,
    });
    expect(() => program.symbol("nobody")).toThrow(LookupError);
    expect(() => program.symbol(1n)).toThrow('no symbol "0x1"');
  });

  it("names the nearest variable", () => {
    expect(() => program.variable("nod")).toThrow('no variable "nod"; did you mean "node"?');
  });

  it("needs an evaluator to evaluate", () => {
    expect(() => program.eval("1")).toThrow("no evaluator");
    program.evaluator = (self, text) => self.value("int", Number(text));
    expect(program.eval("5").value()).toBe(5n);
  });
});

describe("big-endian memory", () => {
  it("counts bits of bit fields from the most significant end", () => {
    const builder = new BtfBuilder({ littleEndian: false });
    const { uint } = commonTypes(builder);
    builder.addStruct("bits", 4, [
      { name: "first", type: uint, bitOffset: 0, bitfieldSize: 3 },
      { name: "second", type: uint, bitOffset: 3, bitfieldSize: 9 },
      { name: "rest", type: uint, bitOffset: 12, bitfieldSize: 20 },
    ]);
    const big = new MockMemory(false);
    big.put(0x1000n, [0b101_00000, 0b0011_0000, 0x12, 0x34]);
    const object = mockProgram({ btf: builder.toBtf(), memory: big }).object(0x1000n, "struct bits");
    expect(object.member("first").value()).toBe(5n);
    expect(object.member("second").value()).toBe(3n);
    expect(object.member("rest").value()).toBe(0x1234n);
    expect(object.reinterpret("unsigned int").value()).toBe(0xa0301234n);
  });
});
