import { type Diagnostic, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  type Gaps,
  type MemoryUse,
  memoryUse,
  type SchedulingPolicy,
  type Task,
  taskPolicy,
  TaskReader,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { detailLines, type DetailQuery, DetailReader, type ThreadDetails } from "./ps-details.ts";
import { parseAddress } from "./sym.ts";
import { cell, type Column, tableLines } from "./table.ts";
import { taskObject } from "./tasks.ts";

/** A thread as JSON has it. */
export interface ThreadRow extends ThreadDetails {
  pid: number;
  tgid: number;
  ppid: number | null;
  /** As /proc/PID/stat has it: R, S, D, T, t, X, Z, P, I. */
  state: string;
  /** The CPU it is on, or was on last. */
  cpu: number | null;
  comm: string;
  task: string;
  /** True while it has the CPU. */
  active: boolean;
  /** True for threads of the kernel. */
  kernel: boolean;
  /** Bytes of its address space, and of them in memory; null for threads of the kernel. */
  virtualSize: number | null;
  residentSize: number | null;
  /** Effective one, as the first user namespace counts. */
  uid: number | null;
  /** `NORMAL`, `FIFO`, …; nice value; priority of FIFO and RR, otherwise 0. */
  policy: string | null;
  nice: number | null;
  realtimePriority: number | null;
  /** Seconds, by the scheduler's clock, when it got the CPU last; 0 for never. */
  lastRun: number | null;
}

export interface ThreadQuery extends DetailQuery {
  /** PIDs, addresses of tasks, names and patterns of names, `/REGULAR EXPRESSION/`; all threads without any. */
  targets?: readonly string[];
  /** Letters of states. */
  states?: string | undefined;
  /** Only what the CPUs ran. */
  active?: boolean;
  /** Only threads of the kernel, or only those of processes. */
  kernel?: boolean | undefined;
  /** Only leaders of thread groups. */
  leaders?: boolean;
  /** Scheduling policies, by name. */
  policies?: readonly string[] | undefined;
  /** Those that ran last first. */
  byLastRun?: boolean;
}

const stateLetters = /^[RSDTtXZPI,]+$/;

/**
 * Threads, the idle ones of the CPUs first, others by PID.
 * @throws {UsageError} for letters of no state
 * @throws {DwarflessError} `NO_TYPES`
 */
export function listThreads(
  kernel: Kernel,
  gaps: Gaps,
  query: ThreadQuery = {},
): { rows: ThreadRow[]; missing: string[] } {
  const { targets = [], states } = query;
  if (states !== undefined && !stateLetters.test(states)) {
    throw new UsageError(`--state: '${states}' has letters beyond RSDTtXZPI`);
  }
  const diagnostics: Diagnostic[] = [];
  const reader = new TaskReader(kernel);
  const all = gaps.diagnosed(reader.all(diagnostics), diagnostics);
  let tasks = all;
  const missing: string[] = [];
  if (targets.length > 0) {
    const filters = targets.map((target) => ({ target, fits: taskFilter(target) }));
    for (const { target, fits } of filters) if (!tasks.some(fits)) missing.push(target);
    tasks = tasks.filter((task) => filters.some(({ fits }) => fits(task)));
  }
  if (states !== undefined) tasks = tasks.filter(({ state }) => states.includes(state));
  if (query.active === true) tasks = tasks.filter(({ onCpu }) => onCpu);
  if (query.kernel !== undefined) {
    tasks = tasks.filter(({ isKernelThread }) => isKernelThread === query.kernel);
  }
  if (query.leaders === true || query.group === true) tasks = tasks.filter(({ pid, tgid }) => pid === tgid);
  const uses = new Map<bigint, MemoryUse>();
  const details = new DetailReader(kernel, gaps, query, all);
  let rows = tasks.map((task) => ({ ...threadRow(kernel, gaps, task, uses), ...details.read(task) }));
  const { policies } = query;
  if (policies !== undefined)
    rows = rows.filter(({ policy }) => policy !== null && policies.includes(policy));
  if (query.byLastRun === true) rows.sort((left, right) => (right.lastRun ?? 0) - (left.lastRun ?? 0));
  return { rows, missing };
}

/** What a PID, an address, a name or a pattern of names stands for. */
function taskFilter(target: string): (task: Task) => boolean {
  if (/^\d{1,10}$/.test(target)) return ({ pid }) => pid === Number(target);
  const address = parseAddress(target);
  if (address !== undefined) return (task) => task.address === address;
  const pattern = /^\/.+\/$/.test(target) ? regularExpression(target.slice(1, -1)) : globPattern(target);
  return ({ comm }) => pattern.test(comm);
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch {
    throw new UsageError(`'${text}' is no regular expression`);
  }
}

function threadRow(kernel: Kernel, gaps: Gaps, task: Task, uses: Map<bigint, MemoryUse>): ThreadRow {
  const use = gaps.column("memory", () => memoryUse(kernel.program, task.address, uses));
  const object = taskObject(kernel, task);
  const policy: SchedulingPolicy | null = gaps.column("policy", () => taskPolicy(object));
  return {
    pid: task.pid,
    tgid: task.tgid,
    ppid: task.ppid ?? null,
    state: task.state,
    cpu: task.cpu ?? null,
    comm: task.comm,
    task: hex(task.address),
    active: task.onCpu,
    kernel: task.isKernelThread,
    virtualSize: use?.virtualSize ?? null,
    residentSize: use?.residentSize ?? null,
    uid: gaps.column("uid", () => object.member("real_cred").subobject("euid.val").number()),
    policy: policy?.policy ?? null,
    nice: policy?.nice ?? null,
    realtimePriority: policy?.realtimePriority ?? null,
    lastRun: gaps.column("lastRun", () => Number(object.subobject("sched_info.last_arrival").scalar()) / 1e9),
  };
}

const columns: readonly Column[] = [
  { title: "" },
  { title: "PID", align: "right" },
  { title: "TGID", align: "right" },
  { title: "PPID", align: "right" },
  { title: "UID", align: "right" },
  { title: "CPU", align: "right" },
  { title: "TASK" },
  { title: "ST" },
  { title: "VSZ KIB", align: "right" },
  { title: "RSS KIB", align: "right" },
];

/** What the table shows beside what it always does. */
export interface ThreadTextOptions {
  lastRun?: boolean;
  policies?: boolean;
}

/**
 * Threads as a table; `>` marks what the CPUs ran, brackets threads of the kernel. Details of a thread follow its
 * line.
 */
export function* threadLines(
  rows: readonly ThreadRow[],
  { lastRun = false, policies = false }: ThreadTextOptions = {},
): Generator<string> {
  const kib = (bytes: number | null): string => (bytes === null ? "-" : String(bytes / 1024));
  const table = tableLines(
    [
      ...columns,
      ...(lastRun ? [{ title: "LAST RUN", align: "right" } as const] : []),
      ...(policies ? [{ title: "POLICY" }, { title: "PRIO", align: "right" } as const] : []),
      { title: "COMM" },
    ],
    rows.map((row) => [
      row.active ? ">" : "",
      String(row.pid),
      String(row.tgid),
      cell(row.ppid),
      cell(row.uid),
      cell(row.cpu),
      row.task.slice(2),
      row.state,
      kib(row.virtualSize),
      kib(row.residentSize),
      ...(lastRun ? [row.lastRun?.toFixed(6) ?? "?"] : []),
      ...(policies ? [cell(row.policy), priorityText(row)] : []),
      row.kernel ? `[${row.comm}]` : row.comm,
    ]),
  );
  let index = -1;
  for (const line of table) {
    yield line;
    const row = rows[index++];
    if (row !== undefined) yield* detailLines(row);
  }
}

/** Of FIFO and RR the priority, of others the nice value. */
function priorityText({ realtimePriority, nice }: ThreadRow): string {
  return realtimePriority !== null && realtimePriority > 0 ? String(realtimePriority) : cell(nice);
}

/** How many threads are in each state, the most frequent first. */
export function* stateLines(rows: readonly ThreadRow[]): Generator<string> {
  const counts = new Map<string, number>();
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const [state, count] of [...counts].sort((left, right) => right[1] - left[1]))
    yield `${state}: ${count}`;
}
