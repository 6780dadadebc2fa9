import type { LogLine } from "./log-text.ts";
import { readReport, sureFrames } from "./oops-record.ts";
import type { Place, TraceFrame } from "./place.ts";
import type { OopsRecord } from "./record-parts.ts";
import { findReports, type Report, type ReportKind } from "./reports.ts";
import type { Evidence } from "./verdict.ts";

/** What a log says of a crash. */
export interface LogFindings {
  reports: readonly Report[];
  /** `Kernel panic - not syncing`; undefined where there was none, or crash_kexec came before it. */
  panic: OopsRecord | undefined;
  /** What led to the panic, or without one the gravest report; undefined without either. */
  cause: OopsRecord | undefined;
  causeReport: Report | undefined;
  panicReport: Report | undefined;
}

/** What a panic's reason says its cause was. */
const causes: readonly (readonly [RegExp, readonly ReportKind[]])[] = [
  [/sysrq triggered crash/, ["sysrq"]],
  [/kasan\.fault=panic|kfence|kmsan/i, ["memory-check"]],
  [/panic_on_warn set/, ["warning", "memory-check", "check"]],
  [/hung_task: blocked tasks/, ["hung-task"]],
  [/softlockup: hung tasks/, ["soft-lockup"]],
  [/Hard LOCKUP/, ["hard-lockup"]],
  [/RCU Stall/, ["rcu-stall"]],
  [/Out of memory|deadlocked on memory|no killable processes/, ["out-of-memory"]],
  [/machine check|SError/i, ["machine-check"]],
  [/NMI: Not continuing|NMI IOCK error/, ["nmi"]],
  [/kernel stack overflow/, ["stack-overflow"]],
  [/Fatal exception|Attempted to kill|Aiee|Fatal hardware error/, ["oops", "bug", "stack-overflow"]],
];
/** Without a panic: what counts, the gravest first. */
const gravity: readonly (readonly ReportKind[])[] = [
  ["oops", "bug", "stack-overflow", "machine-check"],
  ["hard-lockup", "soft-lockup", "rcu-stall", "hung-task"],
  ["memory-check", "warning", "check", "out-of-memory", "nmi"],
];

/** Which reports of a log tell what happened. */
export function findInLog(lines: readonly LogLine[]): LogFindings {
  const reports = findReports(lines);
  // Nothing that comes behind the first panic led to it.
  const panicIndex = reports.findIndex(({ kind }) => kind === "panic");
  const panicReport = reports[panicIndex];
  const panic = panicReport === undefined ? undefined : readReport(panicReport);
  const before = panicIndex < 0 ? reports : reports.slice(0, panicIndex);
  const causeReport = panic === undefined ? gravest(before) : causeOf(panic, before);
  const cause = causeReport === undefined ? undefined : readReport(causeReport);
  if (cause?.kind === "rcu-stall" || cause?.kind === "hard-lockup") addBacktrace(cause, reports);
  if (cause !== undefined && panic !== undefined && onlyAnnounces.has(cause.kind)) addPanicTask(cause, panic);
  return { reports, panic, cause, causeReport, panicReport };
}

function causeOf({ panicReason }: OopsRecord, before: readonly Report[]): Report | undefined {
  const kinds = causes.find(([reason]) => reason.test(panicReason ?? ""))?.[1];
  return kinds && before.findLast(({ kind }) => kinds.includes(kind));
}

function gravest(reports: readonly Report[]): Report | undefined {
  for (const kinds of gravity) {
    const found = reports.findLast(({ kind }) => kinds.includes(kind));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a stalled CPU ran is in a report of its own, which that CPU wrote as another asked. */
function addBacktrace(cause: OopsRecord, reports: readonly Report[]): void {
  if (cause.trace.length > 0) return;
  const backtrace = reports
    .filter(({ kind, title }) => kind === "backtrace" && title.sequence > cause.sequence)
    .map(readReport)
    .find(({ cpu, trace }) => trace.length > 0 && (cause.cpu === null || cpu === cause.cpu));
  if (backtrace === undefined) return;
  const { cpu, pid, comm, place, registers, code, trace, taints, release, hardware } = backtrace;
  Object.assign(cause, { cpu, pid, comm, place, registers, code, trace });
  cause.taints ??= taints;
  cause.release ??= release;
  cause.hardware ??= hardware;
}

/** Reports of a line or two; who was at work stands in the panic's. */
const onlyAnnounces: ReadonlySet<ReportKind> = new Set(["sysrq", "nmi", "machine-check", "stack-overflow"]);

function addPanicTask(cause: OopsRecord, panic: OopsRecord): void {
  if (cause.trace.length > 0) return;
  cause.trace = panic.trace;
  if (cause.modules.length === 0) cause.modules = panic.modules;
  cause.cpu ??= panic.cpu;
  cause.pid ??= panic.pid;
  cause.comm ??= panic.comm;
}

/** A line of a report as evidence. */
export function logEvidence(line: LogLine): Evidence {
  return { kind: "log", sequence: line.sequence, time: line.time ?? null, text: line.text.trim() };
}

/** The lines of a report that fit, as evidence. */
export function linesThat(report: Report | undefined, pattern: RegExp, maximum = 4): Evidence[] {
  return (report?.lines ?? [])
    .filter(({ text }) => pattern.test(text))
    .slice(0, maximum)
    .map(logEvidence);
}

/** From the innermost: where it happened, and who called. */
export function innermostFrames(record: OopsRecord | undefined): TraceFrame[] {
  if (record === undefined) return [];
  const frames = sureFrames(record);
  const place: Place | null = record.place;
  if (place === null || place.symbol === null) return frames;
  // A trace may begin with the place itself.
  const at = frames.findIndex(({ symbol, offset }) => symbol === place.symbol && offset === place.offset);
  return at >= 0
    ? frames.slice(at)
    : [{ ...place, sure: true, context: frames[0]?.context ?? null }, ...frames];
}
