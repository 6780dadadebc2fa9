import type { KernelObject } from "../program/index.ts";

/** Nanoseconds that a CPU was used for. */
export interface CpuTime {
  user: bigint;
  system: bigint;
}

/**
 * `task_cputime_adjusted` (kernel/sched/cputime.c): time of one thread, as its /proc/PID/task/TID/stat has it in
 * ticks. What the tick guessed is scaled to what the scheduler measured, and never goes back.
 * @throws {FaultError}
 */
export function taskCputimeAdjusted(task: KernelObject): CpuTime {
  const unsigned = (object: KernelObject, name: string): bigint =>
    BigInt.asUintN(64, object.member(name).scalar() as bigint);
  const previous = task.member("prev_cputime").read();
  return cputimeAdjust(
    { user: unsigned(task, "utime"), system: unsigned(task, "stime") },
    BigInt.asUintN(64, task.subobject("se.sum_exec_runtime").scalar() as bigint),
    { user: unsigned(previous, "utime"), system: unsigned(previous, "stime") },
  );
}

/**
 * `cputime_adjust`.
 * @param sampled by the tick
 * @param run measured, of both together
 * @param previous what was answered last
 */
export function cputimeAdjust(sampled: CpuTime, run: bigint, previous: CpuTime): CpuTime {
  if (previous.user + previous.system >= run) return previous;
  let system: bigint;
  if (sampled.system === 0n) system = 0n;
  else if (sampled.user === 0n) system = run;
  else system = (sampled.system * run) / (sampled.system + sampled.user);
  if (system < previous.system) system = previous.system;
  let user = run - system;
  if (user < previous.user) {
    user = previous.user;
    system = run - user;
  }
  return { user, system };
}
