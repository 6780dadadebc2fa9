import type { KernelObject, Program } from "../program/index.ts";
import { idrFind } from "./idr.ts";
import { hlistForEachEntry } from "./list.ts";

/**
 * `find_task_by_pid_ns` (include/linux/pid.h): the thread of a PID in the first PID namespace; undefined
 * where there is none.
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function findTask(program: Program, pid: number): KernelObject | undefined {
  const address = idrFind(program.variable("init_pid_ns").member("idr"), pid);
  if (address === 0n) return undefined;
  const tasks = program.object(address, "struct pid").member("tasks").index(0);
  // PIDTYPE_PID is 0: the thread itself, of which there is one.
  for (const task of hlistForEachEntry("struct task_struct", tasks, "pid_links[0]")) return task;
  return undefined;
}
