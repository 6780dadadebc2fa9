import { printableName } from "./declarator.ts";
import { changeText, plurals } from "./diff-text.ts";
import type { BtfDiff, DiffCategory, DiffEntry } from "./diff.ts";

const headings: readonly (readonly [DiffEntry["status"], string])[] = [
  ["removed", "Removed"],
  ["renamed", "Renamed"],
  ["changed", "Changed"],
  ["added", "Added"],
];

/** A comparison as Markdown: a section for each category that differs, with lists of what did how. */
export function* formatDiffMarkdown(diff: BtfDiff, before: string, after: string): Generator<string> {
  yield `# ${code(before)} → ${code(after)}`;
  if (diff.entries.length === 0) {
    yield "";
    yield "No difference.";
  }
  for (const category of Object.keys(plurals) as DiffCategory[]) {
    const entries = diff.entries.filter((entry) => entry.category === category);
    if (entries.length === 0) continue;
    const counts = diff.counts[category];
    yield "";
    yield `## ${capitalized(plurals[category])} (${counts.before} → ${counts.after})`;
    for (const [status, heading] of headings) {
      const some = entries.filter((entry) => entry.status === status);
      if (some.length === 0) continue;
      yield "";
      yield `### ${heading} (${some.length})`;
      yield "";
      for (const entry of some) yield* entryLines(entry);
    }
  }
}

function* entryLines(entry: DiffEntry): Generator<string> {
  const newName = entry.newName === undefined ? "" : ` → ${code(entry.newName)}`;
  const breaks = entry.breaks === undefined ? "" : ` (breaks ${entry.breaks.join(", ")})`;
  yield `- ${code(entry.name)}${newName}${breaks}`;
  for (const change of entry.changes) yield `  - ${code(changeText(change))}`;
}

/** As code; with as many backticks around it as it takes. */
function code(text: string): string {
  const shown = printableName(text).replaceAll(/\s+/g, " ");
  const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = shown.startsWith("`") || shown.endsWith("`") ? " " : "";
  return `${fence}${space}${shown}${space}${fence}`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
