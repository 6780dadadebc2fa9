import type { KernelObject } from "../program/index.ts";
import { rbtreeInorderForEachEntry } from "./rbtree.ts";

/** RT_MUTEX_HAS_WAITERS (kernel/locking/rtmutex_common.h). */
const hasWaiters = 1n;

/**
 * `rt_mutex_owner`: the task that holds a `struct rt_mutex` or `struct rt_mutex_base`; 0 for none.
 * @throws {FaultError}
 */
export function rtMutexOwner(rtmutex: KernelObject): bigint {
  return BigInt(base(rtmutex).member("owner").scalar()) & ~hasWaiters;
}

/** The `struct rt_mutex_waiter`s, the one of the highest priority first. @throws {BrokenLinkError} */
export function rtMutexForEachWaiter(rtmutex: KernelObject): Generator<KernelObject, undefined> {
  const type = base(rtmutex).program.type("struct rt_mutex_waiter");
  // v6.5 (f7853c34241807bb) gave each tree a node with the order of its own; Debian's 6.1 has it too.
  const node = type.findMember("tree_entry") === undefined ? "tree.entry" : "tree_entry";
  return rbtreeInorderForEachEntry(type, base(rtmutex).member("waiters"), node);
}

/** v5.15 (830e6acc8a1c) put what all kinds of locks need into a struct of its own. */
function base(rtmutex: KernelObject): KernelObject {
  return rtmutex.memberIf("rtmutex") ?? rtmutex;
}
