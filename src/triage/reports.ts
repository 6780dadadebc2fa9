import type { LogLine } from "./log-text.ts";

/** What a report of the kernel is about. */
export type ReportKind =
  /** An exception that the kernel could not handle. */
  | "oops"
  /** `kernel BUG at`. */
  | "bug"
  | "warning"
  | "panic"
  /** A guard page or the end of a stack was hit. */
  | "stack-overflow"
  /** KASAN, KFENCE, SLUB, lists, reference counts: a check of memory failed. */
  | "memory-check"
  /** Another check that says `BUG:` and goes on. */
  | "check"
  | "hung-task"
  | "soft-lockup"
  | "hard-lockup"
  | "rcu-stall"
  | "out-of-memory"
  | "sysrq"
  | "nmi"
  | "machine-check"
  /** What a CPU ran, as another one asked. */
  | "backtrace";

/** The lines of one report. */
export interface Report {
  kind: ReportKind;
  /** The first. */
  title: LogLine;
  lines: LogLine[];
}

/** How reports begin (arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, arch/arm64/mm/fault.c, kernel/panic.c, lib/bug.c, …). */
const beginnings: readonly (readonly [RegExp, ReportKind])[] = [
  [/^Kernel panic - not syncing/, "panic"],
  [/^sysrq: Trigger a crash|^SysRq : Trigger a crash/, "sysrq"],
  [/^BUG: (?:\S+ )?stack guard page was hit at /, "stack-overflow"],
  [/^Insufficient stack space to handle exception!/, "stack-overflow"],
  [/^kernel stack overflow \(/, "stack-overflow"],
  [/^Thread overran stack, or stack corrupted/, "stack-overflow"],
  [/^(?:traps: )?PANIC: double fault, error_code:/, "oops"],
  [/^BUG: (?:kernel NULL pointer dereference|unable to handle )/, "oops"],
  [/^Unable to handle kernel .{1,80} at virtual address /, "oops"],
  [/^Unhandled fault/, "oops"],
  [/^Bad mode in /, "oops"],
  [/^kernel BUG at /, "bug"],
  [/^WARNING: .{0,400}(?:CPU: \d+ PID: \d+ at |, CPU#\d+: )/, "warning"],
  [/^INFO: task .{1,64}:\d+ (?:<[^>]*> )?blocked for more than \d+ seconds/, "hung-task"],
  [/^(?:NMI )?(?:watchdog: )?BUG: soft lockup - CPU#\d+ stuck for /, "soft-lockup"],
  [/(?:^|: )Watchdog detected hard LOCKUP on cpu/, "hard-lockup"],
  [/^(?:rcu: )?INFO: rcu\w* (?:self-)?detected (?:expedited )?stalls? on /, "rcu-stall"],
  [/^.{1,64} invoked oom-killer: /, "out-of-memory"],
  [/^Out of memory and no killable processes/, "out-of-memory"],
  [/^Uhhuh\. NMI received /, "nmi"],
  [/^NMI: (?:PCI system error|IOCK error)/, "nmi"],
  [/^(?:mce: )?\[Hardware Error\]: CPU \d+: Machine Check/, "machine-check"],
  [/^SError Interrupt on CPU\d+/, "machine-check"],
  [/^BUG: (?:KASAN|KFENCE): |^BUG: KCSAN: /, "memory-check"],
  [/^BUG \S.{0,64}: (?:.* overwritten|Object already free|Poison )/, "memory-check"],
  [
    /^(?:slab|list_(?:add|del)) corruption|^slub? double free|^BUG: Bad page (?:state|map|cache)/i,
    "memory-check",
  ],
  [/^refcount_t: /, "memory-check"],
  [/^BUG: /, "check"],
  [/^(?:CPU\d+: )?NMI backtrace for cpu \d+/, "backtrace"],
];
/** `Oops: 0000 [#1] PREEMPT SMP`, `Internal error: Oops: 0000000096000004 [#1] SMP`. */
export const dieLine: RegExp = /^(.{1,160}?): (?:0x)?([0-9a-f]{4,16}) \[#(\d{1,9})\]/;
const ending = /^---\[ end (?:trace|Kernel panic)/;
const cutHere = /^-{4,}\[ cut here \]-{4,}$/;
const boot = /^(?:Linux version \d|Booting Linux on physical CPU )/;
/** More lines than any report has: the rest is not its own. */
const maximumLines = 600;
const maximumReports = 10_000;

/**
 * The reports of a log, oldest first, of its last boot. Where lines say who wrote them, those of
 * several CPUs are told apart.
 */
export function findReports(lines: readonly LogLine[]): Report[] {
  const reports: Report[] = [];
  const open = new Map<string, Report>();
  for (const line of sinceBoot(lines)) {
    const { text } = line;
    const caller = line.caller ?? "";
    const current = open.get(caller);
    if (cutHere.test(text)) {
      open.delete(caller);
      continue;
    }
    if (ending.test(text)) {
      current?.lines.push(line);
      open.delete(caller);
      continue;
    }
    const kind = kindOf(text);
    if (kind !== undefined && !continues(current, kind)) {
      const report: Report = { kind, title: line, lines: [line] };
      open.set(caller, report);
      if (reports.length < maximumReports) reports.push(report);
    } else if (current !== undefined && current.lines.length < maximumLines) current.lines.push(line);
  }
  return reports;
}

function kindOf(text: string): ReportKind | undefined {
  for (const [beginning, kind] of beginnings) if (beginning.test(text)) return kind;
  return dieLine.test(text) ? "oops" : undefined;
}

/** A BUG, a fault or a stack overflow goes on with the exception that it ends in. */
function continues(current: Report | undefined, kind: ReportKind): boolean {
  if (current === undefined || kind !== "oops") return false;
  const canDie = current.kind === "oops" || current.kind === "bug" || current.kind === "stack-overflow";
  return canDie && !current.lines.some(({ text }) => dieLine.test(text));
}

/** A serial console and a journal may hold several boots: the last counts. */
function sinceBoot(lines: readonly LogLine[]): readonly LogLine[] {
  return lines.slice(
    Math.max(
      0,
      lines.findLastIndex(({ text }) => boot.test(text)),
    ),
  );
}
