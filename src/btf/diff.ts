import * as K from "./constants.ts";
import { describeChanges, type DiffChange } from "./diff-changes.ts";
import { isComposite, isEnum } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { compareStructures, type Structures, typeKey, unnamedTypes } from "./structure.ts";

export type { DiffChange };
/** Who is broken: what was compiled with the kernel's headers; BPF programs with CO-RE. */
export type Breaks = "header" | "core";
export type DiffCategory = "type" | "function" | "variable" | "section";

/** Something that only one side has, or that differs. */
export interface DiffEntry {
  category: DiffCategory;
  status: "added" | "removed" | "changed" | "renamed";
  /** `struct page`, `typedef u8`, or the plain name of a function, variable or section. */
  name: string;
  /** What it is called on the right side, when `renamed`: a struct, union or enum of the same look. */
  newName?: string;
  /** Id on the left side; absent when added. */
  before?: TypeId;
  /** Id on the right side; absent when removed. */
  after?: TypeId;
  /** Empty unless `changed`. */
  changes: DiffChange[];
  /** Whom it breaks, where that was asked (`breakingChanges`). */
  breaks?: Breaks[];
}

export interface BtfDiff {
  /** Types, then functions, variables, sections; each sorted by name. Empty: no difference. */
  entries: DiffEntry[];
  /** Things compared on each side. */
  counts: Record<DiffCategory, { before: number; after: number }>;
}

export interface DiffOptions {
  /** Also compare where in its section a variable lies (default). Off for builds that differ. */
  offsets?: boolean;
}

/** One place of a variable. A VAR outside any DATASEC has none. */
interface VariablePlace {
  section: string;
  offset: number;
  byteSize: number;
}

/** Something to be matched: its name, its look, and for variables its place. */
interface Item {
  id: TypeId;
  look: string;
  place?: VariablePlace;
}

/**
 * Compare two BTFs (of split ones: their own types) by name and use. Ids and order never count;
 * several types of one name are matched as a multiset: equal looks first, what remains in order.
 * Variables are matched by name and place, then name and look, then name.
 */
export function diffBtf(a: Btf, b: Btf, options: DiffOptions = {}): BtfDiff {
  const [left, right] = compareStructures(a, b);
  const offsets = options.offsets ?? true;
  const entries: DiffEntry[] = [];
  const counts = {} as BtfDiff["counts"];
  const collect: [DiffCategory, (structures: Structures, other: Structures) => Map<string, Item[]>][] = [
    ["type", typeItems],
    ["function", (structures) => itemsOfKind(structures, K.BTF_KIND_FUNC)],
    ["variable", (structures) => variableItems(structures, offsets)],
    ["section", (structures) => itemsOfKind(structures, K.BTF_KIND_DATASEC)],
  ];
  for (const [category, items] of collect) {
    const before = items(left, right);
    const after = items(right, left);
    counts[category] = { before: countItems(before), after: countItems(after) };
    const names = [...new Set([...before.keys(), ...after.keys()])].sort();
    for (const name of names) {
      const pairs = matchItems(before.get(name) ?? [], after.get(name) ?? []);
      for (const [was, is] of pairs) entries.push(entryOf(category, name, was, is, left, right, offsets));
    }
  }
  return { entries: joinRenamed(entries, left, right), counts };
}

/** A removed and an added struct, union or enum that look alike, and like no other such, are one renamed. */
function joinRenamed(entries: DiffEntry[], left: Structures, right: Structures): DiffEntry[] {
  const lookOf = (entry: DiffEntry): string | undefined => {
    const id = entry.before ?? entry.after!;
    const structures = entry.status === "removed" ? left : right;
    if (entry.category !== "type" || (entry.status !== "removed" && entry.status !== "added"))
      return undefined;
    const kind = structures.btf.kind(id);
    // Two members say little enough; one says nothing.
    if ((!isComposite(kind) && !isEnum(kind)) || structures.btf.vlen(id) < 2) return undefined;
    return `${entry.status} ${structures.definition(id)}`;
  };
  const byLook = new Map<string, DiffEntry[]>();
  for (const entry of entries) {
    const look = lookOf(entry);
    if (look !== undefined) byLook.set(look, [...(byLook.get(look) ?? []), entry]);
  }
  const replaced = new Map<DiffEntry, DiffEntry | undefined>();
  for (const [look, [was, ...others]] of byLook) {
    if (!look.startsWith("removed ") || others.length > 0) continue;
    const [is, ...more] = byLook.get(look.replace("removed", "added")) ?? [];
    if (is === undefined || more.length > 0) continue;
    const { category, name, before } = was!;
    const renamed: DiffEntry = { category, status: "renamed", name, newName: is.name, changes: [] };
    replaced.set(was!, { ...renamed, before: before!, after: is.after! });
    replaced.set(is, undefined);
  }
  return entries.flatMap((entry) => (replaced.has(entry) ? (replaced.get(entry) ?? []) : [entry]));
}

function entryOf(
  category: DiffCategory,
  name: string,
  was: Item | undefined,
  is: Item | undefined,
  left: Structures,
  right: Structures,
  offsets: boolean,
): DiffEntry {
  if (was === undefined) return { category, status: "added", name, after: is!.id, changes: [] };
  if (is === undefined) return { category, status: "removed", name, before: was.id, changes: [] };
  const changes = describeChanges(left, was.id, right, is.id);
  if (was.place !== undefined && is.place !== undefined)
    changes.push(...placeChanges(was.place, is.place, offsets));
  if (changes.length === 0) changes.push({ what: "definition" });
  return { category, status: "changed", name, before: was.id, after: is.id, changes };
}

function placeChanges(was: VariablePlace, is: VariablePlace, offsets: boolean): DiffChange[] {
  const changes: DiffChange[] = [];
  if (was.section !== is.section) changes.push({ what: "section", before: was.section, after: is.section });
  if (offsets && was.offset !== is.offset)
    changes.push({ what: "offset", before: hex(was.offset), after: hex(is.offset) });
  if (was.byteSize !== is.byteSize)
    changes.push({ what: "size", before: `${was.byteSize}`, after: `${is.byteSize}` });
  return changes;
}

/** Pairs that differ: equal places first, then equal looks, then what is left in order. */
function matchItems(before: Item[], after: Item[]): [Item | undefined, Item | undefined][] {
  const differing: [Item | undefined, Item | undefined][] = [];
  let [was, is] = takeEqual(before, after, (item) => `${item.look}\0${placeKey(item)}`);
  const samePlace: [Item, Item][] = [];
  if (was.some((item) => item.place !== undefined)) {
    [was, is] = takeEqual(was, is, (item) => `at\0${placeKey(item)}`, samePlace);
    [was, is] = takeEqual(was, is, (item) => item.look, samePlace);
  }
  differing.push(...samePlace);
  for (let index = 0; index < Math.max(was.length, is.length); index++)
    differing.push([was[index], is[index]]);
  return differing;
}

function placeKey(item: Item): string {
  return item.place === undefined
    ? ""
    : `${item.place.section}\0${item.place.offset}\0${item.place.byteSize}`;
}

/** Items of each side whose key the other side has not; the pairs taken out go to `taken`. */
function takeEqual(
  before: Item[],
  after: Item[],
  key: (item: Item) => string,
  taken?: [Item, Item][],
): [Item[], Item[]] {
  if (before.length === 0 || after.length === 0) return [before, after];
  const waiting = new Map<string, Item[]>();
  for (const item of before) {
    const list = waiting.get(key(item));
    if (list === undefined) waiting.set(key(item), [item]);
    else list.push(item);
  }
  // From the end, so that what remains keeps its order and a match is cheap to remove.
  for (const list of waiting.values()) list.reverse();
  const matched = new Set<Item>();
  const rest: Item[] = [];
  for (const item of after) {
    const partner = waiting.get(key(item))?.pop();
    if (partner === undefined) {
      rest.push(item);
    } else {
      matched.add(partner);
      taken?.push([partner, item]);
    }
  }
  return [before.filter((item) => !matched.has(item)), rest];
}

function typeItems(structures: Structures, other: Structures): Map<string, Item[]> {
  const { btf } = structures;
  const items = new Map<string, Item[]>();
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const key = typeKey(btf, id);
    if (key !== undefined) addItem(items, key, { id, look: `${structures.definition(id)}` });
  }
  // An unnamed type shows in what uses it. Unused ones stand for themselves, unless the other side has the like.
  const known = new Set(unnamedTypes(other.btf).all.map((id) => other.definition(id)));
  for (const id of unnamedTypes(btf).unused) {
    const look = structures.definition(id);
    if (!known.has(look)) addItem(items, unnamedKey(btf, id), { id, look: `${look}` });
  }
  return items;
}

/** An unnamed type nobody uses goes by its first member or value. */
function unnamedKey(btf: Btf, id: TypeId): string {
  const kind = btf.kind(id);
  const keyword = kind === K.BTF_KIND_STRUCT ? "struct" : kind === K.BTF_KIND_UNION ? "union" : "enum";
  if (btf.vlen(id) === 0) return `${keyword} {}`;
  const first = keyword === "enum" ? btf.enumeratorName(id, 0) : btf.memberName(id, 0);
  return `${keyword} { ${first} … }`;
}

function itemsOfKind(structures: Structures, kind: number): Map<string, Item[]> {
  const { btf } = structures;
  const items = new Map<string, Item[]>();
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) !== kind) continue;
    const look =
      kind === K.BTF_KIND_DATASEC ? `${btf.sizeOrType(id)} ${btf.vlen(id)}` : `${structures.definition(id)}`;
    addItem(items, btf.name(id), { id, look });
  }
  return items;
}

function variableItems(structures: Structures, offsets: boolean): Map<string, Item[]> {
  const { btf } = structures;
  const items = new Map<string, Item[]>();
  const placed = new Uint8Array(btf.typeCount);
  const add = (id: TypeId, place: VariablePlace): void => {
    addItem(items, btf.name(id), { id, look: `${structures.definition(id)}`, place });
  };
  for (let section = btf.startId; section < btf.typeCount; section++) {
    if (btf.kind(section) !== K.BTF_KIND_DATASEC) continue;
    const name = btf.name(section);
    for (const entry of btf.sectionEntries(section)) {
      if (btf.kind(entry.type) !== K.BTF_KIND_VAR) continue;
      placed[entry.type] = 1;
      add(entry.type, { section: name, offset: offsets ? entry.offset : 0, byteSize: entry.byteSize });
    }
  }
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) === K.BTF_KIND_VAR && placed[id] === 0) add(id, { section: "", offset: 0, byteSize: 0 });
  }
  return items;
}

function addItem(items: Map<string, Item[]>, name: string, item: Item): void {
  const list = items.get(name);
  if (list === undefined) items.set(name, [item]);
  else list.push(item);
}

function countItems(items: Map<string, Item[]>): number {
  let count = 0;
  for (const list of items.values()) count += list.length;
  return count;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
