import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type Gaps, pathLookup, pathPlace } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { parseAddress } from "./sym.ts";
import { firstProcess } from "./tasks.ts";

/**
 * The `struct inode` that a target means: its address, or an absolute path as the first process sees it.
 * @returns undefined for a path that the dentry cache has not
 * @throws {UsageError} for what is neither
 */
export function inodeOf(kernel: Kernel, gaps: Gaps, target: string): KernelObject | undefined {
  const { program } = kernel;
  const address = parseAddress(target);
  if (address !== undefined) return program.object(address, "struct inode");
  if (!target.startsWith("/")) {
    throw new UsageError(`'${target}' is neither an absolute path nor the address of a struct inode`);
  }
  const task = firstProcess(kernel, gaps);
  const found = gaps.column(target, () => {
    const root = pathPlace(task.member("fs").member("root"));
    return pathLookup(program, task.member("nsproxy").member("mnt_ns").dereference(), root, target);
  });
  if (found === undefined || found === null) return undefined;
  return program.object(found.dentry, "struct dentry").member("d_inode").dereference();
}
