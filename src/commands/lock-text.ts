import type { LockReport, LockRow, LockTask } from "./locks.ts";
import { tableLines } from "./table.ts";

/** Who waits for whom, as text: cycles and root holders first, then every lock with its waiters. */
export function* lockLines({ cycles, roots, locks, others }: LockReport): Generator<string> {
  const byAddress = new Map(locks.map((row) => [row.lock, row]));
  const name = (lock: string): string => lockText(byAddress.get(lock), lock);
  if (locks.length === 0) yield "no task in uninterruptible sleep waits for a lock";
  for (const { tasks, locks: wanted } of cycles) {
    yield tasks.length === 1
      ? "a task waits for a lock that it holds itself:"
      : `${tasks.length} tasks wait for each other:`;
    for (const [index, task] of tasks.entries()) {
      const holder = tasks[(index + 1) % tasks.length]!;
      yield `  ${taskText(task)} waits for ${name(wanted[index]!)}, held by PID ${holder.pid}`;
    }
  }
  if (roots.length > 0) yield "holders that wait for no lock:";
  for (const root of roots) {
    const tasks = root.blocked === 1 ? "1 task" : `${root.blocked} tasks`;
    yield `  ${taskText(root)} blocks ${tasks}, holds ${root.locks.map(name).join(", ")}`;
  }
  if (cycles.length + roots.length > 0) yield "";
  if (locks.length > 0) yield* lockTable(locks);
  if (others.length > 0) {
    if (locks.length > 0) yield "";
    yield "in uninterruptible sleep, and waiting for something else:";
    for (const task of others) {
      const on = task.on === null ? "" : `, ${task.kind} ${task.on.replace(/^0x/, "")}`;
      yield `  ${taskText(task)} in ${task.function ?? "?"}${on}`;
    }
  }
}

function lockTable(locks: readonly LockRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "KIND" },
      { title: "LOCK" },
      { title: "BLOCKS", align: "right" },
      { title: "PID", align: "right" },
      { title: "ST" },
      { title: "ROLE" },
      { title: "COMM" },
    ],
    locks.flatMap((row) => [
      [row.kind, row.lock.slice(2), String(row.blocked), "", "", "", row.symbol ?? ""],
      ...(row.holder === null ? [] : [memberCells(row.holder, holderText(row))]),
      ...row.waiters.map((waiter) =>
        memberCells(waiter, `waits${waiter.wants === null ? "" : ` to ${waiter.wants}`}`),
      ),
    ]),
  );
}

function memberCells({ pid, state, comm }: LockTask, role: string): string[] {
  return ["", "", "", String(pid), state, role, comm];
}

function holderText({ holderIs, readers }: LockRow): string {
  if (holderIs === "last-reader") return `last reader of ${readers}`;
  return holderIs === "last-holder" ? "took it last" : "holds";
}

function taskText({ pid, comm, state }: LockTask): string {
  return `PID ${pid} (${comm}, ${state})`;
}

function lockText(row: LockRow | undefined, lock: string): string {
  if (row === undefined) return lock;
  return `${row.kind} ${lock.slice(2)}${row.symbol === null ? "" : ` (${row.symbol})`}`;
}
