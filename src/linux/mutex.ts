import type { KernelObject } from "../program/index.ts";
import { forEachWaiter } from "./wait-list.ts";

/** MUTEX_FLAG_WAITERS, MUTEX_FLAG_HANDOFF, MUTEX_FLAG_PICKUP (kernel/locking/mutex.h). */
const ownerFlags = 7n;

/** `__mutex_owner` (kernel/locking/mutex.c): the task that holds a `struct mutex`; 0 for none. @throws {FaultError} */
export function mutexOwner(mutex: KernelObject): bigint {
  return BigInt.asUintN(64, BigInt(mutex.member("owner").member("counter").scalar())) & ~ownerFlags;
}

/** The `struct mutex_waiter`s of a `struct mutex`. @throws {BrokenLinkError} */
export function mutexForEachWaiter(mutex: KernelObject): Generator<KernelObject, undefined> {
  return forEachWaiter(mutex, "struct mutex_waiter");
}
