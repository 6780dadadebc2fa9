import type { Kernel } from "../kernel/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { dPath, type PathPlace, pathPlace } from "./dcache.ts";

/** `SWP_USED` (include/linux/swap.h). */
const SWP_USED = 1n;
/** MAX_SWAPFILES is below this in all kernels. */
const maximumSwapFiles = 64;
const S_IFMT = 0xf000n;
const S_IFBLK = 0x6000n;
/** v6.13 (b228386cf37c): this bit of the count says that the device is full, and on no list. */
const SWAP_USAGE_OFFLIST_BIT = 1n << 30n;

/**
 * `for_each_swap_info` (include/linux/swap.h): the `struct swap_info_struct` of each swap device in use.
 * @throws {LookupError} without CONFIG_SWAP; {@link FaultError}
 */
export function* forEachSwapInfo(program: Program): Generator<KernelObject, undefined> {
  const array = program.variable("swap_info");
  const count = Math.min(program.variable("nr_swapfiles").number(), maximumSwapFiles);
  for (let type = 0; type < count; type++) {
    const pointer = array.index(type).read();
    if (pointer.isNull) continue;
    const info = pointer.dereference();
    if (((info.member("flags").scalar() as bigint) & SWP_USED) !== 0n) yield info;
  }
}

/** Path of the file or device that is swapped to, as a process with this root sees it. @throws {FaultError} */
export function swapFilePath(program: Program, info: KernelObject, root?: PathPlace): string {
  return dPath(program, pathPlace(info.member("swap_file").member("f_path")), root);
}

/** Whether it is a file; else it is a block device, which /proc/swaps calls a partition. @throws {FaultError} */
export function swapIsFile(info: KernelObject): boolean {
  const mode = info.member("swap_file").member("f_inode").member("i_mode").scalar() as bigint;
  return (mode & S_IFMT) !== S_IFBLK;
}

/** `swap_usage_in_pages`. @throws {FaultError} */
export function swapUsageInPages(info: KernelObject): bigint {
  const inuse = info.member("inuse_pages");
  if (!inuse.type.underlying.isComposite) return inuse.scalar() as bigint;
  return (inuse.member("counter").scalar() as bigint) & ~SWAP_USAGE_OFFLIST_BIT;
}

/**
 * The place in swap that a page table entry of a process names (`pte_to_swp_entry`): which device, and which page of
 * it. Undefined for entries that stand for something else (a page that is being moved, a marker), and for
 * architectures whose releases have put these bits in different places.
 * @param entry not empty, and not present
 */
export function swapEntry(kernel: Kernel, entry: bigint): { type: number; offset: bigint } | undefined {
  const { program, foundation } = kernel;
  if (foundation.memory.translation.architecture.name !== "x86-64") return undefined;
  // Since v4.18 (eee4818baac0, bcd11afa7ade): the type in the top five bits, and the offset with its bits inverted.
  const type = Number(entry >> 59n);
  const offset = (~entry >> 9n) & ((1n << 50n) - 1n);
  const count = Math.min(program.variable("nr_swapfiles").number(), maximumSwapFiles);
  return type < count ? { type, offset } : undefined;
}
