import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";

/** `per_cpu_ptr` (include/linux/percpu-defs.h): what a pointer to per-CPU memory points to on one CPU. */
export function perCpuPtr(program: Program, pointer: KernelObject, cpu: number): KernelObject {
  return program.perCpuPointer(pointer.read(), cpu).dereference();
}

/**
 * `percpu_counter_sum` (include/linux/percpu_counter.h): the shared count, and what CPUs have not added yet.
 * A kernel for one CPU has only the count.
 * @throws {FaultError}
 */
export function percpuCounterSum(program: Program, counter: KernelObject): bigint {
  let sum = counter.member("count").scalar() as bigint;
  const counters = counter.memberIf("counters");
  if (counters === undefined || counters.isNull) return sum;
  for (const cpu of forEachPossibleCpu(program)) sum += perCpuPtr(program, counters, cpu).scalar() as bigint;
  return sum;
}
