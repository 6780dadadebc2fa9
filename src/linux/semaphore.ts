import type { KernelObject } from "../program/index.ts";
import { forEachWaiter } from "./wait-list.ts";

/** How often a `struct semaphore` (include/linux/semaphore.h) can still be taken. @throws {FaultError} */
export function semaphoreCount(semaphore: KernelObject): number {
  return semaphore.member("count").number();
}

/**
 * The task that took it last, which need not hold it any more: kernels from v6.16 on note it with
 * CONFIG_DETECT_HUNG_TASK_BLOCKER; 0 where there is none or nothing is noted.
 */
export function semaphoreLastHolder(semaphore: KernelObject): bigint {
  return BigInt(semaphore.memberIf("last_holder")?.scalar() ?? 0n);
}

/** The `struct semaphore_waiter`s of a `struct semaphore`. @throws {BrokenLinkError} */
export function semaphoreForEachWaiter(semaphore: KernelObject): Generator<KernelObject, undefined> {
  return forEachWaiter(semaphore, "struct semaphore_waiter");
}
