export { type LogLine, linesOfMessage, parseLogText } from "./log-text.ts";
export { type Judgement, judge, type JudgeOptions, type RecordRow } from "./judge.ts";
export type { BlockedTasks, MemoryFacts } from "./facts.ts";
export type { CodeBytes, Fault, LinkedModule, OopsRecord } from "./record-parts.ts";
export { type Place, placeText, type TraceFrame } from "./place.ts";
export type { Report, ReportKind } from "./reports.ts";
export type {
  Confidence,
  CrashContext,
  Evidence,
  MemberCandidate,
  Suspect,
  Verdict,
  VerdictClass,
} from "./verdict.ts";
export { type CodeKnowledge, membersAt } from "./members-at.ts";
export { btfKnowledge, kernelKnowledge } from "./kernel-knowledge.ts";
export { freedObjects } from "./freed-object.ts";
export { stackOverrun } from "./stack-overrun.ts";
