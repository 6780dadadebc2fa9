import type { Kernel } from "../kernel/index.ts";
import { type Gaps, namespaceNumber, type Task, taskNamespaces } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";
import { chosenTasks, taskObject } from "./tasks.ts";

/** A namespace, and the processes in it. */
export interface FoundNamespace {
  type: string;
  namespace: KernelObject;
  number: number | null;
  /** Leaders of their thread groups, by PID. */
  tasks: Task[];
}

/**
 * Namespaces that processes are in, by type and number; those that only a mount or an open file keeps are not
 * found. @param targets PIDs; all processes without any
 */
export function findNamespaces(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { found: FoundNamespace[]; missing: string[] } {
  const { tasks, missing } = chosenTasks(kernel, gaps, targets);
  const found = new Map<string, FoundNamespace>();
  for (const task of tasks) {
    const all = gaps.column("namespaces", () => taskNamespaces(taskObject(kernel, task))) ?? [];
    for (const { type, namespace } of all) {
      const key = `${type} ${hex(namespace.address!)}`;
      const known = found.get(key);
      if (known !== undefined) {
        known.tasks.push(task);
        continue;
      }
      const number = gaps.column("number", () => namespaceNumber(namespace));
      found.set(key, { type, namespace, number, tasks: [task] });
    }
  }
  return { found: [...found.values()].sort(byTypeAndNumber), missing };
}

function byTypeAndNumber(left: FoundNamespace, right: FoundNamespace): number {
  if (left.type !== right.type) return left.type < right.type ? -1 : 1;
  return (left.number ?? 0) - (right.number ?? 0);
}

/** A namespace as JSON has it. */
export interface NamespaceRow {
  /** As /proc/PID/ns names it; `pid_for_children` and `time_for_children` only where they are others. */
  type: string;
  /** As in `mnt:[4026531841]`. */
  number: number | null;
  processes: number;
  /** Of the processes in it, by number. */
  pids: number[];
  /** Name of the first process. */
  comm: string;
  namespace: string;
}

/** Namespaces of processes by PID; of all without any. @throws {UsageError} */
export function listNamespaces(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: NamespaceRow[]; missing: string[] } {
  const { found, missing } = findNamespaces(kernel, gaps, targets);
  const plain = new Set(found.map(({ type, namespace }) => `${type} ${namespace.address}`));
  const shown = found.filter(({ type, namespace }) => {
    const own = type.replace("_for_children", "");
    return own === type || !plain.has(`${own} ${namespace.address}`);
  });
  const rows = shown.map(({ type, namespace, number, tasks }) => ({
    type,
    number,
    processes: tasks.length,
    pids: tasks.map(({ pid }) => pid),
    comm: tasks[0]!.comm,
    namespace: hex(namespace.address!),
  }));
  return { rows, missing };
}

const columns = [
  { title: "NAMESPACE" },
  { title: "TYPE" },
  { title: "NUMBER", align: "right" },
  { title: "PROCESSES", align: "right" },
  { title: "PID", align: "right" },
  { title: "COMM" },
] as const;

export function namespaceLines(rows: readonly NamespaceRow[]): Iterable<string> {
  return tableLines(
    columns,
    rows.map((row) => [
      row.namespace.slice(2),
      row.type,
      cell(row.number),
      String(row.processes),
      String(row.pids[0]),
      row.comm,
    ]),
  );
}
