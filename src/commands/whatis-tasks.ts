import { forEachSlabCache } from "../linux/index.ts";
import type { Type } from "../program/index.ts";
import { CpuStacks, threadByteSize } from "../stack/index.ts";
import { hex } from "./hex.ts";
import { memberText } from "./likely-struct.ts";
import { type Candidate, taskText, type Whatis } from "./whatis-finder.ts";

/** The task whose struct an address is in. */
export function taskAt(whatis: Whatis, address: bigint): Candidate | undefined {
  const type = whatis.kernel.program.type("struct task_struct");
  const size = BigInt(taskByteSize(whatis, type));
  const task = whatis.tasks.find((each) => address >= each.address && address < each.address + size);
  if (task === undefined) return undefined;
  return {
    kind: "task",
    text: `struct task_struct${memberText(type, Number(address - task.address))} of ${taskText(task)}`,
    start: hex(task.address),
    size: Number(size),
    evidence: [`in the kernel's list of tasks: ${hex(task.address).slice(2)}`],
  };
}

/** Tasks are smaller than their struct where its end is for more than this machine's processors have. */
function taskByteSize({ kernel, gaps }: Whatis, type: Type): number {
  const { program } = kernel;
  for (const cache of gaps.walk(forEachSlabCache(program))) {
    if (cache.member("name").string(64) !== "task_struct") continue;
    return Math.min(type.byteSize, cache.member("object_size").number());
  }
  return type.byteSize;
}

/** The task whose stack an address is in. */
export function taskStackAt({ kernel, tasks }: Whatis, address: bigint): Candidate | undefined {
  const size = threadByteSize(kernel);
  const task = tasks.find(({ stack }) => stack !== 0n && address >= stack && address < stack + size);
  if (task === undefined) return undefined;
  return {
    kind: "stack",
    text: `stack of ${taskText(task)}, ${hex(task.stack + size - address)} below its top`,
    start: hex(task.stack),
    size: Number(size),
    evidence: [`task_struct ${hex(task.address).slice(2)}: stack = ${hex(task.stack)}`],
  };
}

/** The stack of a CPU, for interrupts, exceptions or the entry from user mode, that an address is in. */
export function cpuStackAt({ kernel }: Whatis, address: bigint): Candidate | undefined {
  const stacks = new CpuStacks(kernel, threadByteSize(kernel));
  for (const cpu of kernel.perCpu.possibleCpus) {
    const region = stacks.of(cpu).find(({ start, end }) => address >= start && address < end);
    if (region === undefined) continue;
    const { kind, start, end } = region;
    return {
      kind: "stack",
      text: `${kind} stack of CPU ${cpu}, ${hex(end - address)} below its top`,
      start: hex(start),
      size: Number(end - start),
      evidence: [`per-CPU variables of CPU ${cpu} have its ${kind} stack from ${hex(start)} to ${hex(end)}`],
    };
  }
  return undefined;
}
