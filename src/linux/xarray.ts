import { BrokenLinkError, followLink } from "../kernel/index.ts";
import { type KernelObject, type ObjectContext, offsetOf } from "../program/index.ts";
import { placeOf, structOf } from "./walk.ts";

/** Of an xarray: where, and the word that is there: a pointer, or a value (`xaIsValue`). */
export interface XaEntry {
  index: bigint;
  entry: bigint;
}

/** `xa_is_value` (include/linux/xarray.h): an integer, shifted left by one. */
export function xaIsValue(entry: bigint): boolean {
  return (entry & 1n) === 1n;
}

/** `xa_to_value`. */
export function xaToValue(entry: bigint): bigint {
  return entry >> 1n;
}

/**
 * `xa_for_each`: entries of a `struct xarray`, by ascending index. Also for `struct radix_tree_root`, which
 * is another name of it since v4.20 and another layout before. Empty, sibling, zero and retry entries are
 * left out.
 * @throws {BrokenLinkError}
 */
export function* xaForEach(xarray: KernelObject): Generator<XaEntry, undefined> {
  const layout = layoutOf(xarray);
  const { link, head } = layout;
  if (!layout.isNode(head)) {
    if (isEntry(head, layout.tag)) yield { index: 0n, entry: head };
    return;
  }
  yield* walkNode(layout, link, head & ~3n, undefined, 0n);
}

/** `xa_load`: the entry at an index, 0 where there is none. @throws {BrokenLinkError} */
export function xaLoad(xarray: KernelObject, index: bigint | number): bigint {
  const layout = layoutOf(xarray);
  const wanted = BigInt(index);
  let { link, head } = layout;
  if (!layout.isNode(head)) return wanted === 0n && isEntry(head, layout.tag) ? head : 0n;
  let above = 65;
  while (layout.isNode(head)) {
    const node = head & ~3n;
    const shift = shiftOf(layout, link, node, above);
    const slot = wanted >> BigInt(shift);
    // Only the top node can be too small: below it the slot is masked.
    if (above === 65 && slot >= BigInt(layout.slotCount)) return 0n;
    above = shift;
    let position = Number(slot & BigInt(layout.slotCount - 1));
    link = node + layout.slots + BigInt(position * 8);
    head = followLink(layout.program.memory, layout.name, link, link);
    if ((head & 3n) === layout.tag && head >> 2n < BigInt(layout.slotCount) && layout.tag === 2n) {
      position = Number(head >> 2n);
      link = node + layout.slots + BigInt(position * 8);
      head = followLink(layout.program.memory, layout.name, link, link);
    }
  }
  return isEntry(head, layout.tag) ? head : 0n;
}

interface Layout {
  program: ObjectContext;
  name: string;
  /** Where the root's pointer stands, and its value. */
  link: bigint;
  head: bigint;
  /** Low bits of a pointer to a node: 2, and 1 before v4.20. */
  tag: bigint;
  isNode: (entry: bigint) => boolean;
  shift: bigint;
  parent: bigint;
  slots: bigint;
  slotCount: number;
}

function layoutOf(xarray: KernelObject): Layout {
  const { program } = xarray;
  const root = structOf(xarray);
  // v4.20 (f8d5d0cc145c): radix trees became xarrays.
  const isOld = root.findMember("xa_head") === undefined;
  const member = isOld ? "rnode" : "xa_head";
  const node = program.type(isOld ? "struct radix_tree_node" : "struct xa_node");
  const link = placeOf(xarray) + BigInt(offsetOf(root, member));
  const name = `xarray at 0x${placeOf(xarray).toString(16)}`;
  const tag = isOld ? 1n : 2n;
  return {
    program,
    name,
    link,
    head: followLink(program.memory, name, link, link),
    tag,
    isNode: (entry) => (entry & 3n) === tag && entry > 4096n,
    shift: BigInt(offsetOf(node, "shift")),
    parent: BigInt(offsetOf(node, "parent")),
    slots: BigInt(offsetOf(node, "slots")),
    slotCount: node.member("slots").type.underlying.length ?? 64,
  };
}

/** Neither empty nor one of the words that are for the xarray's own use. */
function isEntry(entry: bigint, tag: bigint): boolean {
  return entry !== 0n && !((entry & 3n) === tag && (tag === 1n || entry <= 4096n));
}

function shiftOf(layout: Layout, link: bigint, node: bigint, above: number): number {
  followLink(layout.program.memory, layout.name, link, node);
  const shift = layout.program.memory.readU8(node + layout.shift);
  if (shift < above && shift < 64) return shift;
  throw new BrokenLinkError(layout.name, link, `a node at shift ${shift} below one at ${above}`);
}

function* walkNode(
  layout: Layout,
  link: bigint,
  node: bigint,
  parent: bigint | undefined,
  base: bigint,
  above = 65,
): Generator<XaEntry, undefined> {
  const { memory } = layout.program;
  const shift = shiftOf(layout, link, node, above);
  // Every node has one parent, so damage cannot make the walk visit one again and again.
  const stated = followLink(memory, layout.name, link, node + layout.parent);
  if (parent !== undefined && stated !== parent) {
    throw new BrokenLinkError(layout.name, link, `the node's parent is 0x${stated.toString(16)}`);
  }
  const seen = new Set<bigint>();
  for (let position = 0; position < layout.slotCount; position++) {
    const slot = node + layout.slots + BigInt(position * 8);
    const entry = followLink(memory, layout.name, link, slot);
    const index = base + (BigInt(position) << BigInt(shift));
    if (layout.isNode(entry) && shift > 0) {
      if (seen.has(entry)) throw new BrokenLinkError(layout.name, slot, "the same node twice");
      seen.add(entry);
      yield* walkNode(layout, slot, entry & ~3n, node, index, shift);
    } else if (isEntry(entry, layout.tag)) yield { index, entry };
  }
}
