import { type Diagnostic, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type Gaps, type MemoryUse, memoryUse, type Task, TaskReader } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { parseAddress } from "./sym.ts";
import { cell, tableLines } from "./table.ts";

/** A thread as JSON has it. */
export interface ThreadRow {
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
}

export interface ThreadQuery {
  /** PIDs, addresses of tasks, names and patterns of names; all threads without any. */
  targets?: readonly string[];
  /** Letters of states. */
  states?: string | undefined;
  /** Only what the CPUs ran. */
  active?: boolean;
  /** Only threads of the kernel, or only those of processes. */
  kernel?: boolean | undefined;
  /** Only leaders of thread groups. */
  leaders?: boolean;
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
  let tasks = gaps.diagnosed(reader.all(diagnostics), diagnostics);
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
  if (query.leaders === true) tasks = tasks.filter(({ pid, tgid }) => pid === tgid);
  const uses = new Map<bigint, MemoryUse>();
  return { rows: tasks.map((task) => threadRow(kernel, gaps, task, uses)), missing };
}

/** What a PID, an address, a name or a pattern of names stands for. */
function taskFilter(target: string): (task: Task) => boolean {
  if (/^\d{1,10}$/.test(target)) return ({ pid }) => pid === Number(target);
  const address = parseAddress(target);
  if (address !== undefined) return (task) => task.address === address;
  const pattern = globPattern(target);
  return ({ comm }) => pattern.test(comm);
}

function threadRow(kernel: Kernel, gaps: Gaps, task: Task, uses: Map<bigint, MemoryUse>): ThreadRow {
  const use = gaps.column("memory", () => memoryUse(kernel.program, task.address, uses));
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
  };
}

const columns = [
  { title: "" },
  { title: "PID", align: "right" },
  { title: "TGID", align: "right" },
  { title: "PPID", align: "right" },
  { title: "CPU", align: "right" },
  { title: "TASK" },
  { title: "ST" },
  { title: "VSZ KIB", align: "right" },
  { title: "RSS KIB", align: "right" },
  { title: "COMM" },
] as const;

/** Threads as a table; `>` marks what the CPUs ran, brackets threads of the kernel. */
export function threadLines(rows: readonly ThreadRow[]): Iterable<string> {
  const kib = (bytes: number | null): string => (bytes === null ? "-" : String(bytes / 1024));
  return tableLines(
    columns,
    rows.map((row) => [
      row.active ? ">" : "",
      String(row.pid),
      String(row.tgid),
      cell(row.ppid),
      cell(row.cpu),
      row.task.slice(2),
      row.state,
      kib(row.virtualSize),
      kib(row.residentSize),
      row.kernel ? `[${row.comm}]` : row.comm,
    ]),
  );
}
