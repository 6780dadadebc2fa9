import type { Kernel } from "../kernel/index.ts";
import { type Gaps, queuedSignals, signalActions, signalName, signalsOf } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { chosenTasks, taskObject } from "./tasks.ts";

/** What a process does on a signal, where that is not the default. */
export interface SignalActionRow {
  signal: string;
  /** Address of its function, or `ignore`. */
  handler: string;
  /** `SA_RESTART`, …; what has no name as `0x…`. */
  flags: string[];
  /** Signals that wait while the function runs. */
  mask: string[];
}

/** A signal that was sent and waits, with its sender where a process sent it. */
export interface QueuedSignalRow {
  signal: string;
  /** To the one thread, or to its process. */
  to: "thread" | "process";
  code: number;
  pid: number | null;
  uid: number | null;
}

/** Signals of a thread as JSON has them. */
export interface SignalRow {
  pid: number;
  tgid: number;
  comm: string;
  task: string;
  blocked: string[] | null;
  /** Pending for this thread, and for its process. */
  pending: string[] | null;
  sharedPending: string[] | null;
  queued: QueuedSignalRow[];
  /** Null for a process that has ended. */
  actions: SignalActionRow[] | null;
}

/** Flags of `struct sigaction` (include/uapi/asm-generic/signal-defs.h; SA_RESTORER is the architecture's). */
const actionFlags: readonly (readonly [flag: bigint, name: string])[] = [
  [0x1n, "SA_NOCLDSTOP"],
  [0x2n, "SA_NOCLDWAIT"],
  [0x4n, "SA_SIGINFO"],
  [0x800n, "SA_EXPOSE_TAGBITS"],
  [0x400_0000n, "SA_RESTORER"],
  [0x800_0000n, "SA_ONSTACK"],
  [0x1000_0000n, "SA_RESTART"],
  [0x4000_0000n, "SA_NODEFER"],
  [0x8000_0000n, "SA_RESETHAND"],
];

/** Signals of threads by PID; of the leaders of all processes without any. @throws {UsageError} */
export function listSignals(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: SignalRow[]; missing: string[] } {
  const { tasks, missing } = chosenTasks(kernel, gaps, targets);
  // Without a PID only those of processes: nobody sends signals to threads of the kernel.
  const chosen = targets.length > 0 ? tasks : tasks.filter(({ isKernelThread }) => !isKernelThread);
  const rows = chosen.map((task): SignalRow => {
    const object = taskObject(kernel, task);
    const signal = gaps.column("signal", () => object.member("signal").read());
    const sighand = gaps.column("sighand", () => object.member("sighand").read());
    const shared = signal === null || signal.isNull ? undefined : signal.member("shared_pending");
    const set = (column: string, of: () => KernelObject): string[] | null =>
      gaps.column(column, () => signalsOf(of()).map(signalName));
    const queue = (to: "thread" | "process", pending: KernelObject): QueuedSignalRow[] =>
      [...gaps.walk(queuedSignals(pending))].map((each) => ({
        signal: signalName(each.signal),
        to,
        code: each.code,
        pid: each.pid ?? null,
        uid: each.uid ?? null,
      }));
    return {
      pid: task.pid,
      tgid: task.tgid,
      comm: task.comm,
      task: hex(task.address),
      blocked: set("blocked", () => object.member("blocked")),
      pending: set("pending", () => object.subobject("pending.signal")),
      sharedPending: shared === undefined ? null : set("shared_pending", () => shared.member("signal")),
      queued: [
        ...queue("thread", object.member("pending")),
        ...(shared === undefined ? [] : queue("process", shared)),
      ],
      actions: sighand === null || sighand.isNull ? null : gaps.column("actions", () => actionsOf(sighand)),
    };
  });
  return { rows, missing };
}

function actionsOf(sighand: KernelObject): SignalActionRow[] {
  return signalActions(sighand)
    .filter(({ handler }) => handler !== "SIG_DFL")
    .map(({ signal, handler, flags, mask }) => ({
      signal: signalName(signal),
      handler: typeof handler === "bigint" ? hex(handler) : "ignore",
      flags: flagNames(flags),
      mask: mask.map(signalName),
    }));
}

function flagNames(flags: bigint): string[] {
  const known = actionFlags.filter(([flag]) => (flags & flag) !== 0n);
  const rest = known.reduce((left, [flag]) => left & ~flag, flags);
  return [...known.map(([, name]) => name), ...(rest === 0n ? [] : [hex(rest)])];
}

/** Some lines for each thread: what is blocked, pending, queued, and done on it; what there is nothing of is left out. */
export function* signalLines(rows: readonly SignalRow[]): Generator<string> {
  const list = (names: readonly string[]): string => names.map((name) => name.replace(/^SIG/, "")).join(" ");
  for (const [index, row] of rows.entries()) {
    if (index > 0) yield "";
    const group = row.pid === row.tgid ? "" : `  TGID: ${row.tgid}`;
    yield `PID: ${row.pid}${group}  TASK: ${row.task.slice(2)}  COMM: ${row.comm}`;
    for (const [title, names] of [
      ["blocked", row.blocked],
      ["pending", row.pending],
      ["pending for the process", row.sharedPending],
    ] as const) {
      if (names === null) yield `  ${title}: ?`;
      else if (names.length > 0) yield `  ${title}: ${list(names)}`;
    }
    for (const { signal, to, code, pid, uid } of row.queued) {
      const sender = pid === null ? "" : `, from PID ${pid} of UID ${uid}`;
      yield `  queued to the ${to}: ${list([signal])}, code ${code}${sender}`;
    }
    for (const { signal, handler, flags, mask } of row.actions ?? []) {
      const masked = mask.length === 0 ? "" : `  mask ${list(mask)}`;
      const name = handler === "ignore" ? handler : handler.slice(2);
      yield `  ${list([signal]).padEnd(10)} ${name.padEnd(16)} ${flags.join(" ")}${masked}`.trimEnd();
    }
  }
}
