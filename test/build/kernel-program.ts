import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED, type Btf, BtfBuilder } from "../../src/btf/index.ts";
import { FaultError } from "../../src/io/index.ts";
import type { VirtualMemory } from "../../src/memory/memory.ts";
import { evaluateType } from "../../src/program/expression/index.ts";
import {
  oneOfSeveral,
  Program,
  type ProgramSymbol,
  TypeTable,
  type Variable,
} from "../../src/program/index.ts";

/** Where the image below lies. */
export const imageBase = 0xffffffff81000000n;
const imageByteSize = 0x4000;
const perCpuStride = 0x100n;

/** Bytes at one place; all others are not mapped. */
class ImageMemory implements VirtualMemory {
  readonly littleEndian = true;
  readonly pageByteSize = 4096;
  readonly bytes: Uint8Array = new Uint8Array(imageByteSize);
  readCount = 0;

  readInto(target: Uint8Array, address: bigint): void {
    target.set(this.read(address, target.length));
  }

  read(address: bigint, byteSize: number): Uint8Array {
    this.readCount++;
    const at = address - imageBase;
    if (at < 0n || at >= BigInt(imageByteSize)) throw new FaultError("unmapped", address, "virtual");
    if (at + BigInt(byteSize) > BigInt(imageByteSize)) {
      throw new FaultError("unmapped", imageBase + BigInt(imageByteSize), "virtual");
    }
    return this.bytes.slice(Number(at), Number(at) + byteSize);
  }

  readU8(address: bigint): number {
    return this.#view(address, 1).getUint8(0);
  }

  readU16(address: bigint): number {
    return this.#view(address, 2).getUint16(0, true);
  }

  readU32(address: bigint): number {
    return this.#view(address, 4).getUint32(0, true);
  }

  readU64(address: bigint): bigint {
    return this.#view(address, 8).getBigUint64(0, true);
  }

  readCString(address: bigint, maximum = 256): string {
    let text = "";
    for (let at = 0; at < maximum; at++) {
      const byte = this.readU8(address + BigInt(at));
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  translate(address: bigint): number {
    return Number(address - imageBase);
  }

  #view(address: bigint, byteSize: number): DataView {
    return new DataView(this.read(address, byteSize).buffer);
  }
}

export interface KernelProgram {
  program: Program;
  memory: ImageMemory;
  /** Symbols' addresses by name. */
  addresses: ReadonlyMap<string, bigint>;
}

/**
 * A small kernel as a program: two tasks in a list, per-CPU run queues, statics of equal names, a
 * module, symbols without types.
 */
export function kernelProgram(): KernelProgram {
  const { kernel, module } = buildBtf();
  const memory = new ImageMemory();
  const view = new DataView(memory.bytes.buffer);
  const types = new TypeTable([
    { name: "vmlinux", btf: kernel },
    { name: "ext", btf: module },
  ]);
  const variables: Variable[] = [];
  const addresses = new Map<string, bigint>();
  const symbols: ProgramSymbol[] = [];
  const isOf = (owner: string | undefined, wanted: string | undefined): boolean =>
    wanted === undefined || (owner ?? "vmlinux") === wanted;
  const findAll = (name: string, owner?: string): Variable[] =>
    variables.filter((each) => each.name === name && isOf(each.module, owner));
  const globals = new Set<bigint>();
  const isGlobal = ({ address }: { address: bigint }): boolean => globals.has(address);
  const program = new Program({
    memory,
    types,
    symbolizer: {
      find: (name, owner) => {
        const all = symbols.filter((each) => each.name === name && isOf(each.module, owner));
        return oneOfSeveral("symbol", name, all, isGlobal);
      },
      symbolAt: (address) => {
        const [first] = symbols
          .filter((each) => address >= each.address && address < each.address + 0x80n)
          .sort((a, b) => (a.address < b.address ? 1 : -1));
        return first === undefined ? undefined : { ...first, offset: address - first.address };
      },
    },
    variables: {
      find: (name, owner) => oneOfSeveral("variable", name, findAll(name, owner), isGlobal),
      findAll,
      names: () => variables.map((each) => each.name),
    } as Program["variables"],
    perCpuAddress: (address, cpu) => {
      if (cpu > 1) throw new RangeError(`no CPU ${cpu}`);
      return address + BigInt(cpu + 1) * perCpuStride;
    },
  });
  const place = (name: string, offset: number, typeName?: string, more: Partial<Variable> = {}): bigint => {
    const address = imageBase + BigInt(offset);
    const { module: owner } = more;
    if (!addresses.has(name)) addresses.set(name, address);
    symbols.push({ name, address, module: owner });
    if (typeName !== undefined) {
      const type = evaluateType(program, typeName);
      variables.push({ name, type, address, source: "btf", perCpu: false, ...more });
    }
    return address;
  };

  const task = place("init_task", 0x100, "struct task");
  const other = place("other_task", 0x200, "struct task");
  const list = place("tasks", 0x300, "struct list_head");
  place("counter", 0x310, "int");
  place("big", 0x318, "u64");
  const text = place("text", 0x320, "char *");
  place("no_task", 0x328, "struct task *");
  const wild = place("wild_task", 0x330, "struct task *");
  place("current_state", 0x338, "enum state");
  place("is_ready", 0x33c, "bool");
  place("small", 0x33d, "u8");
  place("letter", 0x33e, "char");
  place("matrix", 0x340, "int [2][3]");
  place("names", 0x360, "char *[2]");
  place("untouchable", 0x5000, "struct task");
  globals.add(place("dup", 0x380, "int"));
  place("dup", 0x388, "long");
  place("dup", 0x390, "struct ext::inner", { module: "ext" });
  place("ext_only", 0x398, "struct ext::inner", { module: "ext" });
  place("state.3", 0x3a0, "int");
  place("twin", 0x3e0, "int");
  place("twin", 0x3e8, "long");
  place("twin", 0x398, "struct ext::inner", { module: "ext" });
  place("helper", 0x3f0);
  place("helper", 0x3f8);
  place("mystery", 0x3a8);
  place("ratio", 0x3b0, "double");
  place("schedule", 0x3c0);
  place("foo.constprop.0", 0x3d0);
  place("u64", 0x3d8, "int");
  place("runqueues", 0x1000, "struct rq", { perCpu: true });

  const writeText = (offset: number, value: string): bigint => {
    memory.bytes.set(Buffer.from(`${value}\0`), offset);
    return imageBase + BigInt(offset);
  };
  const writeTask = (offset: number, pid: number, comm: string, parent: bigint): void => {
    view.setInt32(offset, pid, true);
    view.setUint32(offset + 4, 0b11101_101, true);
    memory.bytes.set(Buffer.from(comm), offset + 8);
    view.setBigUint64(offset + 40, parent, true);
    view.setInt32(offset + 48, pid * 10 + 1, true);
    view.setInt32(offset + 52, -pid, true);
    for (let index = 0; index < 6; index++) view.setInt32(offset + 56 + index * 8, index + 100 * pid, true);
    view.setBigUint64(offset + 104, imageBase + 0x3c0n, true);
    view.setInt32(offset + 112, 3, true);
    for (let index = 0; index < 4; index++) view.setUint8(offset + 120 + index, index + 7);
  };
  writeTask(0x100, 1, "swapper", task);
  writeTask(0x200, 2, "kthreadd", task);
  const link = (offset: number, next: bigint, previous: bigint): void => {
    view.setBigUint64(offset, next, true);
    view.setBigUint64(offset + 8, previous, true);
  };
  link(0x300, task + 24n, other + 24n);
  link(0x100 + 24, other + 24n, list);
  link(0x200 + 24, list, task + 24n);
  view.setInt32(0x310, -5, true);
  view.setBigUint64(0x318, 0xfedcba9876543210n, true);
  view.setBigUint64(0x320, writeText(0x800, "hello, world"), true);
  view.setBigUint64(0x330, 0xdead4ead00000000n, true);
  view.setInt32(0x338, -1, true);
  view.setUint8(0x33c, 1);
  view.setUint8(0x33d, 200);
  view.setUint8(0x33e, 0x41);
  for (let index = 0; index < 6; index++) view.setInt32(0x340 + index * 4, index * index, true);
  view.setBigUint64(0x360, writeText(0x820, "first"), true);
  view.setBigUint64(0x368, writeText(0x830, "second"), true);
  view.setInt32(0x380, 111, true);
  view.setBigInt64(0x388, 222n, true);
  view.setInt32(0x390, 333, true);
  view.setInt32(0x398, 444, true);
  view.setInt32(0x3a0, 555, true);
  view.setInt32(0x3a8, 42, true);
  view.setFloat64(0x3b0, 1.5, true);
  view.setInt32(0x3d8, 64, true);
  for (let cpu = 0; cpu < 2; cpu++) {
    const at = 0x1000 + (cpu + 1) * Number(perCpuStride);
    view.setInt32(at, 10 + cpu, true);
    view.setBigUint64(at + 8, cpu === 0 ? task : other, true);
    view.setInt32(at + 16 + 4, 70 + cpu, true);
  }
  void text;
  void wild;

  return { program, memory, addresses };
}

function buildBtf(): { kernel: Btf; module: Btf } {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, BTF_INT_SIGNED);
  const char = b.addInt("char", 1, BTF_INT_SIGNED | BTF_INT_CHAR);
  const long = b.addInt("long int", 8, BTF_INT_SIGNED);
  const unsignedLong = b.addInt("long unsigned int", 8);
  const unsignedInt = b.addInt("unsigned int", 4);
  const unsignedChar = b.addInt("unsigned char", 1);
  b.addInt("short int", 2, BTF_INT_SIGNED);
  b.addInt("short unsigned int", 2);
  b.addInt("long long int", 8, BTF_INT_SIGNED);
  const longLong = b.addInt("long long unsigned int", 8);
  b.addInt("signed char", 1, BTF_INT_SIGNED);
  const boolean = b.addInt("_Bool", 1, BTF_INT_BOOL);
  b.addFloat("double", 8);
  b.addTypedef("u64", longLong);
  b.addTypedef("pid_t", int);
  const u8 = b.addTypedef("u8", unsignedChar);
  b.addTypedef("size_t", unsignedLong);
  b.addTypedef("bool", boolean);
  const listHead = b.nextId;
  b.addStruct("list_head", 16, [
    { name: "next", type: listHead + 1, bitOffset: 0 },
    { name: "prev", type: listHead + 1, bitOffset: 64 },
  ]);
  b.addPtr(listHead);
  const point = b.addStruct("point", 8, [
    { name: "x", type: int, bitOffset: 0 },
    { name: "y", type: int, bitOffset: 32 },
  ]);
  const state = b.addEnum("state", 4, [
    { name: "STATE_NEGATIVE", value: -1 },
    { name: "STATE_IDLE", value: 0 },
    { name: "STATE_RUNNING", value: 3 },
  ]);
  b.addEnum("one_mode", 4, [{ name: "MODE_ON", value: 1 }]);
  b.addEnum("other_mode", 4, [{ name: "MODE_ON", value: 2 }]);
  b.addEnum64("wide", 8, [{ name: "WIDE_TOP", value: 0x8000000000000000n }]);
  const comm = b.addArray(char, int, 16);
  const row = b.addArray(point, int, 3);
  const grid = b.addArray(row, int, 2);
  const tail = b.addArray(u8, int, 0);
  const handler = b.addPtr(b.addFuncProto(int, [{ name: "how", type: int }]));
  const unnamed = b.addUnion("", 8, [
    { name: "at", type: point, bitOffset: 0 },
    { name: "raw", type: long, bitOffset: 0 },
  ]);
  const task = b.nextId;
  b.addStruct("task", 120, [
    { name: "pid", type: int, bitOffset: 0 },
    { name: "flags", type: unsignedInt, bitOffset: 32, bitfieldSize: 3 },
    { name: "level", type: int, bitOffset: 35, bitfieldSize: 5 },
    { name: "comm", type: comm, bitOffset: 64 },
    { name: "tasks", type: listHead, bitOffset: 192 },
    { name: "parent", type: task + 1, bitOffset: 320 },
    { name: "", type: unnamed, bitOffset: 384 },
    { name: "grid", type: grid, bitOffset: 448 },
    { name: "handler", type: handler, bitOffset: 832 },
    { name: "state", type: state, bitOffset: 896 },
    { name: "tail", type: tail, bitOffset: 960 },
  ]);
  const taskPointer = b.addPtr(task);
  b.addStruct("rq", 24, [
    { name: "nr_running", type: int, bitOffset: 0 },
    { name: "curr", type: taskPointer, bitOffset: 64 },
    { name: "load", type: point, bitOffset: 128 },
  ]);
  b.addFwd("opaque");
  b.addFunc("schedule", b.addFuncProto(0));
  const kernel = b.toBtf();
  const m = new BtfBuilder({ base: kernel });
  m.addStruct("inner", 4, [{ name: "value", type: int, bitOffset: 0 }]);
  m.addStruct("point", 16, [
    { name: "x", type: long, bitOffset: 0 },
    { name: "z", type: long, bitOffset: 64 },
  ]);
  m.addTypedef("inner_t", long);
  return { kernel, module: m.toBtf() };
}
