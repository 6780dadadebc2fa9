import type { KernelObject } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";

/**
 * The waiters of a sleeping lock, first come first: its `wait_list`, or as in v7.2 a ring of them that
 * `first_waiter` points into.
 * @param type of a waiter, with its node as `list`
 * @throws {BrokenLinkError}; {@link LookupError} where the lock has neither member, as with PREEMPT_RT
 */
export function* forEachWaiter(lock: KernelObject, type: string): Generator<KernelObject, undefined> {
  const list = lock.memberIf("wait_list");
  if (list !== undefined) {
    yield* listForEachEntry(type, list, "list");
    return;
  }
  const first = lock.member("first_waiter");
  if (first.isNull) return;
  yield first.dereference();
  yield* listForEachEntry(type, first.member("list"), "list");
}
