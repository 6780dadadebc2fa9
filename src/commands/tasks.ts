import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { findTask, type Gaps, type PathPlace, pathPlace, type Task, TaskReader } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { parseAddress } from "./sym.ts";

/**
 * Processes by PID or by the address of a task, all without any: their leaders, or the very threads that were asked for.
 * @throws {UsageError} for what is neither
 */
export function chosenTasks(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { tasks: Task[]; missing: string[] } {
  const wanted = targets.map((target) => {
    if (/^\d{1,10}$/.test(target)) return (task: Task): boolean => task.pid === Number(target);
    const address = parseAddress(target);
    if (address === undefined) throw new UsageError(`'${target}' is no PID and no address`);
    return (task: Task): boolean => task.address === address;
  });
  const diagnostics: Parameters<TaskReader["all"]>[0] = [];
  const all = gaps.diagnosed(new TaskReader(kernel).all(diagnostics), diagnostics);
  if (targets.length === 0) {
    return { tasks: all.filter(({ pid, tgid }) => pid === tgid && pid !== 0), missing: [] };
  }
  return {
    tasks: all.filter((task) => wanted.some((fits) => fits(task))),
    missing: targets.filter((_, index) => !all.some(wanted[index]!)),
  };
}

/** The `struct task_struct` of a task. */
export function taskObject(kernel: Kernel, task: Task): KernelObject {
  return kernel.program.object(task.address, "struct task_struct");
}

/** Root directory of a task; undefined for one that has ended. @throws {FaultError} */
export function taskRoot(task: KernelObject): PathPlace | undefined {
  const fs = task.member("fs");
  return fs.isNull ? undefined : pathPlace(fs.member("root"));
}

/** The first process, or where it cannot be found the kernel's own first task. */
export function firstProcess(kernel: Kernel, gaps: Gaps): KernelObject {
  const found = gaps.column("task of PID 1", () => findTask(kernel.program, 1));
  return found ?? kernel.program.variable("init_task");
}
