import type { LogFindings } from "./findings.ts";
import type { OopsRecord } from "./record-parts.ts";
import type { CrashContext, Confidence, Evidence, MemberCandidate, VerdictClass } from "./verdict.ts";

/** What only memory can tell; each answers with nothing where it cannot be read. */
export interface MemoryFacts {
  /** True where a CPU owns a panic; undefined where that is not known. */
  panicked: boolean | undefined;
  /** Facts of the panicked task's stack that show that it was overrun. */
  stackOverrun: () => Evidence[];
  /** Who waits for whom among the tasks in uninterruptible sleep. */
  blockedTasks: () => BlockedTasks;
  /** Proof that the record's bad pointer came out of an object that its slab cache has as free. */
  freedObjects: (record: OopsRecord) => Evidence[];
}

/** Tasks that wait. */
export interface BlockedTasks {
  evidence: Evidence[];
  /** Tasks that wait for one another in a ring; undefined where there is none. */
  deadlock: string | undefined;
}

/** Everything that rules look at. */
export interface Facts extends LogFindings {
  /** False where there is no log to judge by. */
  hasLog: boolean;
  /** True where some of the log could not be read. */
  isLogPartial: boolean;
  memory: MemoryFacts | undefined;
  /** Members that may lie at the record's bad address. */
  membersAt: (record: OopsRecord) => MemberCandidate[];
}

/** What a rule found. */
export interface Finding {
  class: VerdictClass;
  summary: string;
  confidence: Confidence;
  evidence: Evidence[];
  members?: MemberCandidate[];
  context?: CrashContext;
}

/** Looks for one kind of crash; undefined where it was not that. */
export type Rule = (facts: Facts) => Finding | undefined;
