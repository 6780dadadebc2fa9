import { BrokenLinkError, followLink } from "../kernel/index.ts";
import { type KernelObject, offsetOf, type Type } from "../program/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { objectAt, placeOf, structOf } from "./walk.ts";

/** An entry of a maple tree and the indices it stands for, both ends included. */
export interface MapleEntry {
  first: bigint;
  last: bigint;
  /** A pointer, or a value with bit 0 set. */
  entry: bigint;
}

/** `enum maple_type` (include/linux/maple_tree.h), 2 being range_64; copies (4) never stay in a tree. */
const maple_dense = 0;
const maple_leaf_64 = 1;
const maple_arange_64 = 3;
const nodeMask = ~0xffn;
const maximumIndex = 0xffff_ffff_ffff_ffffn;
const maximumDepth = 32;

/**
 * `mt_for_each`: entries of a `struct maple_tree` by ascending index; gaps are left out.
 * @throws {BrokenLinkError} where a node is dead, unreadable, or not where its parent says
 */
export function* mtForEach(tree: KernelObject): Generator<MapleEntry, undefined> {
  const { memory } = tree.program;
  const name = `maple tree at 0x${placeOf(tree).toString(16)}`;
  const link = placeOf(tree) + BigInt(offsetOf(structOf(tree), "ma_root"));
  const root = followLink(memory, name, link, link);
  if (!isNode(root)) {
    if (isEntry(root)) yield { first: 0n, last: 0n, entry: root };
    return;
  }
  const walker = new MapleWalker(tree, name);
  yield* walker.walk(link, root, undefined, 0n, maximumIndex, 0);
}

/** {@link mtForEach}, entries as structs of a type. @throws {BrokenLinkError} */
export function* mtForEachEntry(
  type: Type | string,
  tree: KernelObject,
): Generator<{ first: bigint; last: bigint; object: KernelObject }, undefined> {
  for (const { first, last, entry } of mtForEach(tree)) {
    yield { first, last, object: objectAt(tree.program, type, entry) };
  }
}

/** `mtree_load`: the entry at an index, 0 where there is none. @throws {BrokenLinkError} */
export function mtreeLoad(tree: KernelObject, index: bigint): bigint {
  for (const { first, last, entry } of mtForEach(tree)) {
    if (index < first) return 0n;
    if (index <= last) return entry;
  }
  return 0n;
}

/** `xa_is_node`: internal, and not one of the reserved words. */
function isNode(entry: bigint): boolean {
  return (entry & 3n) === 2n && entry > 4096n;
}

function isEntry(entry: bigint): boolean {
  return entry !== 0n && !((entry & 3n) === 2n && entry <= 4096n);
}

/** Where the arrays of one kind of node are, from BTF. */
interface NodeLayout {
  pivot: bigint;
  slot: bigint;
  slotCount: number;
  /** `struct maple_metadata.end`: index of the last slot in use. */
  end: bigint;
}

class MapleWalker {
  readonly #memory: VirtualMemory;
  readonly #name: string;
  readonly #parent: bigint;
  readonly #dense: { slot: bigint; slotCount: number };
  readonly #range: NodeLayout;
  readonly #arange: NodeLayout;

  constructor(tree: KernelObject, name: string) {
    const { program } = tree;
    this.#memory = program.memory;
    this.#name = name;
    const node = program.type("struct maple_node");
    const layout = (type: Type): NodeLayout => ({
      pivot: BigInt(offsetOf(type, "pivot")),
      slot: BigInt(offsetOf(type, "slot")),
      slotCount: type.member("slot").type.underlying.length ?? 0,
      end: BigInt(offsetOf(type, "meta.end")),
    });
    this.#parent = BigInt(offsetOf(node, "parent"));
    this.#dense = {
      slot: BigInt(offsetOf(node, "slot")),
      slotCount: node.member("slot").type.underlying.length ?? 0,
    };
    this.#range = layout(program.type("struct maple_range_64"));
    this.#arange = layout(program.type("struct maple_arange_64"));
  }

  *walk(
    link: bigint,
    encoded: bigint,
    parent: bigint | undefined,
    first: bigint,
    last: bigint,
    depth: number,
  ): Generator<MapleEntry, undefined> {
    const node = encoded & nodeMask;
    const kind = Number((encoded >> 3n) & 0xfn);
    if (depth > maximumDepth) throw this.#broken(link, `deeper than ${maximumDepth}`);
    // The parent pointer's low byte holds the slot; of the root it points to the tree.
    const stated = this.#read(link, node + this.#parent) & nodeMask;
    if (stated === node) throw this.#broken(link, `the node at 0x${node.toString(16)} is dead`);
    if (parent !== undefined && stated !== parent) {
      throw this.#broken(link, `the node's parent is 0x${stated.toString(16)}`);
    }
    if (kind === maple_dense) {
      yield* this.#walkDense(link, node, first, last);
      return;
    }
    if (kind > maple_arange_64) throw this.#broken(link, `a node of type ${kind}`);
    const layout = kind === maple_arange_64 ? this.#arange : this.#range;
    const end = this.#endOf(link, node, layout, kind, last);
    const seen = new Set<bigint>();
    let from = first;
    for (let position = 0; position <= end; position++) {
      let to = last;
      if (position < layout.slotCount - 1) {
        const pivot = this.#read(link, node + layout.pivot + BigInt(position * 8));
        // No pivot follows the last slot in use: it reaches to the node's end.
        if (position < end || (pivot !== 0n && pivot < last)) to = pivot < last ? pivot : last;
      }
      if (to < from) throw this.#broken(link, `pivot 0x${to.toString(16)} below 0x${from.toString(16)}`);
      const place = node + layout.slot + BigInt(position * 8);
      const slot = this.#read(link, place);
      if (kind === maple_leaf_64) {
        if (isEntry(slot)) yield { first: from, last: to, entry: slot };
      } else if (slot > 4096n) {
        // Only the root's pointer is marked as a node: in the slots of a parent there is nothing else.
        if (seen.has(slot)) throw this.#broken(place, "the same node twice");
        seen.add(slot);
        yield* this.walk(place, slot, node, from, to, depth + 1);
      } else if (slot !== 0n) throw this.#broken(place, `0x${slot.toString(16)} is no node`);
      if (to === last) return;
      from = to + 1n;
    }
  }

  *#walkDense(link: bigint, node: bigint, first: bigint, last: bigint): Generator<MapleEntry, undefined> {
    for (let position = 0; position < this.#dense.slotCount; position++) {
      const index = first + BigInt(position);
      if (index > last) return;
      const entry = this.#read(link, node + this.#dense.slot + BigInt(position * 8));
      if (isEntry(entry)) yield { first: index, last: index, entry };
    }
  }

  /** `ma_data_end`: index of the last slot in use. */
  #endOf(link: bigint, node: bigint, layout: NodeLayout, kind: number, last: bigint): number {
    const pivotCount = layout.slotCount - 1;
    const stated = (): number => {
      this.#read(link, node);
      const end = this.#memory.readU8(node + layout.end);
      if (end < layout.slotCount) return end;
      throw this.#broken(link, `a node that ends at slot ${end}`);
    };
    if (kind === maple_arange_64) return stated();
    const pivot = this.#read(link, node + layout.pivot + BigInt((pivotCount - 1) * 8));
    if (pivot === 0n) return stated();
    return pivot >= last ? pivotCount - 1 : pivotCount;
  }

  #read(link: bigint, place: bigint): bigint {
    return followLink(this.#memory, this.#name, link, place);
  }

  #broken(link: bigint, why: string): BrokenLinkError {
    return new BrokenLinkError(this.#name, link, why);
  }
}
