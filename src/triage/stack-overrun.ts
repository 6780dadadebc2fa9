import type { Kernel } from "../kernel/index.ts";
import type { Task } from "../linux/index.ts";
import type { Evidence } from "./verdict.ts";

/** What the kernel writes at the end of every stack (include/uapi/linux/magic.h). */
const STACK_END_MAGIC = 0x57ac_6e9dn;

/**
 * The mark at the end of a task's stack, where it is overwritten: something went down there, or beyond.
 * Without CONFIG_THREAD_INFO_IN_TASK the mark is elsewhere, and nothing is said.
 * @throws {FaultError}
 */
export function stackOverrun(kernel: Kernel, { stack, comm, pid }: Task): Evidence[] {
  const task = kernel.types.find("struct task_struct");
  if (stack === 0n || task?.findMember("thread_info") === undefined) return [];
  const mark = kernel.foundation.memory.readU64(stack);
  if (mark === STACK_END_MAGIC) return [];
  const text =
    `the mark at the end of the stack of ${comm} (PID ${pid}), STACK_END_MAGIC, is overwritten: ` +
    `0x${stack.toString(16)} has 0x${mark.toString(16)}`;
  return [{ kind: "memory", address: `0x${stack.toString(16)}`, text }];
}
