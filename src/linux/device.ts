import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { linkedEntries } from "./walk.ts";

/** A range of device numbers that a driver has taken. */
export interface DeviceNumbers {
  major: number;
  name: string;
  /** Of character devices: the first minor number, and how many. */
  firstMinor?: number;
  minorCount?: number;
}

/** Character devices as /proc/devices lists them: `chrdevs` (fs/char_dev.c), by major number. */
export function characterDevices(program: Program): DeviceNumbers[] {
  return numbers(program, "chrdevs", (entry) => ({
    major: entry.member("major").number(),
    name: entry.member("name").string(),
    firstMinor: entry.member("baseminor").number(),
    minorCount: entry.member("minorct").number(),
  }));
}

/** Block devices as /proc/devices lists them: `major_names` (block/genhd.c), by major number. */
export function blockDevices(program: Program): DeviceNumbers[] {
  return numbers(program, "major_names", (entry) => ({
    major: entry.member("major").number(),
    name: entry.member("name").string(),
  }));
}

/** Both tables are arrays of chains. */
function numbers(
  program: Program,
  variable: string,
  read: (entry: KernelObject) => DeviceNumbers,
): DeviceNumbers[] {
  const found: DeviceNumbers[] = [];
  for (const head of program.variable(variable).elements()) {
    for (const entry of linkedEntries(variable, head, "next")) found.push(read(entry));
  }
  return found.sort((left, right) => left.major - right.major);
}

/**
 * `struct block_device`s: the inodes of the file system that has one for each (`bdev`). Disks and partitions.
 * @throws {BrokenLinkError}; {@link LookupError} before v5.11, which had them otherwise
 */
export function* forEachBlockDevice(program: Program): Generator<KernelObject, undefined> {
  for (const inode of blockDeviceInodes(program)) {
    const device = inode.containerOf("struct bdev_inode", "vfs_inode").member("bdev");
    // The root of that file system is an inode too, and no device.
    if (!device.member("bd_disk").isNull) yield device;
  }
}

function* blockDeviceInodes(program: Program): Generator<KernelObject, undefined> {
  const all = listForEachEntry("struct super_block", program.variable("super_blocks"), "s_list");
  for (const superBlock of all) {
    if (superBlock.member("s_type").member("name").string(16) !== "bdev") continue;
    yield* listForEachEntry("struct inode", superBlock.member("s_inodes"), "i_sb_list");
  }
}

/**
 * `nr_blockdev_pages` (block/bdev.c): pages of the page cache that are of block devices themselves, and not of
 * files on them. /proc/meminfo calls them buffers.
 * @throws {BrokenLinkError} {@link FaultError}
 */
export function blockDevicePages(program: Program): bigint {
  let pages = 0n;
  for (const inode of blockDeviceInodes(program)) {
    pages += inode.member("i_mapping").member("nrpages").scalar() as bigint;
  }
  return pages;
}

/** Name of a disk or a partition (`%pg`): `sda1`, and `nvme0n1p1` where the disk's ends in a digit. */
export function blockDeviceName(device: KernelObject): string {
  const disk = device.member("bd_disk").member("disk_name").string();
  // v6.10 (01e198f01d55) put the number into the flags.
  const partition =
    device.memberIf("bd_partno")?.number() ??
    Number(BigInt(device.member("__bd_flags").member("counter").scalar()) & 0xffn);
  if (partition === 0) return disk;
  return `${disk}${/\d$/.test(disk) ? "p" : ""}${partition}`;
}
