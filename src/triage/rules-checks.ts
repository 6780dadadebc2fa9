import type { Facts, Rule } from "./facts.ts";
import { innermostFrames, linesThat, logEvidence } from "./findings.ts";
import { plainName } from "./core-functions.ts";
import type { Report } from "./reports.ts";
import type { Evidence } from "./verdict.ts";
import { whereOf } from "./rules-exceptions.ts";

/** As many frames of one function tell of a recursion. */
const recursionDepth = 8;

/** The line of the panic itself. */
function panicLine({ panicReport }: Facts): Evidence[] {
  return panicReport === undefined ? [] : [logEvidence(panicReport.title)];
}

function titleOf(report: Report | undefined): Evidence[] {
  return report === undefined ? [] : [logEvidence(report.title)];
}

/** Someone asked for the crash: echo c > /proc/sysrq-trigger. */
export const sysrq: Rule = (facts) => {
  const { panic, cause, reports } = facts;
  const asked = reports.find(({ kind }) => kind === "sysrq");
  // Until v5.4 the crash was made by a write to NULL.
  const byFault = cause?.place?.symbol === "sysrq_handle_crash";
  if (!/sysrq triggered crash/.test(panic?.panicReason ?? "") && !(byFault && asked !== undefined))
    return undefined;
  return {
    class: "sysrq",
    summary: "the crash was asked for: sysrq c",
    confidence: "certain",
    evidence: [...titleOf(asked), ...panicLine(facts), ...(byFault ? titleOf(facts.causeReport) : [])],
  };
};

/** The processor or firmware reported a hardware error that ended the kernel. */
export const machineCheck: Rule = (facts) => {
  const { panic, cause, causeReport } = facts;
  const isReason = /machine check|SError|Fatal hardware error|Memory error/i.test(panic?.panicReason ?? "");
  if (cause?.kind !== "machine-check" && !isReason) return undefined;
  return {
    class: "machine-check",
    summary: `the processor reported a hardware error: ${panic?.panicReason ?? cause!.title}`,
    confidence: "certain",
    evidence: [
      ...titleOf(causeReport),
      ...linesThat(causeReport, /^(?:mce: )?\[Hardware Error\]: (?!CPU)/),
      ...panicLine(facts),
    ],
  };
};

/** A stack that was too small: its guard page, its end mark, or both. */
export const stackOverflow: Rule = (facts) => {
  const { panic, cause, causeReport, memory } = facts;
  const reason = panic?.panicReason ?? "";
  const isReason = /corrupted stack end detected|^kernel stack overflow/.test(reason);
  const isReport = cause?.kind === "stack-overflow";
  const overrun = memory?.panicked === true ? memory.stackOverrun() : [];
  if (!isReason && !isReport && overrun.length === 0) return undefined;
  const frames = innermostFrames(cause ?? panic);
  const repeated = recursion(frames.map(({ symbol }) => symbol));
  const pattern =
    /guard page|^Insufficient stack|^kernel stack overflow|^Thread overran|double fault|^RIP: 0010|^RSP: 0018|^sp : |^pc : |^Task stack|^Overflow stack/;
  const again =
    repeated === undefined ? "" : `: ${repeated.name} calls itself, at least ${repeated.count} frames deep`;
  return {
    class: "stack-overflow",
    summary: `the kernel stack overflowed in ${whereOf((cause ?? panic)!)}${again}`,
    confidence: isReason || isReport ? "certain" : "likely",
    evidence: [...linesThat(causeReport, pattern, 6), ...panicLine(facts), ...overrun],
  };
};

/** The function that a trace has most often, where it is often. */
function recursion(symbols: readonly (string | null)[]): { name: string; count: number } | undefined {
  const counts = new Map<string, number>();
  for (const symbol of symbols) {
    if (symbol !== null) counts.set(plainName(symbol), (counts.get(plainName(symbol)) ?? 0) + 1);
  }
  const [name, count] = [...counts].sort((left, right) => right[1] - left[1])[0] ?? ["", 0];
  return count >= recursionDepth ? { name, count } : undefined;
}

/** WARNING, and kernel.panic_on_warn. */
export const warning: Rule = (facts) => {
  const { cause, causeReport, panic } = facts;
  if (cause?.kind !== "warning") return undefined;
  const at = cause.source === null ? "" : ` at ${cause.source}`;
  const end = panic === undefined ? "" : ", and panic_on_warn made it a panic";
  return {
    class: "warning",
    summary: `the kernel warned${at} in ${whereOf(cause)}${end}`,
    confidence: "certain",
    evidence: [...titleOf(causeReport), ...linesThat(causeReport, /^RIP: 0010|^pc : /), ...panicLine(facts)],
  };
};

/** Tasks that wait without end. */
export const hungTask: Rule = (facts) => {
  const { panic, cause, causeReport, reports, memory } = facts;
  if (cause?.kind !== "hung-task") return undefined;
  const hung = reports.filter(
    ({ kind, title }) => kind === "hung-task" && title.sequence <= (panic?.sequence ?? Infinity),
  );
  const names = [
    ...new Set(hung.map(({ title }) => /^INFO: task (.{1,64}:\d+)/.exec(title.text)?.[1] ?? "?")),
  ];
  const more = names.length > 1 ? ` (and ${names.length - 1} more)` : "";
  const blocked = memory?.blockedTasks();
  const why = blocked?.deadlock === undefined ? "" : `: a deadlock of ${blocked.deadlock}`;
  const task = `task ${cause.comm ?? "?"} (PID ${cause.pid ?? "?"})`;
  return {
    class: "hung-task",
    summary: `${task} hangs in ${waitText(facts)}${more}${why}`,
    confidence: "certain",
    evidence: [
      ...hung.slice(-6).map(({ title }) => logEvidence(title)),
      ...linesThat(causeReport, /^INFO: task .* (?:is )?blocked on /),
      ...panicLine(facts),
      ...(blocked?.evidence ?? []),
    ],
    context: "process",
  };
};

function waitText({ cause }: Facts): string {
  const frames = innermostFrames(cause).filter(({ symbol }) => symbol !== null);
  const lock = frames.find(({ symbol }) =>
    /^(?:__)?(?:mutex_lock|rt_mutex|down|rwsem|wait_for|io_schedule)/.test(symbol!),
  );
  const where = frames.find(({ symbol }) => !/^(?:__)?schedule|^__switch_to/.test(symbol!));
  return plainName((lock ?? where)?.symbol ?? "uninterruptible sleep");
}

/** A CPU that did not let others run. */
export const softLockup: Rule = (facts) => {
  const { cause, causeReport } = facts;
  if (cause?.kind !== "soft-lockup") return undefined;
  const seconds = /stuck for (\d+)s/.exec(cause.title)?.[1];
  return {
    class: "soft-lockup",
    summary: `CPU ${cause.cpu ?? "?"} did not schedule for ${seconds ?? "?"} s, in ${whereOf(cause)}`,
    confidence: "certain",
    evidence: [...titleOf(causeReport), ...linesThat(causeReport, /^RIP: 0010|^pc : /), ...panicLine(facts)],
  };
};

/** A CPU that took no interrupts. */
export const hardLockup: Rule = (facts) => {
  const { cause, causeReport, panic } = facts;
  if (cause?.kind !== "hard-lockup" && !/Hard LOCKUP/.test(panic?.panicReason ?? "")) return undefined;
  return {
    class: "hard-lockup",
    summary: `CPU ${cause?.cpu ?? panic?.cpu ?? "?"} took no interrupts, in ${whereOf((cause ?? panic)!)}`,
    confidence: "certain",
    evidence: [...titleOf(causeReport), ...linesThat(causeReport, /^RIP: 0010|^pc : /), ...panicLine(facts)],
  };
};

/** A CPU or task that kept a grace period from ending. */
export const rcuStall: Rule = (facts) => {
  const { cause, causeReport, panic } = facts;
  if (cause?.kind !== "rcu-stall" && !/RCU Stall/.test(panic?.panicReason ?? "")) return undefined;
  return {
    class: "rcu-stall",
    summary: `an RCU grace period could not end: ${stalledText(facts)}`,
    confidence: "certain",
    evidence: [
      ...titleOf(causeReport),
      ...linesThat(causeReport, /^(?:rcu: )?\s*(?:\d+-|\(|Tasks blocked|P\d+)/),
      ...panicLine(facts),
    ],
  };
};

function stalledText({ cause }: Facts): string {
  if (cause === undefined) return "nothing says where";
  const cpu = cause.cpu === null ? "" : `CPU ${cause.cpu} was `;
  return `${cpu}in ${whereOf(cause)}`;
}

/** Memory ran out. */
export const outOfMemory: Rule = (facts) => {
  const { cause, causeReport, panic, reports } = facts;
  const isReason = /Out of memory|deadlocked on memory|no killable processes/.test(panic?.panicReason ?? "");
  if (cause?.kind !== "out-of-memory" && !isReason) return undefined;
  const last = causeReport ?? reports.findLast(({ kind }) => kind === "out-of-memory");
  const killed = linesThat(last, /^(?:Memory cgroup out of memory|Out of memory): Killed process/, 2);
  const end = panic === undefined ? "" : `: ${panic.panicReason ?? ""}`;
  return {
    class: "out-of-memory",
    summary: `memory ran out${end}`,
    confidence: "certain",
    evidence: [
      ...titleOf(last),
      ...linesThat(last, /^Node \d+ (?:DMA|Normal)\S* free:|^\d+ pages RAM|^Mem-Info/, 3),
      ...killed,
      ...panicLine(facts),
    ],
  };
};

/** An interrupt that cannot be masked came, and nobody knew why. */
export const nmi: Rule = (facts) => {
  const { cause, causeReport, panic } = facts;
  if (cause?.kind !== "nmi" && panic?.panicReason?.startsWith("NMI") !== true) return undefined;
  return {
    class: "nmi",
    summary:
      panic === undefined
        ? "an NMI came that nobody asked for"
        : `an NMI ended the kernel: ${panic.panicReason ?? ""}`,
    confidence: "certain",
    evidence: [...titleOf(causeReport), ...panicLine(facts)],
    context: "nmi",
  };
};

/** A panic by its own words. */
export const panicByName: Rule = (facts) => {
  const { panic, cause } = facts;
  if (panic === undefined) return undefined;
  return {
    class: "panic",
    summary: `panic in ${whereOf(panic)}: ${panic.panicReason ?? ""}`,
    confidence: "certain",
    evidence: [...panicLine(facts), ...(cause === undefined ? [] : titleOf(facts.causeReport))],
  };
};

/** A check that failed, after which the kernel ran on. */
export const failedCheck: Rule = (facts) => {
  const { cause, causeReport } = facts;
  if (cause?.kind !== "check" && cause?.kind !== "memory-check") return undefined;
  return {
    class: "warning",
    summary: `the kernel found: ${cause.title}`,
    confidence: "certain",
    evidence: [...titleOf(causeReport), ...panicLine(facts)],
  };
};
