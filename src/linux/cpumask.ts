import type { KernelObject, Program } from "../program/index.ts";
import { forEachSetBit } from "./bitmap.ts";

/** More CPUs than any kernel is built for. */
const maximumCpus = 8192;

/** CPUs that a mask may name: `nr_cpu_ids`, where it is a variable. */
export function nrCpuIds(program: Program): number {
  const found = program.variables.find("nr_cpu_ids");
  if (found === undefined) return maximumCpus;
  return Math.min(program.variable("nr_cpu_ids").number(), maximumCpus);
}

/**
 * `for_each_cpu` (include/linux/cpumask.h): the CPUs of a `struct cpumask`, a `cpumask_var_t`, or a pointer
 * to one, ascending.
 * @throws {FaultError}
 */
export function* forEachCpu(program: Program, mask: KernelObject): Generator<number, undefined> {
  // cpumask_var_t is an array of one mask, or a pointer to a smaller one.
  const struct = mask.type.underlying.kind === "array" ? mask.index(0) : mask;
  const bits = struct.member("bits");
  yield* forEachSetBit(bits, Math.min(nrCpuIds(program), (bits.type.underlying.length ?? 128) * 64));
}

/** `for_each_possible_cpu`; a kernel for one CPU has no mask, and CPU 0. */
export function forEachPossibleCpu(program: Program): Iterable<number> {
  return cpusOf(program, "__cpu_possible_mask");
}

/** `for_each_online_cpu`. */
export function forEachOnlineCpu(program: Program): Iterable<number> {
  return cpusOf(program, "__cpu_online_mask");
}

/** `for_each_present_cpu`. */
export function forEachPresentCpu(program: Program): Iterable<number> {
  return cpusOf(program, "__cpu_present_mask");
}

function cpusOf(program: Program, name: string): Iterable<number> {
  if (program.variables.find(name) === undefined) return [0];
  return forEachCpu(program, program.variable(name));
}
