import type { Diagnostic } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { cpuRq, type Gaps, schedClass, type Task, taskOnRqQueued, TaskReader } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A task in a queue as JSON has it. */
export interface QueuedTask {
  pid: number;
  comm: string;
  task: string;
  /** fair, rt, dl, stop, idle, ext. */
  class: string | null;
  /** 0 to 99 real time, 100 to 139 fair; the lower, the sooner. */
  priority: number | null;
}

/** The run queue of a CPU as JSON has it. */
export interface RunqueueRow {
  cpu: number;
  /** Tasks that want the CPU, as the queue counts them. */
  running: number | null;
  /** Task switches since boot. */
  switches: number | null;
  /** What runs. */
  current: QueuedTask | null;
  /** What waits. */
  queued: readonly QueuedTask[];
  /** Address of the `struct rq`. */
  runqueue: string | null;
}

/** Run queues of all CPUs that are there: one that a panic stopped is no longer online. @throws {DwarflessError} `NO_TYPES` */
export function listRunqueues(kernel: Kernel, gaps: Gaps): { rows: RunqueueRow[] } {
  const { program, perCpu } = kernel;
  const diagnostics: Diagnostic[] = [];
  const tasks = gaps.diagnosed(new TaskReader(kernel).all(diagnostics), diagnostics);
  const rows = perCpu.presentCpus.map((cpu): RunqueueRow => {
    const rq = gaps.column("runqueue", () => cpuRq(program, cpu));
    const current = rq && gaps.column("current", () => rq.member("curr").scalar() as bigint);
    const queued = tasks.filter(
      (task) =>
        // A kernel for one CPU does not keep its number.
        (task.cpu ?? 0) === cpu &&
        task.pid !== 0 &&
        task.address !== current &&
        gaps.column("queued", () => taskOnRqQueued(program, task.address)) === true,
    );
    const running = tasks.find(({ address }) => address === current);
    return {
      cpu,
      running: rq && gaps.column("running", () => rq.member("nr_running").number()),
      switches: rq && gaps.column("switches", () => rq.member("nr_switches").number()),
      current: running === undefined ? null : queuedTask(kernel, gaps, running),
      queued: queued.map((task) => queuedTask(kernel, gaps, task)),
      runqueue: rq?.address === undefined ? null : hex(rq.address),
    };
  });
  return { rows };
}

function queuedTask(kernel: Kernel, gaps: Gaps, task: Task): QueuedTask {
  const { program } = kernel;
  return {
    pid: task.pid,
    comm: task.comm,
    task: hex(task.address),
    class: gaps.column("class", () => schedClass(program, task.address) ?? null),
    priority: gaps.column("priority", () =>
      program.object(task.address, "struct task_struct").member("prio").number(),
    ),
  };
}

export function runqueueLines(rows: readonly RunqueueRow[]): Iterable<string> {
  const cells = (row: RunqueueRow, task: QueuedTask | null, mark: string): string[] => [
    String(row.cpu),
    mark,
    ...(task === null
      ? ["?", "?", "?", "?"]
      : [String(task.pid), cell(task.class), cell(task.priority), task.task.slice(2)]),
    mark === ">" ? `${cell(row.running)}, ${cell(row.switches)}` : "",
    task?.comm ?? "?",
  ];
  return tableLines(
    [
      { title: "CPU", align: "right" },
      { title: "" },
      { title: "PID", align: "right" },
      { title: "CLASS" },
      { title: "PRIO", align: "right" },
      { title: "TASK" },
      { title: "RUNNING, SWITCHES" },
      { title: "COMM" },
    ],
    rows.flatMap((row) => [cells(row, row.current, ">"), ...row.queued.map((task) => cells(row, task, ""))]),
  );
}
