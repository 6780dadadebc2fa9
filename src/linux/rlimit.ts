import type { KernelObject } from "../program/index.ts";

/** Limits in the order of `struct signal_struct.rlim` (include/uapi/asm-generic/resource.h). */
const names: readonly string[] =
  "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME".split(
    " ",
  );

/** RLIM_INFINITY. */
export const unlimited = 0xffff_ffff_ffff_ffffn;

/** A limit of a process (`struct rlimit`). */
export interface ResourceLimit {
  /** `RLIMIT_NOFILE`, … */
  name: string;
  /** What counts, and what that may be raised to; {@link unlimited} for no limit. */
  soft: bigint;
  hard: bigint;
}

/** Limits of a `struct task_struct`'s process (`task_rlimit`); undefined for one that has ended. @throws {FaultError} */
export function taskRlimits(task: KernelObject): ResourceLimit[] | undefined {
  const signal = task.member("signal").read();
  if (signal.isNull) return undefined;
  const array = signal.member("rlim");
  const length = array.type.underlying.length ?? names.length;
  return names.slice(0, length).map((name, index) => {
    const limit = array.index(index);
    const value = (member: string): bigint => BigInt.asUintN(64, limit.member(member).scalar() as bigint);
    return { name: `RLIMIT_${name}`, soft: value("rlim_cur"), hard: value("rlim_max") };
  });
}
