import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram, structAdder } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Program } from "../program/index.ts";
import { forEachHdStruct, hasHdStruct, hdStructDisk, hdStructName } from "./hd-struct.ts";

const at = 0xffff_8880_0000_0000n;
const [subsystem, disk, partition] = [at + 0x1000n, at + 0x2000n, at + 0x3000n];

/** A class with a disk and a partition on it: `hd_struct` of 64 bytes, in a disk at 16. */
function machine(): Program {
  const builder = new BtfBuilder();
  const { ulong, char, int } = commonTypes(builder);
  const pointer = builder.addPtr(0);
  const struct = structAdder(builder);
  const list = struct("list_head", 16, { next: [pointer, 0], prev: [pointer, 8] });
  const klist = struct("klist", 24, { k_list: [list, 8] });
  const node = struct("klist_node", 24, { n_klist: [ulong, 0], n_node: [list, 8] });
  const subsysPrivate = struct("subsys_private", 24, { klist_devices: [klist, 0] });
  struct("class", 8, { p: [builder.addPtr(subsysPrivate), 0] });
  const kobject = struct("kobject", 8, { name: [builder.addPtr(char), 0] });
  const device = struct("device", 16, { kobj: [kobject, 0], parent: [pointer, 8] });
  struct("device_private", 32, { knode_class: [node, 0], device: [builder.addPtr(device), 24] });
  const hdStruct = struct("hd_struct", 64, { partno: [int, 0], __dev: [device, 8] });
  struct("gendisk", 80, { part0: [hdStruct, 16] });
  const memory = new MockMemory();
  const first = at + 0x4000n;
  const second = at + 0x5000n;
  memory.putWords(at, subsystem);
  memory.putWords(subsystem, 0n, first + 8n, second + 8n);
  memory.putWords(first, 0n, second + 8n, subsystem + 8n, disk + 16n + 8n);
  memory.putWords(second, 0n, subsystem + 8n, first + 8n, partition + 8n);
  memory.putWords(disk + 16n, 0n, at + 0x100n, 0n);
  memory.putWords(partition, 3n, at + 0x120n, disk + 16n + 8n);
  memory.put(at + 0x100n, "cciss!c0d0\0");
  memory.put(at + 0x120n, "cciss!c0d0p3\0");
  return mockProgram({
    btf: builder.toBtf(),
    memory,
    variables: { block_class: { address: at, type: "struct class" } },
  });
}

test("disks and partitions of kernels with hd_struct", () => {
  const program = machine();
  expect(hasHdStruct(program)).toBe(true);
  const parts = [...forEachHdStruct(program)];
  expect(parts.map(({ address }) => address)).toEqual([disk + 16n, partition]);
  expect(parts.map(hdStructName)).toEqual(["cciss/c0d0", "cciss/c0d0p3"]);
  expect(parts.map((part) => hdStructDisk(part).address)).toEqual([disk, disk]);
});
