import type { KernelObject, Program } from "../program/index.ts";
import { objectAt } from "./walk.ts";

/** `cpu_rq` (kernel/sched/sched.h): a CPU's `struct rq`. @throws {LookupError} */
export function cpuRq(program: Program, cpu: number): KernelObject {
  return program.perCpu(program.variable("runqueues"), cpu);
}

/** TASK_ON_RQ_QUEUED; TASK_ON_RQ_MIGRATING is 2. */
const queued = 1n;

/**
 * `task_on_rq_queued`: whether a task waits for a CPU or has one. Since v6.12 (152e11f6df29) a task that
 * went to sleep may stay in its queue for a while; it does not count.
 * @throws {FaultError}; {@link LookupError}
 */
export function taskOnRqQueued(program: Program, task: bigint): boolean {
  const object = objectAt(program, "struct task_struct", task);
  if (BigInt(object.member("on_rq").scalar()) !== queued) return false;
  const delayed = object.member("se").memberIf("sched_delayed");
  return delayed === undefined || !delayed.isTruthy;
}

/** Class that schedules a task, by its symbol: `fair`, `rt`, `dl`, `stop`, `idle`, `ext`. */
export function schedClass(program: Program, task: bigint): string | undefined {
  const address = objectAt(program, "struct task_struct", task).member("sched_class").scalar() as bigint;
  return program.symbolizer.symbolAt(address)?.name.replace(/_sched_class$/, "");
}
