import type { Kernel } from "../kernel/index.ts";
import { listCpus } from "../kernel/index.ts";
import {
  forEachCpu,
  forEachPoolWorker,
  forEachPwq,
  forEachWorkerPool,
  forEachWorkqueue,
  type Gaps,
  listForEach,
  poolWork,
} from "../linux/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { functionAt } from "./function-at.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { cell, tableLines } from "./table.ts";

/** A work that is queued or being done, as JSON has it. */
export interface WorkRow {
  /** Symbol of the function that does it; its address where it has none. */
  function: string;
  /** PID of the worker that does it; null for one that waits. */
  pid: number | null;
  /** Address of the `struct work_struct`. */
  work: string;
}

/** What a workqueue has on one pool of workers. */
export interface PoolWorkRow {
  /** Id of the pool. */
  pool: number | null;
  active: number | null;
  inFlight: readonly WorkRow[];
  pending: readonly WorkRow[];
  /** Beyond what may be active at a time. */
  inactive: readonly WorkRow[];
  /** Address of the `struct pool_workqueue`. */
  poolWorkqueue: string;
}

/** A workqueue as JSON has it. */
export interface WorkqueueRow {
  name: string | null;
  flags: readonly string[] | null;
  maxActive: number | null;
  /** Those with work; with `all` every one. */
  pools: readonly PoolWorkRow[];
  /** Address of the `struct workqueue_struct`. */
  workqueue: string;
}

/** A pool of workers as JSON has it. */
export interface WorkerPoolRow {
  id: number | null;
  /** CPUs its workers may run on. */
  cpus: string | null;
  nice: number | null;
  workers: number | null;
  idle: number | null;
  /** Works that no worker took yet. */
  waiting: number | null;
  /** PIDs of the workers. */
  pids: readonly number[] | null;
  /** Address of the `struct worker_pool`. */
  pool: string;
}

/** `enum wq_flags` (include/linux/workqueue.h). */
const flagNames: readonly (readonly [bit: number, name: string])[] = [
  [0, "BH"],
  [1, "UNBOUND"],
  [2, "FREEZABLE"],
  [3, "MEM_RECLAIM"],
  [4, "HIGHPRI"],
  [5, "CPU_INTENSIVE"],
  [6, "SYSFS"],
  [7, "POWER_EFFICIENT"],
  [8, "PERCPU"],
  [15, "DESTROYING"],
  [16, "DRAINING"],
  [17, "ORDERED"],
];

/**
 * Workqueues that have work, by name; with `all` also those without.
 * @param targets names, or patterns of names; those are shown with or without work
 */
export function listWorkqueues(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
  all = false,
): { rows: WorkqueueRow[]; missing: string[] } {
  const { program } = kernel;
  const filters = targets.map((target) => ({ target, pattern: globPattern(target), isFound: false }));
  const rows: WorkqueueRow[] = [];
  for (const workqueue of gaps.walk(forEachWorkqueue(program))) {
    const name = gaps.column("name", () => workqueue.member("name").string());
    const fits = filters.filter(({ pattern }) => name !== null && pattern.test(name));
    for (const filter of fits) filter.isFound = true;
    if (filters.length > 0 && fits.length === 0) continue;
    const pools: PoolWorkRow[] = [];
    for (const pwq of gaps.walk(forEachPwq(workqueue))) {
      const work = gaps.column("work", () => poolWork(program, pwq));
      if (work === null) continue;
      const { inFlight, pending, inactive } = work;
      if (!all && inFlight.length + pending.length + inactive.length === 0) continue;
      const row = (each: { work: bigint; function: bigint; worker?: KernelObject }): WorkRow => ({
        function: functionAt(program, each.function),
        pid: each.worker === undefined ? null : gaps.column("pid", () => workerPid(each.worker!)),
        work: hex(each.work),
      });
      pools.push({
        pool: gaps.column("pool", () => pwq.member("pool").member("id").number()),
        active: gaps.column("active", () => pwq.member("nr_active").number()),
        inFlight: inFlight.map(row),
        pending: pending.map(row),
        inactive: inactive.map(row),
        poolWorkqueue: hex(pwq.address!),
      });
    }
    if (pools.length === 0 && !all && filters.length === 0) continue;
    rows.push({
      name,
      flags: gaps.column("flags", () => {
        const flags = workqueue.member("flags").number();
        return flagNames.filter(([bit]) => ((flags >>> bit) & 1) === 1).map(([, each]) => each);
      }),
      maxActive: gaps.column("maxActive", () => maximumActive(workqueue)),
      pools,
      workqueue: hex(workqueue.address!),
    });
  }
  return { rows, missing: filters.filter(({ isFound }) => !isFound).map(({ target }) => target) };
}

/** v6.9 (5797b1c18919) moved it from the pools' parts to the workqueue. */
function maximumActive(workqueue: KernelObject): number {
  return (workqueue.memberIf("max_active") ?? workqueue.member("saved_max_active")).number();
}

/** @throws {FaultError} */
function workerPid(worker: KernelObject): number | null {
  const task = worker.member("task");
  return task.isNull ? null : task.member("pid").number();
}

/** Pools of workers by id. */
export function listWorkerPools(kernel: Kernel, gaps: Gaps): { rows: WorkerPoolRow[] } {
  const { program } = kernel;
  const rows: WorkerPoolRow[] = [];
  for (const pool of gaps.walk(forEachWorkerPool(program))) {
    const number = (column: string, member: string): number | null =>
      gaps.column(column, () => pool.member(member).number());
    rows.push({
      id: number("id", "id"),
      cpus: gaps.column("cpus", () => poolCpus(program, pool)),
      nice: gaps.column("nice", () => pool.member("attrs").member("nice").number()),
      workers: number("workers", "nr_workers"),
      idle: number("idle", "nr_idle"),
      waiting: gaps.column("waiting", () => {
        let count = 0;
        for (const _ of listForEach(pool.member("worklist"))) count++;
        return count;
      }),
      pids: gaps.column("pids", () =>
        [...forEachPoolWorker(pool)]
          .map(workerPid)
          .filter((pid) => pid !== null)
          .sort((left, right) => left - right),
      ),
      pool: hex(pool.address!),
    });
  }
  return { rows };
}

/** Pools of one CPU have its number, others a mask in their attributes. */
function poolCpus(program: Program, pool: KernelObject): string {
  const cpu = pool.member("cpu").number();
  if (cpu >= 0) return String(cpu);
  return listCpus([...forEachCpu(program, pool.member("attrs").member("cpumask"))]);
}

/** A line for each workqueue, and below it one for each work. */
export function* workqueueLines(rows: readonly WorkqueueRow[]): Generator<string> {
  const lines: string[][] = [];
  for (const row of rows) {
    const line = (more: readonly string[]): void => {
      lines.push([
        row.workqueue.slice(2),
        cell(row.name),
        row.flags === null ? "?" : row.flags.join(",") || "-",
        cell(row.maxActive),
        ...more,
      ]);
    };
    const count = lines.length;
    for (const { pool, inFlight, pending, inactive } of row.pools) {
      const works = [
        ...inFlight.map((work) => ({ state: `PID ${cell(work.pid)}`, work })),
        ...pending.map((work) => ({ state: "pending", work })),
        ...inactive.map((work) => ({ state: "inactive", work })),
      ];
      for (const { state, work } of works) line([cell(pool), state, work.work.slice(2), work.function]);
    }
    if (lines.length === count) line(["-", "-", "-", "-"]);
  }
  yield* tableLines(
    [
      { title: "WORKQUEUE" },
      { title: "NAME" },
      { title: "FLAGS" },
      { title: "MAX", align: "right" },
      { title: "POOL", align: "right" },
      { title: "STATE" },
      { title: "WORK" },
      { title: "FUNCTION" },
    ],
    lines,
  );
}

export function workerPoolLines(rows: readonly WorkerPoolRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "POOL" },
      { title: "ID", align: "right" },
      { title: "CPUS" },
      { title: "NICE", align: "right" },
      { title: "WAITING", align: "right" },
      { title: "WORKERS", align: "right" },
      { title: "IDLE", align: "right" },
      { title: "PIDS" },
    ],
    rows.map((row) => [
      row.pool.slice(2),
      cell(row.id),
      cell(row.cpus),
      cell(row.nice),
      cell(row.waiting),
      cell(row.workers),
      cell(row.idle),
      row.pids?.join(" ") ?? "?",
    ]),
  );
}
