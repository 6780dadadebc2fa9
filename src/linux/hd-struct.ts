import type { KernelObject, Program } from "../program/index.ts";
import { klistForEachEntry } from "./klist.ts";

/** Whether disks and partitions are `struct hd_struct`s, as until v5.11 (0d02129e76ed). */
export function hasHdStruct(program: Program): boolean {
  return program.types.find("struct hd_struct") !== undefined;
}

/**
 * Every `struct hd_struct` (include/linux/genhd.h until v5.11), disks and partitions: the devices of `block_class`.
 * Their `struct block_device` comes and goes with those who have them open.
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function* forEachHdStruct(program: Program): Generator<KernelObject, undefined> {
  const devices = program.variable("block_class").member("p").member("klist_devices");
  for (const node of klistForEachEntry("struct device_private", devices, "knode_class"))
    yield node.member("device").read().containerOf("struct hd_struct", "__dev").dereference();
}

/** The `struct gendisk` that an `hd_struct` is a part of, of the whole disk or of a partition on it. */
export function hdStructDisk(part: KernelObject): KernelObject {
  const isDisk = part.member("partno").number() === 0;
  // The device of a partition is a child of its disk's.
  const disk = isDisk
    ? part
    : part.member("__dev").member("parent").read().containerOf("struct hd_struct", "__dev");
  return disk.containerOf("struct gendisk", "part0").dereference();
}

/** Name of a disk or a partition, as /proc/partitions has it. */
export function hdStructName(part: KernelObject): string {
  // File names have no slash: cciss/c0d0 is kept as cciss!c0d0.
  return part.member("__dev").member("kobj").member("name").string().replaceAll("!", "/");
}
