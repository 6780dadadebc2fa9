import type { KernelObject, Program } from "../program/index.ts";
import { dPath, type PathPlace, pathPlace } from "./dcache.ts";
import { mtForEachEntry } from "./mapletree.ts";
import { linkedEntries, placeOf } from "./walk.ts";

/**
 * `for_each_vma` (include/linux/mm.h): the `struct vm_area_struct`s of a `struct mm_struct`, by address.
 * @throws {BrokenLinkError}
 */
export function* forEachVma(mm: KernelObject): Generator<KernelObject, undefined> {
  const tree = mm.memberIf("mm_mt");
  if (tree !== undefined) {
    for (const { object } of mtForEachEntry("struct vm_area_struct", tree)) yield object;
    return;
  }
  // Until v6.0 (763ecb035029) they were a list.
  const name = `areas of the mm at 0x${placeOf(mm).toString(16)}`;
  yield* linkedEntries(name, mm.member("mmap"), "vm_next");
}

/** `r-xp`, as /proc/PID/maps has it. @throws {FaultError} */
export function vmaAccess(area: KernelObject): string {
  const flags = area.member("vm_flags").scalar() as bigint;
  const has = (flag: bigint): boolean => (flags & flag) !== 0n;
  return `${has(1n) ? "r" : "-"}${has(2n) ? "w" : "-"}${has(4n) ? "x" : "-"}${has(0x80n) ? "s" : "p"}`;
}

/** What an area is of: a path, or `[heap]`, `[stack]`, `[vdso]`; empty for anonymous memory. */
export function vmaName(program: Program, area: KernelObject, root?: PathPlace): string {
  const file = area.member("vm_file");
  if (!file.isNull) return dPath(program, pathPlace(file.member("f_path")), root);
  const operations = area.member("vm_ops").scalar() as bigint;
  if (operations !== 0n && program.symbolizer.symbolAt(operations)?.name === "special_mapping_vmops") {
    const mapping = area.member("vm_private_data").cast("struct vm_special_mapping *");
    return mapping.member("name").string(64);
  }
  const mm = area.member("vm_mm");
  if (mm.isNull) return "[vdso]";
  const number = (object: KernelObject, name: string): bigint => object.member(name).scalar() as bigint;
  const start = number(area, "vm_start");
  const end = number(area, "vm_end");
  if (start < number(mm, "brk") && end > number(mm, "start_brk")) return "[heap]";
  const stack = number(mm, "start_stack");
  if (start <= stack && end >= stack) return "[stack]";
  const name = area.memberIf("anon_name");
  return name === undefined || name.isNull ? "" : `[anon:${name.member("name").string(256)}]`;
}
