import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { objectAt } from "./walk.ts";

/** `struct wait_queue_entry`s of a `struct wait_queue_head` (include/linux/wait.h), those that are woken first first. @throws {BrokenLinkError} */
export function waitqueueForEachEntry(head: KernelObject): Generator<KernelObject, undefined> {
  return listForEachEntry("struct wait_queue_entry", head.member("head"), "entry");
}

/** Who is woken by an entry of a wait queue. */
export interface Waiter {
  /** Address of the function that wakes. */
  function: bigint;
  /** WQ_FLAG_EXCLUSIVE: of several such entries one is woken. */
  isExclusive: boolean;
  /** How it waits: by itself, in poll(2) or select(2), through an epoll file that somebody may wait for. */
  way: "wait" | "poll" | "epoll";
  /** Addresses of what `private` and the like say are tasks. */
  tasks: bigint[];
}

const exclusiveFlag = 1;

/** What an entry of a wait queue says of its waiter. @throws {FaultError}; {@link BrokenLinkError} */
export function waiterOf(program: Program, entry: KernelObject): Waiter {
  const wake = entry.member("func").scalar() as bigint;
  const found: Waiter = {
    function: wake,
    isExclusive: (entry.member("flags").number() & exclusiveFlag) !== 0,
    way: "wait",
    tasks: [],
  };
  const own = entry.member("private").scalar() as bigint;
  const name = program.symbolizer.symbolAt(wake)?.name;
  if (name === "pollwake") {
    const task = objectAt(program, "struct poll_wqueues", own).member("polling_task").scalar() as bigint;
    return { ...found, way: "poll", tasks: [task] };
  }
  if (name === "ep_poll_callback") {
    const epoll = entry.containerOf("struct eppoll_entry", "wait").member("base").member("ep");
    const tasks = [...waitqueueForEachEntry(epoll.member("wq"))].map(
      (each) => each.member("private").scalar() as bigint,
    );
    return { ...found, way: "epoll", tasks };
  }
  return own === 0n ? found : { ...found, tasks: [own] };
}
