import { contextOf } from "./context.ts";
import type { Facts, Finding, Rule } from "./facts.ts";
import { innermostFrames } from "./findings.ts";
import * as checks from "./rules-checks.ts";
import * as exceptions from "./rules-exceptions.ts";
import { suspectsOf } from "./suspects.ts";
import type { Verdict, VerdictClass } from "./verdict.ts";

/** In this order; the first that fits. */
const rules: readonly Rule[] = [
  checks.sysrq,
  checks.machineCheck,
  checks.stackOverflow,
  exceptions.useAfterFree,
  exceptions.nullPointer,
  exceptions.badPointer,
  exceptions.bug,
  exceptions.exception,
  checks.warning,
  checks.hungTask,
  checks.softLockup,
  checks.hardLockup,
  checks.rcuStall,
  checks.outOfMemory,
  checks.nmi,
  checks.failedCheck,
  checks.panicByName,
];

/** Nobody's fault, or nobody knows whose. */
const blameless: ReadonlySet<VerdictClass> = new Set(["none", "unknown", "sysrq"]);

/** What happened, by the first rule that fits; `none` and `unknown` where none does. */
export function classify(facts: Facts): Verdict {
  const found = firstFinding(facts) ?? withoutReport(facts);
  const record = facts.cause ?? facts.panic;
  return {
    class: found.class,
    summary:
      found.class === "none" || found.class === "unknown" ? found.summary : `${found.summary}${ranOn(facts)}`,
    context: found.context ?? contextOf(innermostFrames(record)),
    confidence: found.confidence,
    evidence: found.evidence,
    members: found.members ?? [],
    suspects: blameless.has(found.class) ? [] : suspectsOf(facts),
  };
}

/** Only memory tells: a text may end before the panic. */
function ranOn({ panic, memory }: Facts): string {
  return panic === undefined && memory?.panicked === false ? "; the kernel ran on" : "";
}

function firstFinding(facts: Facts): Finding | undefined {
  for (const rule of rules) {
    const found = rule(facts);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** No report in the log: a machine that is well, or a log that is not there. */
function withoutReport({ memory, hasLog, isLogPartial }: Facts): Finding {
  if (memory?.panicked === true) {
    return {
      class: "unknown",
      summary: "the kernel panicked, and its log does not say why",
      confidence: "possible",
      evidence: [],
    };
  }
  if (!hasLog || (memory !== undefined && memory.panicked === undefined)) {
    const summary = "what can be read does not tell whether something is wrong";
    return { class: "unknown", summary, confidence: "possible", evidence: [] };
  }
  return {
    class: "none",
    summary:
      memory === undefined
        ? "no report of trouble in this log"
        : isLogPartial
          ? "nothing wrong in what can be read: no CPU panicked, but some of the log is missing"
          : "nothing wrong: no CPU panicked, and the log reports no trouble",
    confidence: memory === undefined || isLogPartial ? "likely" : "certain",
    evidence: [],
  };
}
