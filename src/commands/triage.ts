import { type Kernel, releaseOf } from "../kernel/index.ts";
import { Gaps, printkRecords } from "../linux/index.ts";
import { Stacks } from "../stack/index.ts";
import {
  type BlockedTasks,
  type CodeKnowledge,
  type Evidence,
  freedObjects,
  judge,
  type Judgement,
  kernelKnowledge,
  linesOfMessage,
  type LogLine,
  membersAt,
  type MemoryFacts,
  stackOverrun,
} from "../triage/index.ts";
import { findStacks, stackRow, type StackRow, type TaskStack } from "./bt.ts";
import { listMemory } from "./kmem.ts";
import { findLocks, type LockRow } from "./locks.ts";
import { type SystemInfo, systemInfo } from "./sys.ts";

/** What `triage` says; `src/triage/README.md` has its members. Absent facts are null. */
export interface TriageReport extends Judgement {
  kernel: {
    release: string | null;
    version: string | null;
    buildId: string | null;
    architecture: string | null;
    panicked: boolean | null;
  };
  machine: Pick<
    SystemInfo,
    | "nodeName"
    | "cpus"
    | "date"
    | "uptime"
    | "loadAverage"
    | "threads"
    | "commandLine"
    | "taints"
    | "taintMask"
  > & {
    hardware: string | null;
  };
  stack: StackRow | null;
  /** Bytes. */
  memory: {
    total: number | null;
    free: number | null;
    cached: number | null;
    slab: number | null;
    swapTotal: number | null;
    swapFree: number | null;
  } | null;
  unread: string[];
}

/** Locks, and waiting tasks, that are evidence. */
const shownLocks = 8;

/** What each part is of, in the order in which they are read: the verdict needs the first ones. */
class Steps {
  readonly gaps: Gaps = new Gaps();
  readonly late: string[] = [];
  readonly #deadline: number | undefined;

  constructor(deadline: number | undefined) {
    this.#deadline = deadline;
  }

  get isLate(): boolean {
    return this.#deadline !== undefined && Date.now() >= this.#deadline;
  }

  /** A part's value; null where it cannot be read or the time is over, and the reason is kept. */
  read<Value>(name: string, part: () => Value): Value | null {
    if (this.isLate) {
      this.late.push(`${name}: not read before the deadline`);
      return null;
    }
    return this.gaps.column(name, part);
  }
}

/** From a dump to an answer. @param deadline as `Date.now()` counts */
export function triage(kernel: Kernel, deadline?: number): TriageReport {
  const steps = new Steps(deadline);
  const { gaps } = steps;
  const { foundation } = kernel;
  const log = steps.read("log", () => logOf(kernel, steps));
  const stacks = steps.read("stacks", () => new Stacks(kernel));
  const crashed =
    stacks === null ? null : steps.read("panicked task", () => panickedStack(kernel, stacks, deadline));
  let known: CodeKnowledge | undefined;
  const knowledge = (): CodeKnowledge => (known ??= kernelKnowledge(kernel));
  const memory: MemoryFacts = {
    panicked: stacks === null ? undefined : stacks.cpus.panicCpu !== undefined,
    stackOverrun: () =>
      crashed === null
        ? []
        : (steps.read("end of the stack", () => stackOverrun(kernel, crashed.task)) ?? []),
    blockedTasks: () =>
      steps.read("locks", () => blockedTasks(kernel, steps.gaps, deadline)) ?? {
        evidence: [],
        deadlock: undefined,
      },
    freedObjects: (record) =>
      steps.read("slab objects", () => freedObjects(kernel, record, knowledge())) ?? [],
  };
  const judgement = judge(log?.lines, {
    isLogPartial: log?.isPartial ?? true,
    memory,
    membersAt: (record) => steps.read("code", () => membersAt(record, knowledge())) ?? [],
  });
  const stack =
    stacks === null || crashed === null
      ? null
      : steps.read("stack", () => stackRow(stacks, crashed, { args: true }));
  const system = steps.read("machine", () => systemInfo(kernel, gaps));
  const hardware = steps.read("hardware", () => hardwareName(kernel));
  const use = steps.read("memory", () => memoryOf(kernel, gaps));
  return {
    kernel: {
      release: releaseOf(foundation) ?? null,
      version: system?.version ?? null,
      buildId: kernel.buildId?.text ?? null,
      architecture: foundation.memory.translation.architecture.name,
      panicked: memory.panicked ?? null,
    },
    machine: {
      nodeName: system?.nodeName ?? null,
      hardware: hardware ?? judgement.record?.hardware ?? null,
      cpus: system?.cpus ?? { online: "", present: "", possible: "", onlineCount: 0 },
      date: system?.date ?? null,
      uptime: system?.uptime ?? null,
      loadAverage: system?.loadAverage ?? null,
      threads: system?.threads ?? null,
      commandLine: system?.commandLine ?? null,
      taints: system?.taints ?? null,
      taintMask: system?.taintMask ?? null,
    },
    ...judgement,
    stack,
    memory: use,
    // What was wrong when the kernel was opened comes first: much of the rest follows from it.
    unread: [
      ...kernel.diagnostics.filter(({ severity }) => severity === "warning").map(({ text }) => text),
      ...gaps.diagnostics.map(({ text }) => text),
      ...steps.late,
    ],
  };
}

/** What can be said of a dump in which no kernel was found: nothing, and why. */
export function triageWithoutKernel(problem: string): TriageReport {
  const cpus = { online: "", present: "", possible: "", onlineCount: 0 };
  return {
    kernel: { release: null, version: null, buildId: null, architecture: null, panicked: null },
    machine: {
      nodeName: null,
      hardware: null,
      cpus,
      date: null,
      uptime: null,
      loadAverage: null,
      threads: null,
      commandLine: null,
      taints: null,
      taintMask: null,
    },
    ...judge(undefined),
    stack: null,
    memory: null,
    unread: [problem],
  };
}

/** Messages are looked at in pieces, so that a huge log is read in part rather than not at all. */
function logOf(kernel: Kernel, steps: Steps): { lines: LogLine[]; isPartial: boolean } {
  const lines: LogLine[] = [];
  let isPartial = false;
  let count = 0;
  for (const record of printkRecords(kernel, steps.gaps)) {
    if ((++count & 255) === 0 && steps.isLate) {
      steps.late.push("log: its end was not read before the deadline");
      isPartial = true;
      break;
    }
    if (record.text === undefined) isPartial = true;
    else lines.push(...linesOfMessage({ ...record, text: record.text }));
  }
  return { lines, isPartial };
}

/** Locks that tasks wait for, and rings of tasks among them. */
function blockedTasks(kernel: Kernel, gaps: Gaps, deadline: number | undefined): BlockedTasks {
  const { report } = findLocks(kernel, gaps, deadline === undefined ? {} : { deadline });
  const evidence: Evidence[] = [];
  for (const { kind, lock, symbol, holder, holderIs, waiters } of report.locks.slice(0, shownLocks)) {
    const name = symbol === null ? lock : `${symbol} (${lock})`;
    const held =
      holder === null
        ? "nobody is noted as its holder"
        : `${holderText(holderIs)} ${holder.comm} (PID ${holder.pid})`;
    const waiting = waiters.map(({ comm, pid }) => `${comm} (PID ${pid})`).join(", ");
    const verb = waiters.length === 1 ? "waits" : "wait";
    evidence.push({ kind: "memory", address: lock, text: `${waiting} ${verb} for ${kind} ${name}; ${held}` });
  }
  for (const { comm, pid, function: where, kind, on } of report.others.slice(0, shownLocks)) {
    const what = on === null ? (where ?? "nothing that is known") : `${kind ?? ""} ${on}`.trim();
    evidence.push({
      kind: "memory",
      address: null,
      text: `${comm} (PID ${pid}) is in uninterruptible sleep: ${what}`,
    });
  }
  const cycle = report.cycles[0]?.tasks.map(({ comm, pid }) => `${comm} (PID ${pid})`);
  return { evidence, deadlock: cycle?.join(" and ") };
}

function holderText(how: LockRow["holderIs"]): string {
  if (how === "owner") return "held by";
  return how === "last-reader" ? "last taken for reading by" : "last taken by";
}

/** The task that panicked; null where none did. */
function panickedStack(kernel: Kernel, stacks: Stacks, deadline: number | undefined): TaskStack | null {
  if (stacks.cpus.panicCpu === undefined) return null;
  const { found } = findStacks(kernel, { deadline });
  for (const each of found) return each;
  return null;
}

/** What dump_stack prints as `Hardware name`; static, and so without a type (lib/dump_stack.c). */
function hardwareName(kernel: Kernel): string | null {
  const address = kernel.foundation.symbols.addressOf("dump_stack_arch_desc_str");
  if (address === undefined) return null;
  const bytes = kernel.foundation.memory.read(address, 128);
  const end = bytes.indexOf(0);
  const text = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end))
    .toString("latin1")
    .trim();
  return /^[\x20-\x7e]+$/.test(text) ? text : null;
}

function memoryOf(kernel: Kernel, gaps: Gaps): NonNullable<TriageReport["memory"]> {
  const names = ["MemTotal", "MemFree", "Cached", "SReclaimable", "SUnreclaim", "SwapTotal", "SwapFree"];
  const { rows } = listMemory(kernel, gaps, new Set(names));
  const size = (...names: string[]): number | null => {
    const sizes = names.map((name) => rows.find((row) => row.name === name)?.size ?? null);
    return sizes.includes(null) ? null : sizes.reduce<number>((sum, each) => sum + each!, 0);
  };
  return {
    total: size("MemTotal"),
    free: size("MemFree"),
    cached: size("Cached"),
    slab: size("SReclaimable", "SUnreclaim"),
    swapTotal: size("SwapTotal"),
    swapFree: size("SwapFree"),
  };
}
