import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import { isEnum, isModifier } from "../modifiers.ts";
import type { Btf, TypeId } from "../reader.ts";
import type { NameIds } from "./name-ids.ts";
import { orderNames } from "./name-order.ts";
import { maximumChain, TypeHashes } from "./type-hashes.ts";

const lastRank = 10;

/**
 * All ids, void included but without functions, variables and sections (half of a kernel's types, and
 * nothing is printed for them), in the order in which bpftool (7.5 on) prints types: enums, then
 * scalars, then structs and unions, then functions, what refers to a type standing with it; each by
 * name, and equal names by what they are made of.
 */
export function sortRoots(btf: Btf, names: NameIds): Uint32Array {
  const ranks = new Uint32Array(btf.typeCount);
  const ownNames = new Uint32Array(btf.typeCount);
  const sortNames = new Uint32Array(btf.typeCount);
  let ids = new Uint32Array(btf.typeCount);
  let count = 0;
  for (let id = 0; id < btf.typeCount; id++) {
    if (!isPrintable(btf.kind(id))) continue;
    ids[count++] = id;
    ranks[id] = rankOf(btf, id);
    ownNames[id] = id === 0 ? 0 : names.ofType(id);
    sortNames[id] = sortNameOf(btf, names, id);
  }
  ids = ids.subarray(0, count);
  const places = orderNames(btf, names);
  for (const id of ids) {
    ownNames[id] = places[ownNames[id]!]!;
    sortNames[id] = places[sortNames[id]!]!;
  }
  // By the last of the keys first: each sorting leaves equal keys in the order they were in.
  ids = sortedBy(ids, ownNames, names.count);
  ids = sortedBy(ids, sortNames, names.count);
  ids = sortedBy(ids, ranks, lastRank + 1);
  sortTies(btf, ids, ranks, sortNames, ownNames);
  return ids;
}

function isPrintable(kind: number): boolean {
  return kind !== K.BTF_KIND_FUNC && kind !== K.BTF_KIND_VAR && kind !== K.BTF_KIND_DATASEC;
}

function rankOf(btf: Btf, id: TypeId): number {
  let isNamed = false;
  for (let hops = 0; hops < maximumChain; hops++) {
    const kind = btf.kind(id);
    isNamed ||= btf.nameOffset(id) !== 0;
    if (isEnum(kind)) return isNamed ? 1 : 0;
    if (kind === K.BTF_KIND_INT || kind === K.BTF_KIND_FLOAT) return 2;
    if (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION) return isNamed ? 3 : lastRank;
    if (kind === K.BTF_KIND_FUNC_PROTO) return isNamed ? 4 : lastRank;
    // What is not named so far is last whatever it refers to.
    if (!isNamed) return lastRank;
    if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
    else if (isReference(kind)) id = btf.sizeOrType(id);
    else return lastRank;
  }
  throw tooLong(id);
}

/** The name that decides: that of the type at the end of a chain, of an unnamed enum its first value's. */
function sortNameOf(btf: Btf, names: NameIds, root: TypeId): number {
  if (isEnum(btf.kind(root)) && btf.nameOffset(root) === 0 && btf.vlen(root) > 0)
    return names.ofOffset(btf.enumeratorNameOffset(root, 0));
  let id = root;
  for (let hops = 0; hops < maximumChain; hops++) {
    const kind = btf.kind(id);
    if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
    else if (isReference(kind)) id = btf.sizeOrType(id);
    // What is not printed has no name here, though it may have one.
    else return id === 0 || !isPrintable(kind) ? 0 : names.ofType(id);
  }
  throw tooLong(root);
}

/** Sort ids by keys below `keyCount`, stably: counted, then dealt out. */
function sortedBy(ids: Uint32Array, keys: Uint32Array, keyCount: number): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(keyCount + 1);
  for (const id of ids) starts[keys[id]! + 1]!++;
  for (let key = 0; key < keyCount; key++) starts[key + 1]! += starts[key]!;
  const sorted = new Uint32Array(ids.length);
  for (const id of ids) sorted[starts[keys[id]!]!++] = id;
  return sorted;
}

/** Sort ids whose keys are all equal by what they are made of, then by number. */
function sortTies(
  btf: Btf,
  ids: Uint32Array,
  ranks: Uint32Array,
  sortNames: Uint32Array,
  ownNames: Uint32Array,
): void {
  const hashes = new TypeHashes(btf);
  const compare = (a: TypeId, b: TypeId): number => hashes.compare(a, b) || a - b;
  for (let start = 0; start < ids.length;) {
    const first = ids[start]!;
    let isInOrder = true;
    let end = start + 1;
    for (; end < ids.length; end++) {
      const id = ids[end]!;
      if (sortNames[id] !== sortNames[first] || ownNames[id] !== ownNames[first]) break;
      if (ranks[id] !== ranks[first]) break;
      // Prototypes, which nothing tells apart, are a run of thousands: they need no sorting.
      if (isInOrder && compare(ids[end - 1]!, id) > 0) isInOrder = false;
    }
    if (!isInOrder) ids.subarray(start, end).sort(compare);
    start = end;
  }
}

function isReference(kind: number): boolean {
  return isModifier(kind) || kind === K.BTF_KIND_PTR || kind === K.BTF_KIND_DECL_TAG;
}

function tooLong(id: TypeId): LimitError {
  return new LimitError("BTF_DEPTH", `type ${id} refers on and on`, { section: btfSectionName });
}
