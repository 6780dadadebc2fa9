/**
 * Compares two BTF blobs as sets: never by id, never by order.
 *
 * Root differences come first (types that differ at their own level, see colours.ts), then what merely
 * follows from them, grouped by the pair of types at which the two sides part.
 */

import { NameTable, readTypeGraph, type TypeGraph } from "./btf-file.ts";
import { deepColours, shallowColours, type Colours } from "./colours.ts";
import { followConsequences } from "./consequences.ts";
import type { BlobSize, Comparison, Difference, Sides } from "./comparison.ts";
import { firstDifference, typeText } from "./describe.ts";
import { BTF_KIND, KIND_NAMES } from "./kinds.ts";
import { compareVariables } from "./variables.ts";

export type { Comparison, Consequence, Difference } from "./comparison.ts";

/** Raw BTF, split over `base` when that is given. */
export interface BtfInput {
  bytes: Uint8Array;
  base?: Uint8Array;
}

export function compareBtf(inputA: BtfInput, inputB: BtfInput): Comparison {
  return compareMany([[inputA, inputB]])[0]!;
}

/** Several pairs at once: bases that are the same array are read and coloured once. */
export function compareMany(pairs: readonly (readonly [BtfInput, BtfInput])[]): Comparison[] {
  const names = new NameTable();
  const bases = new Map<Uint8Array, TypeGraph>();
  const read = ({ bytes, base }: BtfInput): TypeGraph => {
    if (base === undefined) return readTypeGraph(bytes, names);
    const graph = bases.get(base) ?? readTypeGraph(base, names);
    bases.set(base, graph);
    return readTypeGraph(bytes, names, graph);
  };
  const graphs = pairs.flatMap(([inputA, inputB]) => [read(inputA), read(inputB)]);
  const colours = deepColours(graphs);
  return pairs.map(([inputA, inputB], i) => {
    const [a, b] = [graphs[2 * i]!, graphs[2 * i + 1]!];
    const [deepA, deepB] = [colours[2 * i]!, colours[2 * i + 1]!];
    const sides = { a, b, deepA, deepB, shallowA: shallowColours(a), shallowB: shallowColours(b) };
    return compareSides(sides, inputA, inputB);
  });
}

function compareSides(sides: Sides, inputA: BtfInput, inputB: BtfInput): Comparison {
  const { a, b, deepA, deepB, shallowA, shallowB } = sides;
  const repeated = { a: repeatedTypes(a, deepA), b: repeatedTypes(b, deepB) };
  const unmatched = unmatchedIds(comparableIds(a, repeated.a), deepA, comparableIds(b, repeated.b), deepB);
  const roots = unmatchedIds(unmatched.a, shallowA, unmatched.b, shallowB);
  const inRoots = { a: new Set(roots.a), b: new Set(roots.b) };
  const variables = compareVariables(sides);
  const consequences = followConsequences(
    sides,
    unmatched.a.filter((id) => !inRoots.a.has(id)),
    unmatched.b.filter((id) => !inRoots.b.has(id)),
    variables.deeper,
  );
  const differences = [...pairUp(sides, roots.a, roots.b), ...variables.differences];
  const order = compareOrder(sides);
  return {
    identicalBytes: Buffer.compare(inputA.bytes, inputB.bytes) === 0,
    sameOrder: order === "",
    orderText: order,
    equalSets: differences.length === 0 && consequences.length === 0,
    differences,
    consequences,
    repeated: { a: countKinds(a, repeated.a), b: countKinds(b, repeated.b) },
    counts: { a: countKinds(a, ownIds(a)), b: countKinds(b, ownIds(b)) },
    bytes: { a: blobSize(inputA, a), b: blobSize(inputB, b) },
  };
}

function blobSize(input: BtfInput, graph: TypeGraph): BlobSize {
  return { file: input.bytes.length, types: graph.typeBytes, strings: graph.stringBytes };
}

function ownIds(graph: TypeGraph): number[] {
  return Array.from({ length: graph.length - graph.startId }, (_, i) => graph.startId + i);
}

// Variables and sections are compared as rows, with their places.
function comparableIds(graph: TypeGraph, left: readonly number[]): number[] {
  const out = new Set(left);
  return ownIds(graph).filter(
    (id) => !out.has(id) && graph.kind[id] !== BTF_KIND.VAR && graph.kind[id] !== BTF_KIND.DATASEC,
  );
}

/** Of a split, what the base has already or the split itself, earlier: the same type over a repeated one. */
function repeatedTypes(graph: TypeGraph, colours: Colours): number[] {
  if (graph.startId === 1) return [];
  const known = baseColours(graph.base!, colours);
  return ownIds(graph).filter((id) => {
    if (graph.kind[id] === BTF_KIND.VAR || graph.kind[id] === BTF_KIND.DATASEC) return false;
    const repeats = known.has(colours.of(id));
    known.add(colours.of(id));
    return repeats;
  });
}

function baseColours(base: TypeGraph, colours: Colours): Set<number> {
  const set = new Set<number>();
  for (let id = 0; id < base.length; id++) set.add(colours.of(id));
  return set;
}

function countKinds(graph: TypeGraph, ids: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) {
    const kind = KIND_NAMES[graph.kind[id]!]!;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Ids left over when equal colours are struck out in pairs. */
function unmatchedIds(
  idsA: readonly number[],
  coloursA: Colours,
  idsB: readonly number[],
  coloursB: Colours,
): { a: number[]; b: number[] } {
  const available = new Map<number, number>();
  for (const id of idsB) available.set(coloursB.of(id), (available.get(coloursB.of(id)) ?? 0) + 1);
  const a: number[] = [];
  const taken = new Map<number, number>();
  for (const id of idsA) {
    const colour = coloursA.of(id);
    const left = available.get(colour) ?? 0;
    if (left === 0) a.push(id);
    else {
      available.set(colour, left - 1);
      taken.set(colour, (taken.get(colour) ?? 0) + 1);
    }
  }
  const b: number[] = [];
  for (const id of idsB) {
    const colour = coloursB.of(id);
    const left = taken.get(colour) ?? 0;
    if (left === 0) b.push(id);
    else taken.set(colour, left - 1);
  }
  return { a, b };
}

/** Joins root differences of one name into "changed"; what stays alone is only on one side. */
function pairUp({ a, b }: Sides, idsA: readonly number[], idsB: readonly number[]): Difference[] {
  const partners = new Map<string, number[]>();
  for (const id of idsB) {
    const key = pairKey(b, id);
    const list = partners.get(key);
    if (list === undefined) partners.set(key, [id]);
    else list.push(id);
  }
  const differences: Difference[] = [];
  for (const id of idsA) {
    const name = nameOrText(a, id);
    const kind = KIND_NAMES[a.kind[id]!]!;
    const partner = a.name[id] === 0 ? undefined : partners.get(pairKey(a, id))?.shift();
    if (partner === undefined) differences.push({ what: "only-a", kind, name, detail: aloneText(a, id, b) });
    else differences.push({ what: "changed", kind, name, detail: firstDifference(a, id, b, partner) });
  }
  for (const [, list] of partners) {
    for (const id of list)
      differences.push({
        what: "only-b",
        kind: KIND_NAMES[b.kind[id]!]!,
        name: nameOrText(b, id),
        detail: aloneText(b, id, a),
      });
  }
  return differences;
}

/** FWD and the struct it stands for pair up, and so do the two enum kinds. */
function pairKey(graph: TypeGraph, id: number): string {
  const kind = graph.kind[id]!;
  const family =
    kind === BTF_KIND.FWD || kind === BTF_KIND.UNION
      ? BTF_KIND.STRUCT
      : kind === BTF_KIND.ENUM64
        ? BTF_KIND.ENUM
        : kind;
  return `${family} ${graph.name[id]!}${kind === BTF_KIND.DECL_TAG ? typeText(graph, id) : ""}`;
}

function nameOrText(graph: TypeGraph, id: number): string {
  const kind = graph.kind[id]!;
  const named = graph.name[id] !== 0 && kind !== BTF_KIND.TYPE_TAG && kind !== BTF_KIND.DECL_TAG;
  return named ? graph.names.names[graph.name[id]!]! : typeText(graph, id, 3);
}

function aloneText(graph: TypeGraph, id: number, other: TypeGraph): string {
  const same: number[] = [];
  if (graph.name[id] !== 0) {
    for (let i = 1; i < other.length; i++)
      if (other.name[i] === graph.name[id] && other.kind[i] === graph.kind[id]) same.push(i);
  }
  const text = typeText(graph, id, 3);
  if (same.length === 0) return text;
  return `${text}; the other side's of that name is matched elsewhere (${same.length})`;
}

function compareOrder({ a, b, deepA, deepB }: Sides): string {
  const length = Math.min(a.length - a.startId, b.length - b.startId);
  for (let i = 0; i < length; i++) {
    const idA = a.startId + i;
    const idB = b.startId + i;
    if (deepA.of(idA) !== deepB.of(idB)) {
      return `at id ${idA}: A ${KIND_NAMES[a.kind[idA]!]!} ${typeText(a, idA)}, B ${KIND_NAMES[b.kind[idB]!]!} ${typeText(b, idB)}`;
    }
  }
  if (a.length - a.startId !== b.length - b.startId)
    return `A has ${a.length - a.startId} types, B ${b.length - b.startId}, the shorter is the other's beginning`;
  return "";
}
