import { isCoreFunction, isEntryFunction, plainName, tellingFrames } from "./core-functions.ts";
import type { Facts } from "./facts.ts";
import { innermostFrames } from "./findings.ts";
import { placeText } from "./place.ts";
import type { OopsRecord } from "./record-parts.ts";
import type { Suspect } from "./verdict.ts";

/** Taints that say that code of unknown origin or a broken machine is involved (Documentation/admin-guide/tainted-kernels.rst). */
const taintReasons: Readonly<Record<string, string>> = {
  P: "a module with a proprietary licence was loaded",
  O: "a module from outside the kernel tree was loaded",
  E: "a module without a signature was loaded",
  F: "a module was loaded by force",
  R: "a module was unloaded by force",
  C: "a staging driver was loaded",
  K: "the kernel has been live-patched",
  M: "the processor reported a machine check before",
  B: "a bad page was found before",
  D: "the kernel had died before (oops or BUG)",
  W: "the kernel had warned before",
  L: "a soft lockup was found before",
  I: "the kernel works around a bug of the firmware",
  A: "an ACPI table was replaced",
};

/** Who may have done it, the likeliest first: modules of the trace, the first telling function, taints. */
export function suspectsOf({ cause, panic }: Facts): Suspect[] {
  const record = cause ?? panic;
  if (record === undefined) return [];
  const suspects: Suspect[] = [];
  const frames = innermostFrames(record);
  const first =
    tellingFrames(frames)[0] ??
    frames.find(({ symbol }) => symbol !== null && !isCoreFunction(symbol) && !isEntryFunction(symbol));
  const modules = new Set<string>();
  for (const frame of frames) {
    if (frame.module === null || modules.has(frame.module)) continue;
    modules.add(frame.module);
    const flags = flagsOf(record, cause === undefined ? undefined : panic, frame.module);
    suspects.push({
      kind: "module",
      name: frame.module,
      reason: `${placeText(frame)} is in the trace${flags === "" ? "" : `; flags ${flags}`}`,
    });
  }
  if (first !== undefined) {
    const isPlace = frames[0] === first;
    suspects.push({
      kind: "function",
      name: plainName(first.symbol!),
      reason: isPlace
        ? `it happened at ${placeText(first)}`
        : `first function outside the core helpers: ${placeText(first)}`,
    });
  }
  for (const letter of record.taints ?? panic?.taints ?? "") {
    const reason = taintReasons[letter];
    if (reason !== undefined) suspects.push({ kind: "taint", name: letter, reason });
  }
  return suspects;
}

function flagsOf(record: OopsRecord, panic: OopsRecord | undefined, module: string): string {
  const modules = [...record.modules, ...(panic?.modules ?? [])];
  return modules.find(({ name }) => name === module)?.flags ?? "";
}
