import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  type Gaps,
  mtForEach,
  rbtreeInorderForEach,
  xaForEach,
  xaIsValue,
  xaToValue,
} from "../linux/index.ts";
import type { FormatOptions } from "../program/index.ts";
import { hex } from "./hex.ts";
import { entryLimit, type EntryRow, offsetText, shownParts } from "./list.ts";
import { resolveAddress } from "./read.ts";

export type TreeKind = "rbtree" | "radix" | "xarray" | "maple";

export interface TreeQuery {
  start: string;
  kind: TreeKind;
  /** True where `start` is no root but a red-black tree's node: what is below it. */
  isNode?: boolean;
  /** From `start` to the root: bytes, or `struct.member`. */
  rootOffset?: string | undefined;
  /** Of red-black trees: the node in the structures; bytes, or `struct.member`. */
  nodeOffset?: string | undefined;
  /** `struct`, `struct.member,member`: what to show of every entry. */
  show?: string | undefined;
  count?: number | undefined;
  format?: FormatOptions;
}

/** The kind that a word begins: `rb`, `ra`, `x`, `m`. @throws {UsageError} */
export function treeKind(text: string): TreeKind {
  const kinds = (["rbtree", "radix", "xarray", "maple"] as const).filter((kind) => kind.startsWith(text));
  if (kinds.length === 1 && text !== "") return kinds[0]!;
  throw new UsageError(`tree: '${text}' is none of rbtree, radix, xarray, maple`);
}

/** A tree's entries in order, as crash's `tree` finds them. @throws {UsageError} {@link LookupError} */
export function* walkTree(kernel: Kernel, gaps: Gaps, query: TreeQuery): Generator<EntryRow> {
  const start = resolveAddress(kernel, query.start);
  const root = BigInt.asUintN(64, start + offsetText(kernel, query.rootOffset));
  const nodeOffset = offsetText(kernel, query.nodeOffset);
  if (query.nodeOffset !== undefined && query.kind !== "rbtree") {
    throw new UsageError("tree: -o is for red-black trees: the others point to structures");
  }
  if (query.isNode === true && (query.kind !== "rbtree" || query.rootOffset !== undefined)) {
    throw new UsageError("tree: -N is for the node of a red-black tree, without -r");
  }
  const show = shownParts(kernel, query.show, query.format);
  let left = entryLimit(query.count);
  for (const row of gaps.walk(entriesOf(kernel, query, root, nodeOffset))) {
    if (left-- === 0) {
      gaps.limit(`the tree goes on after ${entryLimit(query.count)} entries`);
      return;
    }
    const objects = show === undefined || row.address === null ? undefined : show(BigInt(row.address), gaps);
    yield objects === undefined ? row : { ...row, objects };
  }
}

function* entriesOf(
  { program }: Kernel,
  { kind, isNode = false }: TreeQuery,
  root: bigint,
  nodeOffset: bigint,
): Generator<EntryRow, undefined> {
  if (kind === "rbtree") {
    for (const node of rbtreeInorderForEach(
      program.object(root, isNode ? "struct rb_node" : "struct rb_root"),
    )) {
      yield { address: hex(BigInt.asUintN(64, node - nodeOffset)) };
    }
  } else if (kind === "maple") {
    for (const { first, last, entry } of mtForEach(program.object(root, "struct maple_tree"))) {
      yield { ...entryRow(entry), index: hex(first), last: hex(last) };
    }
  } else {
    // A radix tree is an xarray by another name since v4.20.
    const isXarray = program.types.find("struct xarray")?.findMember("xa_head") !== undefined;
    const type = isXarray ? "struct xarray" : "struct radix_tree_root";
    for (const { index, entry } of xaForEach(program.object(root, type))) {
      yield { ...entryRow(entry), index: hex(index) };
    }
  }
}

function entryRow(entry: bigint): EntryRow {
  return xaIsValue(entry) ? { address: null, value: hex(xaToValue(entry)) } : { address: hex(entry) };
}
