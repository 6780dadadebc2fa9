import type { Breaks, BtfDiff, DiffChange, DiffEntry } from "./diff.ts";

const both: readonly Breaks[] = ["header", "core"];

/**
 * Of a comparison, what breaks users of the left side when they meet the right one:
 *
 * - `header`: programs and modules compiled with its definitions, to which sizes and places matter;
 * - `core`: BPF programs with CO-RE, for which libbpf finds members, sizes and values anew by name, so
 *   that only what is gone, renamed or of another type breaks them.
 *
 * Additions break nobody by themselves; where they enlarge a struct, its size is what counts.
 */
export function breakingChanges(diff: BtfDiff): BtfDiff {
  const entries: DiffEntry[] = [];
  for (const entry of diff.entries) {
    if (entry.category === "section" || entry.status === "added") continue;
    if (entry.status !== "changed") {
      entries.push({ ...entry, breaks: [...both] });
      continue;
    }
    // A function's type as a whole also has the names of its parameters, which break nobody.
    const isInParts = entry.category === "function" && entry.changes.some(isPart);
    const changes = entry.changes.filter(
      (change) => breaksOf(change).length > 0 && !(isInParts && change.what === "type"),
    );
    if (changes.length === 0) continue;
    const breaks = both.filter((who) => changes.some((change) => breaksOf(change).includes(who)));
    entries.push({ ...entry, changes, breaks });
  }
  return { entries, counts: diff.counts };
}

function isPart({ what }: DiffChange): boolean {
  return what === "returns" || what.startsWith("parameter-");
}

function breaksOf(change: DiffChange): readonly Breaks[] {
  switch (change.what) {
    case "kind":
    case "target":
    case "type":
    case "returns":
    case "encoding":
    case "definition":
    case "member-removed":
    case "member-renamed":
    case "member-type":
    case "value-removed":
    case "value-renamed":
    case "parameter-added":
    case "parameter-removed":
    case "parameter-moved":
    case "parameter-type":
      return both;
    case "size":
    case "member-moved":
    case "member-resized":
    case "value-value":
      return ["header"];
    case "linkage":
      return change.after === "static" ? both : [];
    default:
      return [];
  }
}
