import { createHash } from "node:crypto";
import { plainName, tellingFrames } from "./core-functions.ts";
import type { Facts } from "./facts.ts";
import { innermostFrames } from "./findings.ts";
import type { VerdictClass } from "./verdict.ts";

/** More frames tell causes apart no better, and change more often between builds. */
const frameCount = 4;
/** Memory runs out wherever someone asks for some, and sysrq comes from anywhere: the place says nothing. */
const withoutFrames: ReadonlySet<VerdictClass> = new Set(["out-of-memory", "sysrq", "nmi", "machine-check"]);

/**
 * What two crashes of one cause have in common: the class, and the names of the innermost functions,
 * core helpers and everything behind an interrupt left out, without offsets and without what compilers
 * append. Addresses are no part of it. 16 hexadecimal digits; null where nothing is wrong.
 */
export function crashHash(kind: VerdictClass, facts: Facts): string | null {
  const parts = hashedParts(kind, facts);
  return parts === undefined
    ? null
    : createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16);
}

function hashedParts(kind: VerdictClass, { cause, panic }: Facts): string[] | undefined {
  const record = cause ?? panic;
  if (kind === "none" || kind === "unknown" || record === undefined) return undefined;
  const parts: string[] = [kind];
  if (kind === "panic") parts.push(plainReason(panic?.panicReason ?? ""));
  if (withoutFrames.has(kind)) return parts;
  const names = tellingFrames(innermostFrames(record)).map(
    ({ symbol, module }) => `${module ?? ""}:${plainName(symbol!)}`,
  );
  // A function that calls itself counts once.
  const distinct = names.filter((name, index) => name !== names[index - 1]);
  return [...parts, ...distinct.slice(0, frameCount)];
}

/** A reason without what differs from crash to crash. */
function plainReason(reason: string): string {
  return reason.replace(/0x[0-9a-f]+|\b[0-9a-f]{8,16}\b|\d+/gi, "#");
}
