import type { KernelObject, Program } from "../program/index.ts";
import { percpuCounterSum } from "./percpu.ts";
import { objectAt } from "./walk.ts";

/** Bytes of a process's address space, and of them in memory. */
export interface MemoryUse {
  virtualSize: number;
  residentSize: number;
}

/**
 * `get_mm_counter` (include/linux/mm.h): pages of one kind that a `struct mm_struct` has in memory.
 * @param kind MM_FILEPAGES 0, MM_ANONPAGES 1, MM_SWAPENTS 2, MM_SHMEMPAGES 3
 * @throws {FaultError}
 */
export function mmCounter(program: Program, mm: KernelObject, kind: number): bigint {
  const stat = mm.member("rss_stat");
  // v6.2 (f1a7941243c1) made an array of per-CPU counters of a struct of counters.
  const counters = stat.type.underlying.kind === "array" ? stat : stat.member("count");
  const counter = counters.index(kind);
  const sum =
    counter.memberIf("counters") === undefined && counter.memberIf("counter") !== undefined
      ? (counter.member("counter").scalar() as bigint)
      : percpuCounterSum(program, counter);
  return sum > 0n ? sum : 0n;
}

/** `get_mm_rss`: pages in memory, of files, anonymous ones and shared ones. @throws {FaultError} */
export function mmRss(program: Program, mm: KernelObject): bigint {
  return [0, 1, 3].reduce((sum, kind) => sum + mmCounter(program, mm, kind), 0n);
}

/**
 * What a task's process uses; undefined for threads of the kernel and processes that have ended.
 * @param known what was read already, by address of the `struct mm_struct`
 * @throws {FaultError}; {@link LookupError}
 */
export function memoryUse(
  program: Program,
  task: bigint,
  known: Map<bigint, MemoryUse> = new Map(),
): MemoryUse | undefined {
  const pointer = objectAt(program, "struct task_struct", task).member("mm").read();
  const address = pointer.scalar() as bigint;
  if (address === 0n) return undefined;
  let use = known.get(address);
  if (use === undefined) {
    const mm = pointer.dereference();
    const bytes = (pages: bigint): number => Number(pages) * program.memory.pageByteSize;
    use = {
      virtualSize: bytes(mm.member("total_vm").scalar() as bigint),
      residentSize: bytes(mmRss(program, mm)),
    };
    known.set(address, use);
  }
  return use;
}
