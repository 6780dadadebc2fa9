import { printableName } from "./declarator.ts";
import type { BtfDiff, DiffCategory, DiffChange, DiffEntry } from "./diff.ts";

export const plurals: Record<DiffCategory, string> = {
  type: "types",
  function: "functions",
  variable: "variables",
  section: "sections",
};

/**
 * A comparison as lines: a summary for each category that differs, then `+`, `-` or `~` and the
 * name, with what changed indented below. No lines when there is no difference.
 */
export function* formatDiff(diff: BtfDiff): Generator<string> {
  for (const category of Object.keys(plurals) as DiffCategory[]) {
    const entries = diff.entries.filter((entry) => entry.category === category);
    if (entries.length === 0) continue;
    const count = (status: DiffEntry["status"]): number =>
      entries.filter((entry) => entry.status === status).length;
    const { before, after } = diff.counts[category];
    const renamed = count("renamed") === 0 ? "" : `, ${count("renamed")} renamed`;
    const sums = `${count("added")} added, ${count("removed")} removed, ${count("changed")} changed${renamed}`;
    yield `${plurals[category]}: ${before} -> ${after}: ${sums}`;
    for (const entry of entries) {
      const sign = entry.status === "added" ? "+" : entry.status === "removed" ? "-" : "~";
      const newName = entry.newName === undefined ? "" : ` -> ${printableName(entry.newName)}`;
      const breaks = entry.breaks === undefined ? "" : ` (breaks ${entry.breaks.join(", ")})`;
      yield `${sign} ${category === "type" ? "" : `${category} `}${printableName(entry.name)}${newName}${breaks}`;
      for (const change of entry.changes) yield `    ${printableName(changeText(change))}`;
    }
  }
}

/** One change in words. */
export function changeText(change: DiffChange): string {
  const [noun, verb] = splitOnce(change.what);
  const name = change.name === undefined ? "" : ` ${change.name}`;
  if (verb === "added") return `+ ${noun} ${change.after}`;
  if (verb === "removed") return `- ${noun} ${change.before}`;
  if (verb === "renamed") return `${noun}${name} renamed to ${change.after}`;
  const label =
    verb === "" || verb === "value" || verb === "type" ? `${noun}${name}` : `${noun}${name} ${verb}`;
  if (change.before === undefined && change.after === undefined) return label;
  // The texts agree where a name stands for several types and the two sides mean different ones.
  const note = change.before === change.after ? " (another type of that name)" : "";
  return `${label}: ${change.before || "(none)"} -> ${change.after || "(none)"}${note}`;
}

function splitOnce(what: string): [string, string] {
  const at = what.indexOf("-");
  return at < 0 ? [what, ""] : [what.slice(0, at), what.slice(at + 1)];
}
