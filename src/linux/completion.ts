import type { KernelObject } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";

/** How many waiters a `struct completion` (include/linux/completion.h) still lets pass. @throws {FaultError} */
export function completionDone(completion: KernelObject): number {
  return completion.member("done").number();
}

/** The `struct swait_queue`s of those that wait for a `struct completion`. @throws {BrokenLinkError} */
export function completionForEachWaiter(completion: KernelObject): Generator<KernelObject, undefined> {
  return listForEachEntry("struct swait_queue", completion.member("wait").member("task_list"), "task_list");
}
