/** Brings types into the order in which bpftool prints them. */
import { addsNothing } from "./dependencies";
import { hashOf, knownHash } from "./hashes";
import { nameCount, nameId, nameOfType } from "./names";
import { sortNames } from "./name-order";
import {
  countOf,
  DECL_TAG,
  ENUM,
  ENUM64,
  FLOAT,
  FUNC_PROTO,
  headByteSize,
  INT,
  isEnum,
  isPrinted,
  kindOf,
  nameOf,
  recordOf,
  referredBy,
  STRUCT,
  typeCount,
  UNION,
} from "./types";

/** A word for each root, a type to be printed: its id, and the keys to sort by. */
declare const rootIds: i32;
declare const ranks: i32;
declare const ownNames: i32;
declare const sortingNames: i32;
/** A word for each type, or name if there are more: roots in order, twice. */
declare const orderPlace: i32;
declare const otherOrderPlace: i32;
/** A word for each type: ids in order. */
declare const sortedIds: i32;
/** A word for each type: ids of those without a name that are not sorted with the others. */
declare const namelessIds: i32;
/** A word for each name: its place among all names. */
declare const namePlaces: i32;
/** A word for each name and some more: where each key's ids begin. */
declare const counts: i32;
/** Whether to keep also the roots that add nothing: so that a test can compare. */
declare const keepsAll: i32;

/** What refers on and on is given up after so many. */
const mostHops = 128;
const lastRank = 10;

let order: i32 = orderPlace;
let otherOrder: i32 = otherOrderPlace;

/** How many roots there are, and in order before those of the last rank; and how many have no name. */
let rootCount: i32 = 0;
let firstCount: i32 = 0;
let namelessCount: i32 = 0;

function wordAt(column: i32, index: i32): i32 {
  return load<i32>(column + (index << 2));
}

function setWordAt(column: i32, index: i32, value: i32): void {
  store<i32>(column + (index << 2), value);
}

/** What stands at the end of all that a type refers to; -1 where that goes on and on. */
function endOfChain(id: i32): i32 {
  for (let hops = 0; hops < mostHops; hops++) {
    const record = recordOf(id);
    const next = referredBy(record, kindOf(record));
    if (next < 0) return id;
    id = next;
  }
  return -1;
}

/** Of a type with a name, or one that refers to no other, by what stands at the end of its chain. */
function rankOf(isNamed: bool, endKind: i32): i32 {
  switch (endKind) {
    case ENUM:
    case ENUM64:
      return isNamed ? 1 : 0;
    case INT:
    case FLOAT:
      return 2;
    case STRUCT:
    case UNION:
      return isNamed ? 3 : lastRank;
    case FUNC_PROTO:
      return isNamed ? 4 : lastRank;
    default:
      return lastRank;
  }
}

/** The name that decides: that of the type at the end of a chain, of an unnamed enum its first value's. */
function sortNameOf(record: i32, end: i32): i32 {
  const kind = kindOf(record);
  if (isEnum(kind) && nameOf(record) == 0 && countOf(record) != 0)
    return nameId(load<i32>(record, headByteSize));
  // What is not printed has no name here, though it may have one.
  return end == 0 || !isPrinted(kindOf(recordOf(end))) ? 0 : nameOfType(end);
}

/** Sort roots in order by keys, stably: counted, then dealt out. */
function sortBy(keys: i32, keyCount: i32, count: i32): void {
  memory.fill(counts, 0, keyCount << 2);
  for (let index = 0; index < count; index++) {
    const at = counts + (wordAt(keys, wordAt(order, index)) << 2);
    store<i32>(at, load<i32>(at) + 1);
  }
  let sum = 0;
  for (let key = 0; key < keyCount; key++) {
    const number = wordAt(counts, key);
    setWordAt(counts, key, sum);
    sum += number;
  }
  for (let index = 0; index < count; index++) {
    const root = wordAt(order, index);
    const at = counts + (wordAt(keys, root) << 2);
    const place = load<i32>(at);
    store<i32>(at, place + 1);
    setWordAt(otherOrder, place, root);
  }
  const sorted = otherOrder;
  otherOrder = order;
  order = sorted;
}

/** Whether a type with another's keys comes after it: by hash, which is known, then by number. */
function isAfter(first: i32, second: i32): bool {
  const a = knownHash(first);
  const b = knownHash(second);
  return a == b ? first > second : a > b;
}

/** Let the id at an index of a heap (for sorting) of ids sink to its place. */
function sink(base: i32, index: i32, count: i32): void {
  const id = wordAt(base, index);
  for (let child = index * 2 + 1; child < count; child = index * 2 + 1) {
    let other = wordAt(base, child);
    if (child + 1 < count && isAfter(wordAt(base, child + 1), other)) other = wordAt(base, ++child);
    if (!isAfter(other, id)) break;
    setWordAt(base, index, other);
    index = child;
  }
  setWordAt(base, index, id);
}

/** Sort ids by their hashes. */
function sortRun(base: i32, count: i32): void {
  for (let index = 0; index < count; index++) hashOf(wordAt(base, index));
  for (let index = (count >> 1) - 1; index >= 0; index--) sink(base, index, count);
  for (let index = count - 1; index > 0; index--) {
    const id = wordAt(base, 0);
    setWordAt(base, 0, wordAt(base, index));
    setWordAt(base, index, id);
    sink(base, 0, index);
  }
}

function haveEqualKeys(first: i32, second: i32): bool {
  return (
    wordAt(sortingNames, first) == wordAt(sortingNames, second) &&
    wordAt(ownNames, first) == wordAt(ownNames, second) &&
    wordAt(ranks, first) == wordAt(ranks, second)
  );
}

/** Sort so many roots, and put their ids to an address: by keys; equal ones by what they are made of, then by number. */
function sortRoots(count: i32, ids: i32): void {
  // By the last of the keys first: each sorting leaves equal keys in the order they were in.
  sortBy(ownNames, nameCount(), count);
  sortBy(sortingNames, nameCount(), count);
  sortBy(ranks, lastRank + 1, count);
  for (let index = 0; index < count; index++) setWordAt(ids, index, wordAt(rootIds, wordAt(order, index)));
  for (let start = 0, end = 0; start < count; start = end) {
    const first = wordAt(order, start);
    end = start + 1;
    while (end < count && haveEqualKeys(wordAt(order, end), first)) end++;
    if (end > start + 1) sortRun(ids + (start << 2), end - start);
  }
}

/** Give each name its place, and put it where roots have names as keys. */
function placeNames(): void {
  const names = nameCount();
  for (let name = 1; name < names; name++) setWordAt(otherOrder, name - 1, name);
  sortNames(otherOrder, 0, names - 1, 0);
  for (let place = 1; place < names; place++) setWordAt(namePlaces, wordAt(otherOrder, place - 1), place);
  for (let root = 0; root < rootCount; root++) {
    setWordAt(ownNames, root, wordAt(namePlaces, wordAt(ownNames, root)));
    setWordAt(sortingNames, root, wordAt(namePlaces, wordAt(sortingNames, root)));
  }
}

function addRoot(id: i32, rank: i32, ownName: i32, sortName: i32): void {
  setWordAt(rootIds, rootCount, id);
  setWordAt(ranks, rootCount, rank);
  setWordAt(ownNames, rootCount, ownName);
  setWordAt(sortingNames, rootCount, sortName);
  rootCount++;
}

/**
 * Ids in the order in which bpftool (7.5 on) prints types: enums, then scalars, then structs and unions, then
 * functions, what refers to a type standing with it; each by name, and equal names by hashes of what they are made
 * of. Functions, variables and sections are not among them: nothing is printed for those, and they are half of a
 * kernel's types. Last come types without a name, as pointers, arrays and prototypes, and what leads to nothing
 * with a definition.
 *
 * These are the first of them, up to the last rank, in `sortedIds`.
 * @returns how many there are; or below 0 a type that refers on and on, as -1 - its id
 */
export function sortFirstRoots(): i32 {
  for (let id = 0; id < typeCount; id++) {
    const record = recordOf(id);
    const kind = kindOf(record);
    if (!isPrinted(kind)) continue;
    const isNamed = nameOf(record) != 0;
    let end = id;
    if (!isNamed) {
      // Of what is without a name only the last rank is to be known, but for enums and scalars.
      if (referredBy(record, kind) >= 0 || rankOf(false, kind) == lastRank) {
        setWordAt(namelessIds, namelessCount++, id);
        continue;
      }
    } else {
      end = endOfChain(id);
      if (end < 0) return -1 - id;
    }
    const rank = rankOf(isNamed, kindOf(recordOf(end)));
    // Nothing is printed for it, and never is it the very first: void would be before it.
    if (kind == DECL_TAG && rank == lastRank && keepsAll == 0) continue;
    addRoot(id, rank, isNamed ? nameOfType(id) : 0, sortNameOf(record, end));
  }
  placeNames();
  for (let root = 0; root < rootCount; root++)
    if (wordAt(ranks, root) < lastRank) setWordAt(order, firstCount++, root);
  sortRoots(firstCount, sortedIds);
  return firstCount;
}

/**
 * Once the first are queued, sort those of the last rank, and put them behind. Of those without a name what would
 * queue nothing is left out: nearly all but prototypes, as whatever has a definition was queued.
 * @returns as {@link sortFirstRoots}
 */
export function sortLastRoots(): i32 {
  let kept = 0;
  let others = 0;
  for (let index = 0; index < namelessCount; index++) {
    const id = wordAt(namelessIds, index);
    const record = recordOf(id);
    const kind = kindOf(record);
    const next = referredBy(record, kind);
    if (keepsAll == 0 && kind != FUNC_PROTO && addsNothing(id)) continue;
    if (next >= 0) {
      const end = endOfChain(id);
      if (end < 0) return -1 - id;
      const sortName = sortNameOf(record, end);
      if (sortName != 0) {
        addRoot(id, lastRank, 0, wordAt(namePlaces, sortName));
        continue;
      }
    }
    // Most are prototypes: they have the least hash, 0, and are in order.
    if (kind == FUNC_PROTO || hashOf(id) == 0) setWordAt(namelessIds, kept++, id);
    else setWordAt(otherOrder, others++, id);
  }
  sortRun(otherOrder, others);
  const ids = sortedIds + (firstCount << 2);
  memory.copy(ids, namelessIds, kept << 2);
  memory.copy(ids + (kept << 2), otherOrder, others << 2);
  const nameless = kept + others;
  let last = 0;
  for (let root = 0; root < rootCount; root++)
    if (wordAt(ranks, root) == lastRank) setWordAt(order, last++, root);
  sortRoots(last, ids + (nameless << 2));
  return nameless + last;
}
