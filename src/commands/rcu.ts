import type { Kernel } from "../kernel/index.ts";
import { forEachRcuBlockedTask, forEachRcuCpu, type Gaps, rcuGracePeriod } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { tableLines } from "./table.ts";

/** What RCU waits for, as JSON has it. */
export interface RcuInfo {
  /** Number of the grace period, as messages about stalls have it (`g=`); its low two bits are its state. */
  gracePeriod: string | null;
  inProgress: boolean | null;
  /** PID of the thread that drives it. */
  thread: number | null;
  cpus: readonly RcuCpuRow[];
  /** Tasks that were preempted while they read, and are waited for. */
  blocked: readonly RcuTaskRow[];
}

export interface RcuCpuRow {
  cpu: number;
  /** Grace period that the CPU has noticed. */
  gracePeriod: string;
  /** It has still to pass through a quiescent state, of the grace period that it has noticed. */
  owesQuiescentState: boolean;
  /** Of that grace period. */
  ticks: number;
  /** Callbacks that wait there. */
  callbacks: number;
}

export interface RcuTaskRow {
  pid: number | null;
  comm: string | null;
  task: string;
}

export function rcuInfo(kernel: Kernel, gaps: Gaps): RcuInfo {
  const { program } = kernel;
  const period = gaps.column("grace period", () => rcuGracePeriod(program));
  const cpus = gaps.column("CPUs", () =>
    [...forEachRcuCpu(program)].map(({ sequence, ...rest }): RcuCpuRow => {
      return { ...rest, gracePeriod: String(sequence.word) };
    }),
  );
  const blocked: RcuTaskRow[] = [];
  try {
    for (const task of gaps.walk(forEachRcuBlockedTask(program))) {
      blocked.push({
        pid: gaps.column("pid", () => task.member("pid").number()),
        comm: gaps.column("comm", () => task.member("comm").string()),
        task: hex(task.address!),
      });
    }
  } catch (error) {
    gaps.note("blocked tasks", error);
  }
  return {
    gracePeriod: period === null ? null : String(period.word),
    inProgress: period?.inProgress ?? null,
    thread:
      period === null ? null : gaps.column("thread", () => period.thread?.member("pid").number() ?? null),
    cpus: cpus ?? [],
    blocked,
  };
}

export function* rcuLines(info: RcuInfo): Generator<string> {
  const state = info.inProgress === null ? "?" : info.inProgress ? "in progress" : "none in progress";
  yield `grace period ${info.gracePeriod ?? "?"}, ${state}, driven by PID ${info.thread ?? "?"}`;
  yield* tableLines(
    [
      { title: "CPU", align: "right" },
      { title: "GRACE PERIOD", align: "right" },
      { title: "TICKS", align: "right" },
      { title: "CALLBACKS", align: "right" },
      { title: "QUIESCENT STATE" },
    ],
    info.cpus.map((row) => [
      String(row.cpu),
      row.gracePeriod,
      String(row.ticks),
      String(row.callbacks),
      row.gracePeriod !== info.gracePeriod ? "not begun" : row.owesQuiescentState ? "owed" : "passed",
    ]),
  );
  for (const { pid, comm, task } of info.blocked) {
    yield `waits for PID ${pid ?? "?"} (${comm ?? "?"}), preempted while it read: ${task.slice(2)}`;
  }
}
