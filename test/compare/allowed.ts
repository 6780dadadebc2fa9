/**
 * The differences from pahole 1.32 that are expected, each with its cause. What no row takes fails
 * the tests. `docs/differences.md` explains the rows at length; their ids are the same there.
 */

import type { Comparison, Consequence, Difference } from "./compare-btf.ts";

export interface AllowedDifference {
  /** The heading in docs/differences.md. */
  id: string;
  cause: string;
  /**
   * What it is: a fault of pahole's, an answer of ours that goes further on purpose, or something
   * that the file with which pahole's was made has and ours has not.
   */
  nature: "fault of pahole" | "deliberately better" | "not in the file";
  takes(difference: Difference): boolean;
}

/** One difference that a row took. */
export interface Verdict {
  /** Counts by row id. */
  counts: Record<string, number>;
  /** What no row took, as text. */
  unexplained: string[];
}

export const allowedDifferences: readonly AllowedDifference[] = [
  {
    id: "weak-twice",
    cause:
      "a weak variable overridden in another unit is written twice at one place, which the kernel refuses",
    nature: "fault of pahole",
    takes: ({ what, place }) => what === "only-a" && place !== undefined && place.elsewhere,
  },
  {
    id: "function-static",
    // GCC writes NAME.NUMBER, Clang FUNCTION.NAME.
    cause: "a static of a function gets a VAR under its symbol's name",
    nature: "deliberately better",
    takes: ({ what, kind, name }) => what === "only-b" && kind === "VAR" && name.includes("."),
  },
  {
    id: "internal-name",
    cause: "names that only tools make up (__UNIQUE_ID and the like) are left out by a list of prefixes",
    nature: "deliberately better",
    takes: ({ what, kind, name }) => what === "only-b" && kind === "VAR" && internalName.test(name),
  },
  {
    id: "incomplete-array",
    cause: "an array first declared without a bound has no size there and is dropped",
    nature: "fault of pahole",
    takes: ({ what, place }) => what === "only-b" && place?.typeKind === "ARRAY",
  },
  {
    id: "weak-over-ranges",
    cause: "a function in several ranges has no address of its own, so the weak one it overrides is taken",
    nature: "fault of pahole",
    takes: ({ kind, name }) =>
      (kind === "FUNC" && name === "arch_prepare_bpf_trampoline") ||
      (kind === "FUNC_PROTO" && /^int\((tr|im): struct bpf_tramp_image \*; image:/.test(name)),
  },
  {
    id: "unloaded-section",
    cause:
      "sections that are not loaded have address 0 in a module and are taken for the home of variables behind them",
    nature: "fault of pahole",
    takes: ({ what, place }) => what !== "only-b" && place !== undefined && isUnloaded(place.section),
  },
];

/** pahole's list, 1.30 and later. */
const internalName =
  /^(__UNIQUE_ID|__tpstrtab_|__exitcall_|__gendwarfksyms_ptr_|__func_stack_frame_non_standard_)/;

/** Counts by row, and what is left. Sections and types that only serve allowed variables go with them. */
export function judge(comparison: Comparison, extra: readonly AllowedDifference[] = []): Verdict {
  const rows = [...extra, ...allowedDifferences];
  const counts: Record<string, number> = {};
  const unexplained: string[] = [];
  const touched = new Set<string>();
  // Arrays that only a symbol's size completes are new types, and so are the qualifiers around them.
  const completed = new Set<string>();
  for (const { what, place } of comparison.differences) {
    if (what === "only-b" && place?.typeKind === "ARRAY")
      completed.add(place.typeText.replace(/( const| volatile)+$/, ""));
  }
  for (const difference of comparison.differences) {
    if (difference.kind === "DATASEC") continue;
    const { what, kind, name } = difference;
    const ofArray = kind === "ARRAY" || kind === "CONST" || kind === "VOLATILE";
    if (what === "only-b" && ofArray && completed.has(name.replace(/( const| volatile)+$/, ""))) {
      counts["completed-array"] = (counts["completed-array"] ?? 0) + 1;
      continue;
    }
    const row = rows.find((candidate) => candidate.takes(difference));
    if (row === undefined) unexplained.push(differenceText(difference));
    else {
      counts[row.id] = (counts[row.id] ?? 0) + 1;
      for (const section of difference.place?.sections ?? []) touched.add(section);
    }
  }
  for (const difference of comparison.differences) {
    if (difference.kind !== "DATASEC") continue;
    // A section's size is the end of its last variable, so it follows from the variables.
    if (touched.has(difference.name)) counts["section-size"] = (counts["section-size"] ?? 0) + 1;
    else unexplained.push(differenceText(difference));
  }
  unexplained.push(...comparison.consequences.map(consequenceText));
  // libbpf before 1.8.1 hashes the typedefs of a base differently and so repeats them, with all that
  // refers to them, in the split. A repeat of the peer's is no difference; we make none.
  for (const peer of Object.values(comparison.repeated.a))
    counts["base-repeated"] = (counts["base-repeated"] ?? 0) + peer;
  for (const [kind, own] of Object.entries(comparison.repeated.b))
    unexplained.push(`${own} types of kind ${kind} repeat others of the base or the split`);
  return { counts, unexplained };
}

function isUnloaded(section: string): boolean {
  return section.startsWith(".debug_") || section.startsWith(".note");
}

/** Rows for modules: pahole misses per-CPU variables whose home it takes for another section. */
export const allowedInModules: readonly AllowedDifference[] = [
  {
    id: "unloaded-section",
    cause: "a per-CPU variable behind a section that is not loaded is not seen as per-CPU",
    nature: "fault of pahole",
    takes: ({ what, place }) => what === "only-b" && place?.section === ".data..percpu",
  },
];

function differenceText({ what, kind, name, detail }: Difference): string {
  return `${kind} ${what} ${name}: ${detail}`;
}

function consequenceText({ countA, countB, cause, example }: Consequence): string {
  return `${countA}/${countB} types part at ${cause}, e.g. ${example}`;
}
