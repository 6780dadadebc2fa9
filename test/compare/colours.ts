/**
 * Colours: numbers that are equal exactly for types that are equal.
 *
 * A *deep* colour tells types apart by everything that can be reached from them (partition
 * refinement: start with what a record itself says, then mix in the colours of the referenced types,
 * round after round, until no class splits any more; two types end with one colour when no walk along
 * references can tell them apart, whatever their ids).
 * A *shallow* colour stops at names: a struct's member of type `struct page *` counts as
 * "pointer to struct page", so one changed struct does not change everything that mentions it.
 */

import type { TypeGraph } from "./btf-file.ts";
import { BTF_KIND, KIND_NAMES } from "./kinds.ts";

/** 53 bits each, in a float: 300 000 types collide with a chance of 5 in a million. */
export type Colours = Float64Array;

const {
  ARRAY,
  CONST,
  DATASEC,
  DECL_TAG,
  ENUM,
  ENUM64,
  FUNC,
  FUNC_PROTO,
  FWD,
  INT,
  PTR,
  RESTRICT,
  STRUCT,
  TYPEDEF,
  TYPE_TAG,
  UNION,
  VAR,
  VOLATILE,
} = BTF_KIND;

const refersByHead: boolean[] = KIND_NAMES.map((_, kind) =>
  ([PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DECL_TAG, TYPE_TAG] as number[]).includes(
    kind,
  ),
);

/** Ids that a type refers to, in the order of the record. DATASEC entries are compared on their own. */
export function forEachReference(graph: TypeGraph, id: number, visit: (target: number) => void): void {
  const { kind: kinds, vlen, sizeOrType, trailer, words } = graph;
  const kind = kinds[id]!;
  if (refersByHead[kind]) visit(sizeOrType[id]!);
  const at = trailer[id]!;
  if (kind === STRUCT || kind === UNION) for (let i = 0; i < vlen[id]!; i++) visit(words[at + 3 * i + 1]!);
  else if (kind === FUNC_PROTO) for (let i = 0; i < vlen[id]!; i++) visit(words[at + 2 * i + 1]!);
  else if (kind === ARRAY) {
    visit(words[at]!);
    visit(words[at + 1]!);
  }
}

/** Deep colours of several graphs that share a name table; colours are comparable between them. */
export function deepColours(graphs: readonly TypeGraph[]): {
  colours: Colours[];
  rounds: number;
  classes: number;
} {
  const hasher = new Hasher();
  const lanes = graphs.map((graph) => initialLanes(graph, hasher));
  const edges = graphs.map(referenceTable);
  let classes = 0;
  let rounds = 0;
  for (;;) {
    // Counting the classes costs more than a round, so count now and then.
    for (let i = 0; i < 4; i++, rounds++)
      for (let g = 0; g < graphs.length; g++) lanes[g] = refine(graphs[g]!, lanes[g]!, edges[g]!, hasher);
    const now = countClasses(lanes);
    if (now === classes) break;
    classes = now;
  }
  return { colours: lanes.map(({ low, high }) => merge(low, high)), rounds, classes };
}

/** Shallow colours: `own` of each type itself, `use` of a mention of it. */
export function shallowColours(graph: TypeGraph): Colours {
  const hasher = new Hasher();
  const initial = initialLanes(graph, hasher);
  const useLow = new Uint32Array(graph.length);
  const useHigh = new Uint32Array(graph.length);
  const state = new Uint8Array(graph.length);
  const low = new Uint32Array(graph.length);
  const high = new Uint32Array(graph.length);

  function own(id: number): void {
    const targets: number[] = [];
    forEachReference(graph, id, (target) => targets.push(target));
    for (const target of targets) use(target);
    hasher.start(initial.low[id]!, initial.high[id]!);
    for (const target of targets) hasher.add(useLow[target]!, useHigh[target]!);
    low[id] = hasher.low;
    high[id] = hasher.high;
  }
  function use(id: number): void {
    if (state[id] !== 0) return;
    state[id] = 1;
    const kind = graph.kind[id]!;
    const named =
      graph.name[id] !== 0 &&
      (kind === STRUCT ||
        kind === UNION ||
        kind === TYPEDEF ||
        kind === ENUM ||
        kind === ENUM64 ||
        kind === FWD);
    if (named || kind === 0) {
      // A use by name, without regard to how much of it this unit knows.
      const family =
        kind === ENUM64 ? ENUM : kind === FWD ? (graph.kindFlag[id] === 1 ? UNION : STRUCT) : kind;
      hasher.start(family + 0x9e3779b9, graph.name[id]!);
      useLow[id] = hasher.low;
      useHigh[id] = hasher.high;
    } else {
      own(id);
      useLow[id] = low[id]!;
      useHigh[id] = high[id]!;
    }
  }
  for (let id = 1; id < graph.length; id++) own(id);
  return merge(low, high);
}

interface Lanes {
  low: Uint32Array;
  high: Uint32Array;
}

/** What a record says without its references. */
function initialLanes(graph: TypeGraph, hasher: Hasher): Lanes {
  const { kind: kinds, name, vlen, kindFlag, sizeOrType, trailer, words } = graph;
  const low = new Uint32Array(graph.length);
  const high = new Uint32Array(graph.length);
  low[0] = 0x51ab;
  high[0] = 0x1234567;
  for (let id = 1; id < graph.length; id++) {
    const kind = kinds[id]!;
    const at = trailer[id]!;
    const count = vlen[id]!;
    hasher.start((kind << 1) | kindFlag[id]!, name[id]!);
    hasher.add(kind === DATASEC ? 0 : count, refersByHead[kind] ? 0 : sizeOrType[id]!);
    if (kind === INT || kind === VAR || kind === DECL_TAG) hasher.add(words[at]!, kind);
    else if (kind === ARRAY) hasher.add(words[at + 2]!, kind);
    else if (kind === STRUCT || kind === UNION)
      for (let i = 0; i < count; i++) hasher.add(graph.nameAt(words[at + 3 * i]!), words[at + 3 * i + 2]!);
    else if (kind === ENUM)
      for (let i = 0; i < count; i++) hasher.add(graph.nameAt(words[at + 2 * i]!), words[at + 2 * i + 1]!);
    else if (kind === FUNC_PROTO)
      for (let i = 0; i < count; i++) hasher.add(graph.nameAt(words[at + 2 * i]!), i);
    else if (kind === ENUM64) {
      for (let i = 0; i < count; i++) {
        hasher.add(graph.nameAt(words[at + 3 * i]!), words[at + 3 * i + 1]!);
        hasher.add(words[at + 3 * i + 2]!, i);
      }
    }
    low[id] = hasher.low;
    high[id] = hasher.high;
  }
  return { low, high };
}

/** References of all types in one run: those of `id` are `targets[start[id] .. start[id + 1])`. */
function referenceTable(graph: TypeGraph): { start: Uint32Array; targets: Uint32Array } {
  const start = new Uint32Array(graph.length + 1);
  let count = 0;
  for (let id = 1; id < graph.length; id++) {
    start[id] = count;
    forEachReference(graph, id, () => count++);
  }
  start[graph.length] = count;
  const targets = new Uint32Array(count);
  let at = 0;
  for (let id = 1; id < graph.length; id++) {
    forEachReference(graph, id, (target) => {
      if (target >= graph.length) throw new Error(`type ${id} refers to type ${target} of ${graph.length}`);
      targets[at++] = target;
    });
  }
  return { start, targets };
}

function refine(
  graph: TypeGraph,
  from: Lanes,
  edges: { start: Uint32Array; targets: Uint32Array },
  hasher: Hasher,
): Lanes {
  const low = new Uint32Array(graph.length);
  const high = new Uint32Array(graph.length);
  low[0] = from.low[0]!;
  high[0] = from.high[0]!;
  for (let id = 1; id < graph.length; id++) {
    hasher.start(from.low[id]!, from.high[id]!);
    const end = edges.start[id + 1]!;
    for (let i = edges.start[id]!; i < end; i++) {
      const target = edges.targets[i]!;
      hasher.add(from.low[target]!, from.high[target]!);
    }
    low[id] = hasher.low;
    high[id] = hasher.high;
  }
  return { low, high };
}

function countClasses(lanes: readonly Lanes[]): number {
  const all = new Float64Array(lanes.reduce((sum, { low }) => sum + low.length, 0));
  let at = 0;
  for (const { low, high } of lanes) {
    all.set(merge(low, high), at);
    at += low.length;
  }
  all.sort();
  let classes = 0;
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) classes++;
  return classes;
}

function merge(low: Uint32Array, high: Uint32Array): Colours {
  const colours = new Float64Array(low.length);
  for (let i = 0; i < low.length; i++) colours[i] = (high[i]! & 0x1fffff) * 0x100000000 + low[i]!;
  return colours;
}

/** Two 32-bit lanes with different multipliers; order matters. */
class Hasher {
  low = 0;
  high = 0;

  start(a: number, b: number): void {
    this.low = 0x2545f491;
    this.high = 0x6c62272e;
    this.add(a, b);
  }

  add(a: number, b: number): void {
    let low = Math.imul(this.low ^ a, 0xcc9e2d51);
    low = Math.imul((low ^ (low >>> 15)) + b, 0x1b873593);
    this.low = (low ^ (low >>> 13)) >>> 0;
    let high = Math.imul(this.high + b, 0x85ebca6b);
    high = Math.imul(high ^ (high >>> 16) ^ a, 0xc2b2ae35);
    this.high = (high ^ (high >>> 14)) >>> 0;
  }
}
