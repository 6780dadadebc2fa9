import type { Command } from "commander";
import {
  listWaiters,
  listWorkerPools,
  listWorkqueues,
  waiterLines,
  type WaiterRow,
  workerPoolLines,
  type WorkerPoolRow,
  workqueueLines,
  type WorkqueueRow,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import { bpfCommand } from "./bpf-command.ts";
import { rcuCommand } from "./rcu-command.ts";
import type { Streams } from "./streams.ts";
import { type TableCommand, tableCommand } from "./table-command.ts";

/** Commands over services of the kernel: what it does for others, and who waits for it. */
export function serviceCommands(streams: Streams, setExitCode: (code: number) => void): Command[] {
  const table = <Row extends object, Flags>(definition: TableCommand<Row, Flags>): Command =>
    tableCommand(definition, streams, setExitCode);
  return [table(workqueue), table(waitq), rcuCommand(streams), bpfCommand(streams)];
}

interface WorkqueueFlags {
  all?: boolean;
  pools?: boolean;
}

const workqueue: TableCommand<WorkqueueRow | WorkerPoolRow, WorkqueueFlags> = {
  name: "workqueue",
  description: "workqueues that have work: being done, pending, inactive",
  argument: "a dump; then names of workqueues, or patterns of names with * and ?",
  example: "vmcore 'events*'",
  plural: (flags) => (flags.pools === true ? "pools" : "workqueues"),
  options: [
    ["-a, --all", "also workqueues without work"],
    ["-p, --pools", "pools of workers"],
  ],
  list(kernel, gaps, targets, flags) {
    if (flags.pools !== true) return listWorkqueues(kernel, gaps, targets, flags.all ?? false);
    if (targets.length > 0 || flags.all === true) throw new UsageError("workqueue: -p shows all pools");
    return listWorkerPools(kernel, gaps);
  },
  lines: (rows, flags) =>
    flags.pools === true
      ? workerPoolLines(rows as readonly WorkerPoolRow[])
      : workqueueLines(rows as readonly WorkqueueRow[]),
};

const waitq: TableCommand<WaiterRow, object> = {
  name: "waitq",
  description: "who waits in a wait queue, in poll(2) and through epoll too",
  argument: "a dump; then addresses of wait queues (numbers, symbols, expressions)",
  example: "vmcore log_wait",
  plural: "waiters",
  list: listWaiters,
  lines: waiterLines,
};
