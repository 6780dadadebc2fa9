import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { findTask, processMemory } from "../linux/index.ts";

/** The address space of a process by PID. @throws {UsageError} where it has none */
export function memoryOfProcess(kernel: Kernel, pid: number): NonNullable<ReturnType<typeof processMemory>> {
  const task = findTask(kernel.program, pid);
  if (task === undefined) throw new UsageError(`no process ${pid}`);
  const memory = processMemory(kernel, task);
  if (memory === undefined)
    throw new UsageError(
      `PID ${pid} has no memory of its own: a thread of the kernel, or one that has ended`,
    );
  return memory;
}
