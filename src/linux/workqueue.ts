import type { KernelObject, Program } from "../program/index.ts";
import { idrForEachEntry } from "./idr.ts";
import { hlistForEachEntry, listForEachEntry } from "./list.ts";
import { objectAt } from "./walk.ts";

/** A `struct work_struct` that waits, or is being done. */
export interface Work {
  /** Address of the `struct work_struct`. */
  work: bigint;
  /** Address of the function that does it. */
  function: bigint;
}

/** A work and the worker that does it. */
export interface WorkInFlight extends Work {
  /** The `struct worker`. */
  worker: KernelObject;
}

/** What one `struct pool_workqueue` has to do. */
export interface PoolWork {
  inFlight: WorkInFlight[];
  pending: Work[];
  /** Beyond what its queue may have active at a time. */
  inactive: Work[];
}

/** `for_each_workqueue`: every `struct workqueue_struct` (`workqueues`, kernel/workqueue.c). @throws {BrokenLinkError} */
export function forEachWorkqueue(program: Program): Generator<KernelObject, undefined> {
  return listForEachEntry("struct workqueue_struct", program.variable("workqueues"), "list");
}

/** `for_each_pwq`: the `struct pool_workqueue`s of a workqueue. @throws {BrokenLinkError} */
export function forEachPwq(workqueue: KernelObject): Generator<KernelObject, undefined> {
  return listForEachEntry("struct pool_workqueue", workqueue.member("pwqs"), "pwqs_node");
}

/** `for_each_pool`: every `struct worker_pool` by id. @throws {BrokenLinkError} */
export function* forEachWorkerPool(program: Program): Generator<KernelObject, undefined> {
  for (const { object } of idrForEachEntry("struct worker_pool", program.variable("worker_pool_idr"))) {
    yield object;
  }
}

/** `for_each_pool_worker`: the `struct worker`s of a pool. @throws {BrokenLinkError} */
export function forEachPoolWorker(pool: KernelObject): Generator<KernelObject, undefined> {
  return listForEachEntry("struct worker", pool.member("workers"), "node");
}

/** The busy `struct worker`s of a pool, by the hash of their work. @throws {BrokenLinkError} */
export function* forEachBusyWorker(pool: KernelObject): Generator<KernelObject, undefined> {
  for (const head of pool.member("busy_hash").elements()) {
    if (!head.member("first").isNull) yield* hlistForEachEntry("struct worker", head, "hentry");
  }
}

/** The work of one `struct pool_workqueue`, as `show_pwq` prints it. @throws {BrokenLinkError} */
export function poolWork(program: Program, pwq: KernelObject): PoolWork {
  const pool = pwq.member("pool").dereference();
  const inFlight: WorkInFlight[] = [];
  for (const worker of forEachBusyWorker(pool)) {
    if (worker.member("current_pwq").scalar() !== pwq.address) continue;
    inFlight.push({
      worker,
      work: worker.member("current_work").scalar() as bigint,
      function: worker.member("current_func").scalar() as bigint,
    });
    for (const work of works(worker.member("scheduled"))) inFlight.push({ worker, ...work });
  }
  const pending = [...works(pool.member("worklist"))].filter(
    ({ work }) => workPwq(program, work) === pwq.address,
  );
  // v5.15 (d812796eb390) named it so; before it was delayed_works.
  const inactive = pwq.memberIf("inactive_works") ?? pwq.member("delayed_works");
  return { inFlight, pending, inactive: [...works(inactive)] };
}

function* works(head: KernelObject): Generator<Work, undefined> {
  for (const work of listForEachEntry("struct work_struct", head, "entry")) {
    yield { work: work.address!, function: work.member("func").scalar() as bigint };
  }
}

/** WORK_STRUCT_PWQ: the word leads to a pool_workqueue, which is aligned so that its low bits are flags. */
const pwqFlag = 1n << 2n;
/** WORK_STRUCT_PWQ_SHIFT, an enumerator since v6.9 and a macro of the same value before. */
const usualPwqShift = 8n;

/** `get_work_pwq`: address of the `struct pool_workqueue` a work is queued on; 0 for none. @throws {FaultError} */
function workPwq(program: Program, work: bigint): bigint {
  const data = BigInt.asUintN(
    64,
    BigInt(objectAt(program, "struct work_struct", work).member("data").member("counter").scalar()),
  );
  if ((data & pwqFlag) === 0n) return 0n;
  const shift = program.types.findEnumerator("WORK_STRUCT_PWQ_SHIFT")?.value ?? usualPwqShift;
  return (data >> shift) << shift;
}
