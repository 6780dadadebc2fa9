import type { KernelObject } from "../program/index.ts";
import { forEachSetBit } from "./bitmap.ts";
import { objectAt } from "./walk.ts";

/** More descriptors than any process may have (NR_OPEN's own limit). */
const maximumDescriptors = 1 << 26;

/**
 * `for_each_file` (include/linux/fdtable.h): descriptors of a task that are in use, and their `struct file`.
 * @throws {FaultError}
 */
export function* forEachFile(
  task: KernelObject,
): Generator<{ descriptor: number; file: KernelObject }, undefined> {
  const files = task.member("files").read();
  if (files.isNull) return;
  const table = files.member("fdt").dereference();
  const count = Math.min(table.member("max_fds").number(), maximumDescriptors);
  const { memory } = task.program;
  const array = table.member("fd").scalar() as bigint;
  for (const descriptor of forEachSetBit(table.member("open_fds").read(), count)) {
    const file = memory.readU64(array + BigInt(descriptor * 8));
    // A number that is reserved by an open() that goes on.
    if (file !== 0n) yield { descriptor, file: objectAt(task.program, "struct file", file) };
  }
}
