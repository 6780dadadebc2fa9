import type { Rule } from "./facts.ts";
import { innermostFrames, linesThat, logEvidence } from "./findings.ts";
import { placeText } from "./place.ts";
import { tellingFrames } from "./core-functions.ts";
import { isUninitialised, poisonOf } from "./poison.ts";
import type { OopsRecord } from "./record-parts.ts";
import type { Evidence, MemberCandidate } from "./verdict.ts";
import { isFault } from "./exceptions.ts";

/** Offsets below this from a NULL pointer are members of it: the page at 0 is never mapped. */
const nullReach = 0x1000n;
/** MAX_ERRNO: pointers above -4096 are errors (include/linux/err.h). */
const errorReach = -0x1000n;

const titleLines =
  /^(?:BUG: |#PF|Unable to handle|Unhandled fault|kernel tried|unable to execute|Internal error|Oops|RIP: 0010|pc : |KASAN: )|^general protection|\[#\d+\]/;

/** KASAN, KFENCE, poison of slabs and lists, or an object that its cache has as free. */
export const useAfterFree: Rule = (facts) => {
  const { cause, causeReport } = facts;
  if (cause === undefined || causeReport === undefined) return undefined;
  if (cause.kind === "memory-check") {
    const evidence = [logEvidence(causeReport.title)];
    const isFreed =
      /use-after-free|Use after free|double.?free|Object already free|Poison overwritten|invalid-free/i;
    if (!isFreed.test(cause.title)) return undefined;
    // "underflow; use-after-free" of reference counts is a guess of the kernel's own.
    const confidence = cause.title.startsWith("refcount_t") ? "likely" : "certain";
    return { class: "use-after-free", summary: `the kernel found: ${cause.title}`, confidence, evidence };
  }
  if (cause.kind !== "oops") return undefined;
  const poisoned = poisonedValues(cause);
  if (poisoned.length > 0) {
    const evidence = [...linesThat(causeReport, titleLines), ...poisoned.map(({ evidence: each }) => each)];
    const { meaning } = poisoned[0]!;
    const summary = `use after free in ${whereOf(cause)}: it followed a pointer out of ${meaning}`;
    return { class: "use-after-free", summary, confidence: "likely", evidence };
  }
  if (nullOffset(cause) !== undefined) return undefined;
  const freed = facts.memory?.freedObjects(cause) ?? [];
  if (freed.length === 0) return undefined;
  const summary = `use after free in ${whereOf(cause)}: it followed a pointer out of an object that is free`;
  const evidence = [...linesThat(causeReport, titleLines), ...freed];
  return { class: "use-after-free", summary, confidence: "likely", evidence };
};

function poisonedValues(record: OopsRecord): { meaning: string; evidence: Evidence }[] {
  const found: { meaning: string; evidence: Evidence }[] = [];
  const look = (name: string, text: string, always: boolean): void => {
    const value = BigInt(text);
    const poison = poisonOf(value);
    // A register may hold such a number for another reason; one of 32 bits is no proof.
    if (poison === undefined || (!always && poison.name.includes("32"))) return;
    const evidence: Evidence = {
      kind: "memory",
      address: text,
      text: `${name} is ${text}: ${poison.name}, ${poison.meaning}`,
    };
    found.push({ meaning: poison.meaning, evidence });
  };
  const { fault } = record;
  const isAddressFault = isFault(record);
  const address = fault?.address ?? null;
  if (isAddressFault && address !== null) look("the address", address, true);
  const fromAddress = found.length > 0;
  // Without an address (older kernels print none for general protection faults) registers tell.
  if (fromAddress || (isAddressFault && address === null)) {
    for (const [name, value] of Object.entries(record.registers)) look(`register ${name}`, value, false);
  }
  return found;
}

/** A pointer that was NULL, with what lies at the offset. */
export const nullPointer: Rule = (facts) => {
  const { cause, causeReport } = facts;
  if (cause?.kind !== "oops") return undefined;
  const offset = nullOffset(cause);
  if (offset === undefined) return undefined;
  const evidence = linesThat(causeReport, titleLines);
  const where = whereOf(cause);
  if (cause.fault?.access === "execute" || cause.place?.symbol === null) {
    const summary = `call of a NULL function pointer in ${where}`;
    return { class: "null-pointer", summary, confidence: "certain", evidence };
  }
  const members = facts.membersAt(cause);
  const action = cause.fault?.access === "write" ? "write to" : "read of";
  const proved = members.find((each) => each.proved);
  const what =
    proved === undefined ? `offset ${offset}` : `${proved.struct}.${proved.member} (offset ${proved.offset})`;
  return {
    class: "null-pointer",
    summary: `NULL pointer dereference in ${where}: ${action} ${what}`,
    confidence: "certain",
    evidence: [...evidence, ...members.map(memberEvidence)],
    members,
  };
};

/** Any other address that is not mapped or no address at all. */
export const badPointer: Rule = (facts) => {
  const { cause, causeReport } = facts;
  if (cause?.kind !== "oops" || !isFault(cause)) return undefined;
  const evidence = linesThat(causeReport, titleLines);
  const address = cause.fault?.address ?? null;
  const members = facts.membersAt(cause);
  const where = whereOf(cause);
  const signed = address === null ? 0n : BigInt.asIntN(64, BigInt(address));
  let what = address === null ? "an address that is none" : address;
  if (address !== null && signed < 0n && signed > errorReach) {
    what = `${address}, which is ${signed}: an error number taken for a pointer, or a member before a NULL pointer`;
  } else if (address !== null && isUninitialised(BigInt(address))) {
    what = `${address}: memory that was given out and never written (POISON_INUSE)`;
  }
  return {
    class: "bad-pointer",
    summary: `bad pointer in ${where}: ${accessText(cause)} ${what}`,
    confidence: "certain",
    evidence: [...evidence, ...members.map(memberEvidence)],
    members,
  };
};

/** `kernel BUG at`. */
export const bug: Rule = ({ cause, causeReport }) => {
  if (cause?.kind !== "bug") return undefined;
  const at = cause.source === null ? "" : ` at ${cause.source}`;
  return {
    class: "bug",
    summary: `the kernel's own check failed (BUG)${at} in ${whereOf(cause)}`,
    confidence: "certain",
    evidence: linesThat(causeReport, /^kernel BUG at|^RIP: 0010|^pc : |\[#\d+\]/),
  };
};

/** An exception of the processor that is about no address. */
export const exception: Rule = ({ cause, causeReport }) => {
  if (cause?.kind !== "oops") return undefined;
  const what = cause.fault?.what ?? cause.title;
  return {
    class: "exception",
    summary: `${what} in ${whereOf(cause)}`,
    confidence: "certain",
    evidence: linesThat(causeReport, titleLines),
  };
};

/** Bytes from NULL to the address; undefined where it was no NULL pointer. */
function nullOffset(record: OopsRecord): number | undefined {
  const address = record.fault?.address ?? null;
  if (address === null || !isFault(record)) return undefined;
  const value = BigInt(address);
  // A user's address that low is a NULL pointer too, and called one.
  return value < nullReach || /NULL pointer dereference/.test(record.title) ? Number(value) : undefined;
}

function accessText({ fault }: OopsRecord): string {
  if (fault?.access === "write") return "write to";
  return fault?.access === "execute" ? "jump to" : "read of";
}

function memberEvidence({ struct, member, offset, how }: MemberCandidate): Evidence {
  return { kind: "memory", address: null, text: `${struct}.${member} at offset ${offset}: ${how}` };
}

/** The function that it happened in, core helpers aside: for a jump to nowhere the caller. */
export function whereOf(record: OopsRecord): string {
  const frames = innermostFrames(record);
  const frame = tellingFrames(frames)[0] ?? frames.find(({ symbol }) => symbol !== null);
  return frame === undefined ? "code without a name" : placeText(frame);
}
