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

/**
 * Colours by type id. 53 bits each: 300 000 types collide with a chance of 5 in a million.
 */
export interface Colours {
  of(id: number): number;
}

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

/** Deep colours of several graphs that share a name table; colours are comparable between all of them. */
export function deepColours(graphs: readonly TypeGraph[]): Colours[] {
  const hasher = new Hasher();
  // Bases come before what is split over them, and each is refined once.
  const layers = [
    ...new Set(graphs.flatMap((graph) => (graph.base === undefined ? [graph] : [graph.base, graph]))),
  ];
  const places = new Map(layers.map((graph, i) => [graph, i]));
  const parents = layers.map((graph) => (graph.base === undefined ? -1 : places.get(graph.base)!));
  const edges = layers.map(referenceTable);
  let lanes = layers.map((graph) => initialLanes(graph, hasher));
  for (let classes = 0; ;) {
    // Counting the classes costs more than a round, so count now and then.
    for (let i = 0; i < 4; i++) {
      const from = lanes;
      lanes = layers.map((graph, l) => refine(graph, from[l]!, from[parents[l]!], edges[l]!, hasher));
    }
    const now = countClasses(lanes);
    if (now === classes) break;
    classes = now;
  }
  const merged = lanes.map(({ low, high }) => merge(low, high));
  return graphs.map((graph) => {
    const own = merged[places.get(graph)!]!;
    const base = graph.base === undefined ? undefined : merged[places.get(graph.base)!]!;
    const start = ownStart(graph);
    return { of: (id) => (id < start ? base![id]! : own[id - start]!) };
  });
}

/** Shallow colours, worked out when asked for. */
export function shallowColours(graph: TypeGraph): Colours {
  const hasher = new Hasher();
  const initial = initialLanes(graph, hasher);
  const baseInitial = graph.base === undefined ? undefined : initialLanes(graph.base, hasher);
  const start = ownStart(graph);
  const low = new Uint32Array(graph.length);
  const high = new Uint32Array(graph.length);
  const useLow = new Uint32Array(graph.length);
  const useHigh = new Uint32Array(graph.length);
  const ownKnown = new Uint8Array(graph.length);
  const useKnown = new Uint8Array(graph.length);

  /** The colour of a type itself. */
  function own(id: number): void {
    if (ownKnown[id] !== 0) return;
    ownKnown[id] = 1;
    const targets: number[] = [];
    forEachReference(graph, id, (target) => targets.push(target));
    for (const target of targets) use(target);
    const [lanes, index] = id < start ? [baseInitial!, id] : [initial, id - start];
    hasher.start(lanes.low[index]!, lanes.high[index]!);
    for (const target of targets) hasher.add(useLow[target]!, useHigh[target]!);
    low[id] = hasher.low;
    high[id] = hasher.high;
  }

  /** The colour of a mention of it: by name where there is one, however much of it this unit knows. */
  function use(id: number): void {
    if (useKnown[id] !== 0) return;
    useKnown[id] = 1;
    const kind = graph.kind[id]!;
    if (id === 0 || (graph.name[id] !== 0 && mentionedByName.has(kind))) {
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

  return {
    of(id) {
      own(id);
      return mergeOne(low[id]!, high[id]!);
    },
  };
}

const mentionedByName: ReadonlySet<number> = new Set([STRUCT, UNION, TYPEDEF, ENUM, ENUM64, FWD]);

/** Columns of a split cover its own types only; a graph without a base has void at 0. */
function ownStart(graph: TypeGraph): number {
  return graph.base === undefined ? 0 : graph.startId;
}

interface Lanes {
  low: Uint32Array;
  high: Uint32Array;
}

/** What a record says without its references. */
function initialLanes(graph: TypeGraph, hasher: Hasher): Lanes {
  const { kind: kinds, name, vlen, kindFlag, sizeOrType, trailer, words } = graph;
  const start = ownStart(graph);
  const low = new Uint32Array(graph.length - start);
  const high = new Uint32Array(graph.length - start);
  for (let id = start; id < graph.length; id++) {
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
    low[id - start] = hasher.low;
    high[id - start] = hasher.high;
  }
  return { low, high };
}

/** References of all own types in one run: those of `id` are `targets[from[id - start] .. from[id - start + 1])`. */
function referenceTable(graph: TypeGraph): { from: Uint32Array; targets: Uint32Array } {
  const start = ownStart(graph);
  const from = new Uint32Array(graph.length - start + 1);
  const list: number[] = [];
  for (let id = start; id < graph.length; id++) {
    from[id - start] = list.length;
    forEachReference(graph, id, (target) => {
      if (target >= graph.length) throw new Error(`type ${id} refers to type ${target} of ${graph.length}`);
      list.push(target);
    });
  }
  from[graph.length - start] = list.length;
  return { from, targets: Uint32Array.from(list) };
}

function refine(
  graph: TypeGraph,
  own: Lanes,
  base: Lanes | undefined,
  edges: { from: Uint32Array; targets: Uint32Array },
  hasher: Hasher,
): Lanes {
  const start = ownStart(graph);
  const low = new Uint32Array(own.low.length);
  const high = new Uint32Array(own.low.length);
  for (let i = 0; i < low.length; i++) {
    hasher.start(own.low[i]!, own.high[i]!);
    const end = edges.from[i + 1]!;
    for (let e = edges.from[i]!; e < end; e++) {
      const target = edges.targets[e]!;
      if (target < start) hasher.add(base!.low[target]!, base!.high[target]!);
      else hasher.add(own.low[target - start]!, own.high[target - start]!);
    }
    low[i] = hasher.low;
    high[i] = hasher.high;
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

function merge(low: Uint32Array, high: Uint32Array): Float64Array {
  const colours = new Float64Array(low.length);
  for (let i = 0; i < low.length; i++) colours[i] = mergeOne(low[i]!, high[i]!);
  return colours;
}

function mergeOne(low: number, high: number): number {
  return (high & 0x1fffff) * 0x100000000 + low;
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
