import type { AddressSpace } from "../memory/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { KernelObject } from "../program/index.ts";

/**
 * The address space of a `struct mm_struct`: what a process sees, by its own page tables. Addresses of the
 * kernel are no part of it.
 * @throws {FaultError} where its top page table cannot be found
 */
export function userMemory(kernel: Kernel, mm: KernelObject): AddressSpace {
  const { memory } = kernel.foundation;
  return memory.userAddressSpace(memory.translate(mm.member("pgd").scalar() as bigint));
}

/**
 * `access_process_vm`: bytes of a task's process. What is in swap, or was never touched, is a fault.
 * @throws {FaultError}; undefined for a thread of the kernel and a process that has ended
 */
export function processMemory(kernel: Kernel, task: KernelObject): AddressSpace | undefined {
  const mm = task.member("mm").read();
  return mm.isNull ? undefined : userMemory(kernel, mm.dereference());
}
