import type { KernelObject } from "../program/index.ts";

/** Scheduling policies by number (include/uapi/linux/sched.h). */
const policies: readonly string[] = ["NORMAL", "FIFO", "RR", "BATCH", "ISO", "IDLE", "DEADLINE", "EXT"];

/** How a task is scheduled. */
export interface SchedulingPolicy {
  /** `NORMAL`, `FIFO`, …; a number for one that is not known. */
  policy: string;
  /** -20 to 19; counts only for NORMAL and BATCH. */
  nice: number;
  /** 1 to 99 for FIFO and RR, otherwise 0. */
  realtimePriority: number;
}

/** Priority of a task with nice 0 (DEFAULT_PRIO, include/linux/sched/prio.h). */
const defaultPriority = 120;

/** @throws {FaultError} */
export function taskPolicy(task: KernelObject): SchedulingPolicy {
  const number = task.member("policy").number();
  return {
    policy: policies[number] ?? String(number),
    nice: task.member("static_prio").number() - defaultPriority,
    realtimePriority: task.member("rt_priority").number(),
  };
}
