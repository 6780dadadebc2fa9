import { classify } from "./classify.ts";
import type { MemoryFacts } from "./facts.ts";
import { findInLog, type LogFindings } from "./findings.ts";
import { crashHash } from "./hash.ts";
import type { LogLine } from "./log-text.ts";
import type { OopsRecord } from "./record-parts.ts";
import type { MemberCandidate, Verdict } from "./verdict.ts";

/** What triage says of a log, and of the memory behind it where there is one. */
export interface Judgement {
  verdict: Verdict;
  /** The report that the verdict is about; null without one. */
  record: RecordRow | null;
  hash: string | null;
}

/** A record as JSON has it. */
export interface RecordRow extends OopsRecord {
  /** Reports of the log by kind. */
  others: Record<string, number>;
}

/** What there is besides the log. */
export interface JudgeOptions {
  memory?: MemoryFacts | undefined;
  /** True where some of the log could not be read. */
  isLogPartial?: boolean;
  /** Members that may lie at a record's bad address. */
  membersAt?: ((record: OopsRecord) => MemberCandidate[]) | undefined;
}

/** Say what happened. @param lines of the log, oldest first; undefined where it cannot be read */
export function judge(lines: readonly LogLine[] | undefined, options: JudgeOptions = {}): Judgement {
  const findings = findInLog(lines ?? []);
  const { memory, membersAt } = options;
  const facts = {
    ...findings,
    hasLog: lines !== undefined && lines.some(({ text }) => text.trim() !== ""),
    isLogPartial: options.isLogPartial ?? false,
    memory,
    membersAt: membersAt ?? (() => []),
  };
  const verdict = classify(facts);
  return { verdict, record: recordRow(findings), hash: crashHash(verdict.class, facts) };
}

function recordRow({ cause, panic, reports }: LogFindings): RecordRow | null {
  const record = cause ?? panic;
  if (record === undefined) return null;
  const others: Record<string, number> = {};
  for (const { kind } of reports) others[kind] = (others[kind] ?? 0) + 1;
  return {
    ...record,
    panicReason: panic?.panicReason ?? null,
    cpu: record.cpu ?? panic?.cpu ?? null,
    taints: record.taints ?? panic?.taints ?? null,
    release: record.release ?? panic?.release ?? null,
    hardware: record.hardware ?? panic?.hardware ?? null,
    others,
  };
}
