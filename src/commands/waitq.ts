import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { Gaps, type Task, TaskReader, waiterOf, waitqueueForEachEntry } from "../linux/index.ts";
import { functionAt } from "./function-at.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";
import { cell, tableLines } from "./table.ts";

/** Who waits in a wait queue, as JSON has it. */
export interface WaiterRow {
  /** Address of the `struct wait_queue_head`. */
  queue: string;
  /** wait, poll, epoll. */
  way: string;
  exclusive: boolean;
  /** Function that wakes. */
  function: string;
  /** The task that is woken; null for an entry that stands for none. */
  pid: number | null;
  comm: string | null;
  state: string | null;
  task: string | null;
  /** Address of the `struct wait_queue_entry`. */
  entry: string;
}

/**
 * Who waits in the wait queues at these addresses. Only what the list of tasks has is taken for one.
 * @throws {UsageError} for no address, and for what is none
 */
export function listWaiters(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: WaiterRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("waitq: needs the address of a wait queue");
  const { program } = kernel;
  const diagnostics: Parameters<TaskReader["all"]>[0] = [];
  const all = gaps.diagnosed(new TaskReader(kernel).all(diagnostics), diagnostics);
  const tasks = new Map(all.map((task): [bigint, Task] => [task.address, task]));
  const rows: WaiterRow[] = [];
  const missing: string[] = [];
  for (const target of targets) {
    const address = resolveAddress(kernel, target);
    const queue = program.object(address, "struct wait_queue_head");
    const next = gaps.column("queue", () => queue.member("head").member("next").read());
    // What the list leads to leads back, or is none.
    const isQueue = new Gaps().column(
      "",
      () => next?.member("prev").scalar() === queue.member("head").address,
    );
    if (isQueue !== true) {
      missing.push(target);
      continue;
    }
    for (const entry of gaps.walk(waitqueueForEachEntry(queue))) {
      const waiter = gaps.column("waiter", () => waiterOf(program, entry));
      if (waiter === null) continue;
      const common = {
        queue: hex(address),
        way: waiter.way,
        exclusive: waiter.isExclusive,
        function: functionAt(program, waiter.function),
      };
      const known = waiter.tasks.map((each) => tasks.get(each)).filter((each) => each !== undefined);
      for (const task of known.length === 0 ? [undefined] : known) {
        rows.push({
          ...common,
          pid: task?.pid ?? null,
          comm: task?.comm ?? null,
          state: task?.state ?? null,
          task: task === undefined ? null : hex(task.address),
          entry: hex(entry.address!),
        });
      }
    }
  }
  return { rows, missing };
}

export function waiterLines(rows: readonly WaiterRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "ENTRY" },
      { title: "PID", align: "right" },
      { title: "TASK" },
      { title: "ST" },
      { title: "WAY" },
      { title: "FUNCTION" },
      { title: "COMM" },
    ],
    rows.map((row) => [
      row.entry.slice(2),
      cell(row.pid ?? "-"),
      row.task?.slice(2) ?? "-",
      row.state ?? "-",
      `${row.way}${row.exclusive ? ", exclusive" : ""}`,
      row.function,
      row.comm ?? "-",
    ]),
  );
}
