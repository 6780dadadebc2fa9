/** A comparison as text. */

import type { Comparison, Difference } from "./comparison.ts";

/** At most `limit` lines for each kind and sort of difference. */
export function reportText(comparison: Comparison, limit: number): string {
  const lines: string[] = [];
  const { bytes } = comparison;
  lines.push(`A ${bytes.a.file} bytes (types ${bytes.a.types}, strings ${bytes.a.strings})`);
  lines.push(`B ${bytes.b.file} bytes (types ${bytes.b.types}, strings ${bytes.b.strings})`);
  lines.push(`verdict: ${verdict(comparison)}`);
  if (comparison.identicalBytes) return lines.join("\n") + "\n";
  if (!comparison.sameOrder) lines.push(`order first differs ${comparison.orderText}`);
  lines.push(...countLines(comparison));

  for (const [title, group] of groupDifferences(comparison.differences)) {
    lines.push("", `${title}: ${group.length}`);
    for (const difference of group.slice(0, limit))
      lines.push(
        `  ${difference.name}${difference.detail === difference.name ? "" : `  |  ${difference.detail}`}`,
      );
    if (group.length > limit) lines.push(`  … ${group.length - limit} more`);
  }
  if (comparison.consequences.length > 0) {
    const [a, b] = [
      sum(comparison.consequences.map((c) => c.countA)),
      sum(comparison.consequences.map((c) => c.countB)),
    ];
    lines.push("", `follows from elsewhere: ${a} types of A, ${b} of B, by where the sides part`);
    for (const group of comparison.consequences.slice(0, limit))
      lines.push(`  ${group.countA}/${group.countB}  ${group.cause}  (e.g. ${group.example})`);
    if (comparison.consequences.length > limit)
      lines.push(`  … ${comparison.consequences.length - limit} more`);
  }
  return lines.join("\n") + "\n";
}

function verdict(comparison: Comparison): string {
  if (comparison.identicalBytes) return "identical bytes";
  if (comparison.equalSets && comparison.sameOrder)
    return "equal sets in equal order (bytes differ: strings or header)";
  return comparison.equalSets ? "equal sets, other order" : "DIFFERENT";
}

function countLines({ counts, repeated }: Comparison): string[] {
  const kinds = [...new Set([...Object.keys(counts.a), ...Object.keys(counts.b)])];
  const lines = kinds
    .filter((kind) => counts.a[kind] !== counts.b[kind])
    .map((kind) => `  ${kind.padEnd(11)} A ${counts.a[kind] ?? 0}, B ${counts.b[kind] ?? 0}`);
  if (lines.length > 0) lines.unshift("counts that differ:");
  const repeats = [...new Set([...Object.keys(repeated.a), ...Object.keys(repeated.b)])];
  if (repeats.length > 0) {
    lines.push(
      "repeated from the base (A, B): " +
        repeats.map((kind) => `${kind} ${repeated.a[kind] ?? 0}, ${repeated.b[kind] ?? 0}`).join("; "),
    );
  }
  return lines;
}

// What people look for first comes first.
const kindOrder = [
  "STRUCT",
  "UNION",
  "ENUM",
  "ENUM64",
  "TYPEDEF",
  "FWD",
  "INT",
  "FLOAT",
  "DATASEC",
  "VAR",
  "FUNC",
  "DECL_TAG",
];

function groupDifferences(differences: readonly Difference[]): [string, Difference[]][] {
  const groups = new Map<string, Difference[]>();
  const rank = (kind: string): number =>
    (kindOrder.indexOf(kind) + kindOrder.length + 1) % (kindOrder.length + 1);
  const sorted = [...differences].sort(
    (x, y) => rank(x.kind) - rank(y.kind) || (x.what < y.what ? -1 : x.what > y.what ? 1 : 0),
  );
  for (const difference of sorted) {
    const title = `${difference.kind} ${difference.what === "changed" ? "changed" : difference.what === "only-a" ? "only in A" : "only in B"}`;
    const group = groups.get(title);
    if (group === undefined) groups.set(title, [difference]);
    else group.push(difference);
  }
  return [...groups];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
