import { describe, expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { TypeTable } from "../program/index.ts";
import { MockMemory } from "../../test/build/mock-program.ts";
import { declaredType } from "./declared-check.ts";

const builder = new BtfBuilder();
const char = builder.addInt("char", 1);
const long = builder.addInt("unsigned long", 8);
const listHead = builder.addStruct("list_head", 16, [
  { name: "next", type: long, bitOffset: 0 },
  { name: "prev", type: long, bitOffset: 64 },
]);
const comm = builder.addArray(char, long, 16);
builder.addStruct("task_struct", 48, [
  { name: "tasks", type: listHead, bitOffset: 0 },
  { name: "comm", type: comm, bitOffset: 128 },
]);
const counter = builder.addStruct("counter", 8, [{ name: "value", type: long, bitOffset: 0 }]);
builder.addTypedef("atomic_long_t", counter);
builder.addEnum("items", 4, [{ name: "NR_VM_NUMA_EVENT_ITEMS", value: 3n }]);
builder.addStruct("printk_ringbuffer", 88, []);
const types = new TypeTable([{ name: "vmlinux", btf: Btf.parse(builder.finish()) }]);

const at = 0xffff_ffff_8100_0000n;
const words = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);

function declared(name: string, bytes: Uint8Array, room?: bigint, address = at): string | undefined {
  const memory = new MockMemory();
  memory.put(address, bytes);
  memory.put(at + 0x1000n, words(0n, at));
  const place = { address, room, perCpu: false };
  return declaredType(
    name,
    place,
    memory,
    (type) => types.find(type),
    (enumerator) => types.findEnumerator(enumerator)?.value,
  )?.typeName();
}

describe("a type by convention", () => {
  test("is taken when memory agrees", () => {
    expect(declared("modules", words(at + 0x1000n, at + 0x1000n), 16n)).toBe("struct list_head");
    expect(declared("modules", words(0n, 0n), 16n)).toBe("struct list_head");
    expect(declared("prb", words(0xff37_308c_4126_a0c0n), 8n)).toBe("struct printk_ringbuffer *");
  });

  test("is refused when a list does not lead back", () => {
    expect(declared("modules", words(at + 8n, at), 16n)).toBeUndefined();
    expect(declared("modules", words(0x1234n, 0n), 16n)).toBeUndefined();
  });

  test("is refused when a pointer is none of the kernel", () => {
    expect(declared("prb", words(0x7fff_0000_0000n), 8n)).toBeUndefined();
  });

  test("is refused without room, alignment or memory", () => {
    expect(declared("modules", words(0n, 0n), 8n)).toBeUndefined();
    expect(declared("modules", words(0n, 0n), 16n, at + 4n)).toBeUndefined();
    expect(declared("modules", new Uint8Array(0), 16n)).toBeUndefined();
  });

  test("is refused when this kernel has no such type", () => {
    expect(declared("init_net", words(0n), 4096n)).toBeUndefined();
  });

  test("of init_task asks for a swapper", () => {
    const task = new Uint8Array(48);
    expect(declared("init_task", task, 48n)).toBeUndefined();
    task.set(Buffer.from("swapper/0"), 16);
    expect(declared("init_task", task, 48n)).toBe("struct task_struct");
  });

  test("counts arrays by number, by enumerator, by room, by their text", () => {
    expect(declared("avenrun", words(1n, 2n, 3n, 0n), 32n)).toBe("unsigned long [3]");
    expect(declared("vm_numa_event", words(1n, 2n, 3n, 0n), 64n)).toBe("atomic_long_t [3]");
    expect(declared("__per_cpu_offset", words(1n, 2n), 16n)).toBe("unsigned long [2]");
    expect(declared("linux_banner", Buffer.from("Linux version 6\n\0\0\0\0\0\0\0\0"), 1n << 21n)).toBe(
      "const char [17]",
    );
  });

  test("is none for other names", () => {
    expect(declared("jiffies_65", words(0n), 8n)).toBeUndefined();
  });
});
