// oxlint-disable no-var, eqeqeq -- asm.js has no other variables, and no other comparisons

import type { AsmLibrary } from "./heap.ts";

/** Where {@link rootSorter} finds everything in its heap: addresses in bytes. */
export interface SorterPlaces {
  /** An address of a record for each type id: void's at 0. */
  starts: number;
  typeCount: number;
  /** All string sections, one after the other. */
  strings: number;
  /** Open-addressed table of name ids, 0 where free: a power of two of words, more than twice as many as names. */
  slots: number;
  slotMask: number;
  seed: number;
  /** A word for each name id: its string offset, its hash, and its place among all names. */
  nameOffsets: number;
  nameHashes: number;
  namePlaces: number;
  /** A word for each type: 1 + its name's id, 0 while not known. */
  typeNames: number;
  /** A word for each type, or name if there are more: ids to sort, twice; the keys to sort them by. */
  ids: number;
  otherIds: number;
  ranks: number;
  ownNames: number;
  sortNames: number;
  /** A word for each type, each name, and one more: where each key's ids begin. */
  counts: number;
  /** Three words for each type: a hash of 64 bits, the lower half first, and whether it is known. */
  hashes: number;
  /** The same, without the members of structs. */
  shallowHashes: number;
  /** Two words: the hash of the name that is being read. */
  nameHash: number;
}

export interface SorterFunctions {
  /** Id of the name at a string offset: equal names have equal ids; 0 is the empty name. */
  nameId: (offset: number) => number;
  /** Gather and sort the ids. Gives how many there are, or below 0 the type that refers on and on, as -1 - its id. */
  sortRoots: () => number;
  /** Where the ids are after that. */
  sortedIds: () => number;
}

/**
 * Brings types into the order in which bpftool prints them: see `name-ids.ts`, which calls this. In
 * asm.js, as `record-printer.ts`.
 */
export function rootSorter(library: AsmLibrary, places: SorterPlaces, heap: ArrayBuffer): SorterFunctions {
  "use asm";
  var bytes = new library.Uint8Array(heap);
  var words = new library.Int32Array(heap);
  var imul = library.Math.imul;
  var starts = places.starts | 0;
  var typeCount = places.typeCount | 0;
  var strings = places.strings | 0;
  var slots = places.slots | 0;
  var slotMask = places.slotMask | 0;
  var seed = places.seed | 0;
  var nameOffsets = places.nameOffsets | 0;
  var nameHashes = places.nameHashes | 0;
  var namePlaces = places.namePlaces | 0;
  var typeNames = places.typeNames | 0;
  var ids = places.ids | 0;
  var otherIds = places.otherIds | 0;
  var ranks = places.ranks | 0;
  var ownNames = places.ownNames | 0;
  var sortNames = places.sortNames | 0;
  var counts = places.counts | 0;
  var hashes = places.hashes | 0;
  var shallowHashes = places.shallowHashes | 0;
  var nameHash = places.nameHash | 0;
  var names = 1;
  /** The type that refers on and on, 0 for none. */
  var endless = 0;

  function isEqualText(first: number, second: number): number {
    first = first | 0;
    second = second | 0;
    var byte = 0;
    byte = bytes[first]! | 0;
    while ((byte | 0) == (bytes[second]! | 0)) {
      if ((byte | 0) == 0) return 1;
      first = (first + 1) | 0;
      second = (second + 1) | 0;
      byte = bytes[first]! | 0;
    }
    return 0;
  }

  function idOfName(offset: number): number {
    offset = offset | 0;
    var at = 0;
    var byte = 0;
    var hash = 0;
    var slot = 0;
    var name = 0;
    if ((offset | 0) == 0) return 0;
    at = (strings + offset) | 0;
    byte = bytes[at]! | 0;
    if ((byte | 0) == 0) return 0;
    // FNV-1a, but for the seed.
    hash = seed;
    while ((byte | 0) != 0) {
      hash = imul(hash ^ byte, 16777619) | 0;
      at = (at + 1) | 0;
      byte = bytes[at]! | 0;
    }
    hash = hash ^ (hash >>> 15);
    slot = hash & slotMask;
    name = words[(slots + (slot << 2)) >> 2]! | 0;
    while ((name | 0) != 0) {
      if ((words[(nameHashes + (name << 2)) >> 2]! | 0) == (hash | 0)) {
        at = words[(nameOffsets + (name << 2)) >> 2]! | 0;
        if ((at | 0) == (offset | 0)) return name | 0;
        if ((isEqualText((strings + at) | 0, (strings + offset) | 0) | 0) != 0) return name | 0;
      }
      slot = (slot + 1) & slotMask;
      name = words[(slots + (slot << 2)) >> 2]! | 0;
    }
    name = names;
    names = (names + 1) | 0;
    words[(slots + (slot << 2)) >> 2] = name;
    words[(nameOffsets + (name << 2)) >> 2] = offset;
    words[(nameHashes + (name << 2)) >> 2] = hash;
    return name | 0;
  }

  function recordOf(id: number): number {
    id = id | 0;
    return words[(starts + (id << 2)) >> 2]! | 0;
  }

  function kindOf(record: number): number {
    record = record | 0;
    return ((words[(record + 4) >> 2]! | 0) >>> 24) & 127;
  }

  function nameOfType(id: number): number {
    id = id | 0;
    var name = 0;
    name = words[(typeNames + (id << 2)) >> 2]! | 0;
    if ((name | 0) == 0) {
      name = ((idOfName(words[(recordOf(id) | 0) >> 2]! | 0) | 0) + 1) | 0;
      words[(typeNames + (id << 2)) >> 2] = name;
    }
    return (name - 1) | 0;
  }

  /** Not FUNC, VAR, DATASEC. */
  function isPrinted(kind: number): number {
    kind = kind | 0;
    if ((kind | 0) == 12) return 0;
    if ((kind | 0) == 14) return 0;
    if ((kind | 0) == 15) return 0;
    return 1;
  }

  /** What PTR, ARRAY, TYPEDEF, VOLATILE, CONST, RESTRICT, DECL_TAG, TYPE_TAG refer to; -1 for other kinds. */
  function referred(record: number, kind: number): number {
    record = record | 0;
    kind = kind | 0;
    switch (kind | 0) {
      case 2:
      case 8:
      case 9:
      case 10:
      case 11:
      case 17:
      case 18:
        return words[(record + 8) >> 2]! | 0;
      case 3:
        return words[(record + 12) >> 2]! | 0;
      default:
        break;
    }
    return -1;
  }

  function rankOf(id: number): number {
    id = id | 0;
    var hops = 0;
    var record = 0;
    var kind = 0;
    var isNamed = 0;
    while ((hops | 0) < 128) {
      record = recordOf(id) | 0;
      kind = kindOf(record) | 0;
      if ((words[record >> 2]! | 0) != 0) isNamed = 1;
      switch (kind | 0) {
        // ENUM, ENUM64
        case 6:
        case 19:
          return isNamed | 0;
        // INT, FLOAT
        case 1:
        case 16:
          return 2;
        // STRUCT, UNION
        case 4:
        case 5:
          if ((isNamed | 0) == 0) return 10;
          return 3;
        // FUNC_PROTO
        case 13:
          if ((isNamed | 0) == 0) return 10;
          return 4;
        default:
          break;
      }
      // What is not named so far is last whatever it refers to.
      if ((isNamed | 0) == 0) return 10;
      kind = referred(record, kind) | 0;
      if ((kind | 0) < 0) return 10;
      id = kind;
      hops = (hops + 1) | 0;
    }
    endless = id;
    return 10;
  }

  /** The name that decides: that of the type at the end of a chain, of an unnamed enum its first value's. */
  function sortNameOf(root: number): number {
    root = root | 0;
    var id = 0;
    var hops = 0;
    var record = 0;
    var kind = 0;
    var next = 0;
    record = recordOf(root) | 0;
    kind = kindOf(record) | 0;
    if ((words[record >> 2]! | 0) == 0) {
      if (((words[(record + 4) >> 2]! | 0) & 0xffffff) != 0) {
        if ((kind | 0) == 6) return idOfName(words[(record + 12) >> 2]! | 0) | 0;
        if ((kind | 0) == 19) return idOfName(words[(record + 12) >> 2]! | 0) | 0;
      }
    }
    id = root;
    while ((hops | 0) < 128) {
      record = recordOf(id) | 0;
      kind = kindOf(record) | 0;
      next = referred(record, kind) | 0;
      if ((next | 0) < 0) {
        if ((id | 0) == 0) return 0;
        // What is not printed has no name here, though it may have one.
        if ((isPrinted(kind) | 0) == 0) return 0;
        return nameOfType(id) | 0;
      }
      id = next;
      hops = (hops + 1) | 0;
    }
    endless = root;
    return 0;
  }

  function byteOfName(name: number, depth: number): number {
    name = name | 0;
    depth = depth | 0;
    return bytes[(strings + (words[(nameOffsets + (name << 2)) >> 2]! | 0) + depth) | 0]! | 0;
  }

  /**
   * Quicksort by one byte at a time (Bentley and Sedgewick), of the name ids from an index in `ids` to another, whose
   * names have so many bytes in common. No two are equal, so of those with a NUL there is one, and nothing is read
   * behind it.
   */
  function sortNamesByText(from: number, to: number, depth: number): void {
    from = from | 0;
    to = to | 0;
    depth = depth | 0;
    var pivot = 0;
    var low = 0;
    var high = 0;
    var at = 0;
    var name = 0;
    var byte = 0;
    while (((to - from) | 0) > 1) {
      pivot = byteOfName(words[(ids + (((from + to) >>> 1) << 2)) >> 2]! | 0, depth) | 0;
      low = from;
      high = to;
      at = from;
      // Less before `low`, equal before `at`, greater from `high` on.
      while ((at | 0) < (high | 0)) {
        name = words[(ids + (at << 2)) >> 2]! | 0;
        byte = byteOfName(name, depth) | 0;
        if ((byte | 0) < (pivot | 0)) {
          words[(ids + (at << 2)) >> 2] = words[(ids + (low << 2)) >> 2]! | 0;
          words[(ids + (low << 2)) >> 2] = name;
          at = (at + 1) | 0;
          low = (low + 1) | 0;
        } else if ((byte | 0) > (pivot | 0)) {
          high = (high - 1) | 0;
          words[(ids + (at << 2)) >> 2] = words[(ids + (high << 2)) >> 2]! | 0;
          words[(ids + (high << 2)) >> 2] = name;
        } else {
          at = (at + 1) | 0;
        }
      }
      // The largest part in this loop, so that calls nest no deeper than the logarithm of the count.
      if (((low - from) | 0) >= ((high - low) | 0)) {
        if (((low - from) | 0) >= ((to - high) | 0)) {
          sortNamesByText(low, high, (depth + 1) | 0);
          sortNamesByText(high, to, depth);
          to = low;
          continue;
        }
      } else if (((high - low) | 0) >= ((to - high) | 0)) {
        sortNamesByText(from, low, depth);
        sortNamesByText(high, to, depth);
        from = low;
        to = high;
        depth = (depth + 1) | 0;
        continue;
      }
      sortNamesByText(from, low, depth);
      sortNamesByText(low, high, (depth + 1) | 0);
      from = high;
    }
  }

  /** Sort `ids` by keys, stably: counted, then dealt out. */
  function sortBy(keys: number, keyCount: number, count: number): void {
    keys = keys | 0;
    keyCount = keyCount | 0;
    count = count | 0;
    var index = 0;
    var id = 0;
    var at = 0;
    var sum = 0;
    var number = 0;
    while ((index | 0) < (keyCount | 0)) {
      words[(counts + (index << 2)) >> 2] = 0;
      index = (index + 1) | 0;
    }
    index = 0;
    while ((index | 0) < (count | 0)) {
      id = words[(ids + (index << 2)) >> 2]! | 0;
      at = (counts + ((words[(keys + (id << 2)) >> 2]! | 0) << 2)) | 0;
      words[at >> 2] = ((words[at >> 2]! | 0) + 1) | 0;
      index = (index + 1) | 0;
    }
    index = 0;
    while ((index | 0) < (keyCount | 0)) {
      at = (counts + (index << 2)) | 0;
      number = words[at >> 2]! | 0;
      words[at >> 2] = sum;
      sum = (sum + number) | 0;
      index = (index + 1) | 0;
    }
    index = 0;
    while ((index | 0) < (count | 0)) {
      id = words[(ids + (index << 2)) >> 2]! | 0;
      at = (counts + ((words[(keys + (id << 2)) >> 2]! | 0) << 2)) | 0;
      number = words[at >> 2]! | 0;
      words[at >> 2] = (number + 1) | 0;
      words[(otherIds + (number << 2)) >> 2] = id;
      index = (index + 1) | 0;
    }
    index = ids;
    ids = otherIds;
    otherIds = index;
  }

  /** `hash = hash * 31 + value`, in 64 bits: 32 times the hash less itself. */
  function addToHash(hash: number, low: number, high: number): void {
    hash = hash | 0;
    low = low | 0;
    high = high | 0;
    var before = 0;
    var part = 0;
    var result = 0;
    before = words[hash >> 2]! | 0;
    part = words[(hash + 4) >> 2]! | 0;
    high = (high + ((part << 5) | (before >>> 27)) - part) | 0;
    part = before << 5;
    result = (part - before) | 0;
    if (part >>> 0 < before >>> 0) high = (high - 1) | 0;
    low = (low + result) | 0;
    if (low >>> 0 < result >>> 0) high = (high + 1) | 0;
    words[hash >> 2] = low;
    words[(hash + 4) >> 2] = high;
  }

  function addNameToHash(hash: number, offset: number): void {
    hash = hash | 0;
    offset = offset | 0;
    var at = 0;
    var byte = 0;
    if ((offset | 0) == 0) return;
    words[nameHash >> 2] = 0;
    words[(nameHash + 4) >> 2] = 0;
    at = (strings + offset) | 0;
    byte = bytes[at]! | 0;
    while ((byte | 0) != 0) {
      // A char, which has a sign.
      byte = (byte << 24) >> 24;
      addToHash(nameHash, byte, byte >> 31);
      at = (at + 1) | 0;
      byte = bytes[at]! | 0;
    }
    addToHash(hash, words[nameHash >> 2]! | 0, words[(nameHash + 4) >> 2]! | 0);
  }

  /** Hash a type into a column. Without members of structs in the shallow one, as a member's type counts. */
  function hashType(column: number, id: number, depth: number): void {
    column = column | 0;
    id = id | 0;
    depth = depth | 0;
    var hash = 0;
    var record = 0;
    var kind = 0;
    var element = 0;
    var end = 0;
    var type = 0;
    hash = (column + imul(id, 12)) | 0;
    if ((words[(hash + 8) >> 2]! | 0) != 0) return;
    if ((depth | 0) > 128) {
      endless = id;
      return;
    }
    record = recordOf(id) | 0;
    kind = kindOf(record) | 0;
    words[hash >> 2] = 0;
    words[(hash + 4) >> 2] = 0;
    addNameToHash(hash, words[record >> 2]! | 0);
    element = (record + 12) | 0;
    end = (words[(record + 4) >> 2]! | 0) & 0xffffff;
    switch (kind | 0) {
      case 6:
        end = (element + (end << 3)) | 0;
        while ((element | 0) < (end | 0)) {
          addNameToHash(hash, words[element >> 2]! | 0);
          element = (element + 8) | 0;
        }
        break;
      case 19:
        end = (element + imul(end, 12)) | 0;
        while ((element | 0) < (end | 0)) {
          addNameToHash(hash, words[element >> 2]! | 0);
          element = (element + 12) | 0;
        }
        break;
      case 4:
      case 5:
        if ((column | 0) == (shallowHashes | 0)) break;
        end = (element + imul(end, 12)) | 0;
        while ((element | 0) < (end | 0)) {
          addNameToHash(hash, words[element >> 2]! | 0);
          type = words[(element + 4) >> 2]! | 0;
          hashType(shallowHashes, type, (depth + 1) | 0);
          if ((endless | 0) != 0) return;
          type = (shallowHashes + imul(type, 12)) | 0;
          addToHash(hash, words[type >> 2]! | 0, words[(type + 4) >> 2]! | 0);
          element = (element + 12) | 0;
        }
        break;
      case 3:
        addToHash(hash, words[(record + 20) >> 2]! | 0, 0);
        type = words[(record + 12) >> 2]! | 0;
        hashType(column, type, (depth + 1) | 0);
        if ((endless | 0) != 0) return;
        type = (column + imul(type, 12)) | 0;
        addToHash(hash, words[type >> 2]! | 0, words[(type + 4) >> 2]! | 0);
        break;
      default:
        type = referred(record, kind) | 0;
        if ((type | 0) < 0) break;
        hashType(column, type, (depth + 1) | 0);
        if ((endless | 0) != 0) return;
        type = (column + imul(type, 12)) | 0;
        addToHash(hash, words[type >> 2]! | 0, words[(type + 4) >> 2]! | 0);
        break;
    }
    words[(hash + 8) >> 2] = 1;
  }

  /** Whether a number is greater than another, both without a sign. */
  function isGreater(first: number, second: number): number {
    first = first | 0;
    second = second | 0;
    if (first >>> 0 > second >>> 0) return 1;
    return 0;
  }

  /** Whether a type with another's keys comes after it: by hash, then by number. */
  function isAfter(first: number, second: number): number {
    first = first | 0;
    second = second | 0;
    var a = 0;
    var b = 0;
    a = (hashes + imul(first, 12)) | 0;
    b = (hashes + imul(second, 12)) | 0;
    if ((words[(a + 4) >> 2]! | 0) != (words[(b + 4) >> 2]! | 0))
      return isGreater(words[(a + 4) >> 2]! | 0, words[(b + 4) >> 2]! | 0) | 0;
    if ((words[a >> 2]! | 0) != (words[b >> 2]! | 0))
      return isGreater(words[a >> 2]! | 0, words[b >> 2]! | 0) | 0;
    return isGreater(first, second) | 0;
  }

  /** Let the id at an index of a heap (for sorting) of ids sink to its place. */
  function sink(base: number, index: number, count: number): void {
    base = base | 0;
    index = index | 0;
    count = count | 0;
    var id = 0;
    var child = 0;
    var other = 0;
    id = words[(base + (index << 2)) >> 2]! | 0;
    child = ((index << 1) + 1) | 0;
    while ((child | 0) < (count | 0)) {
      other = words[(base + (child << 2)) >> 2]! | 0;
      if (((child + 1) | 0) < (count | 0)) {
        if ((isAfter(words[(base + ((child + 1) << 2)) >> 2]! | 0, other) | 0) != 0) {
          child = (child + 1) | 0;
          other = words[(base + (child << 2)) >> 2]! | 0;
        }
      }
      if ((isAfter(other, id) | 0) == 0) break;
      words[(base + (index << 2)) >> 2] = other;
      index = child;
      child = ((index << 1) + 1) | 0;
    }
    words[(base + (index << 2)) >> 2] = id;
  }

  function sortRun(base: number, count: number): void {
    base = base | 0;
    count = count | 0;
    var index = 0;
    var id = 0;
    index = count >> 1;
    while ((index | 0) > 0) {
      index = (index - 1) | 0;
      sink(base, index, count);
    }
    index = (count - 1) | 0;
    while ((index | 0) > 0) {
      id = words[base >> 2]! | 0;
      words[base >> 2] = words[(base + (index << 2)) >> 2]! | 0;
      words[(base + (index << 2)) >> 2] = id;
      sink(base, 0, index);
      index = (index - 1) | 0;
    }
  }

  /** Sort ids whose keys are all equal by what they are made of, then by number. */
  function sortTies(count: number): void {
    count = count | 0;
    var start = 0;
    var end = 0;
    var first = 0;
    var id = 0;
    var before = 0;
    var isInOrder = 0;
    while ((start | 0) < (count | 0)) {
      first = words[(ids + (start << 2)) >> 2]! | 0;
      before = first;
      isInOrder = 1;
      end = (start + 1) | 0;
      while ((end | 0) < (count | 0)) {
        id = words[(ids + (end << 2)) >> 2]! | 0;
        if ((words[(sortNames + (id << 2)) >> 2]! | 0) != (words[(sortNames + (first << 2)) >> 2]! | 0))
          break;
        if ((words[(ownNames + (id << 2)) >> 2]! | 0) != (words[(ownNames + (first << 2)) >> 2]! | 0)) break;
        if ((words[(ranks + (id << 2)) >> 2]! | 0) != (words[(ranks + (first << 2)) >> 2]! | 0)) break;
        hashType(hashes, before, 0);
        hashType(hashes, id, 0);
        if ((endless | 0) != 0) return;
        // Prototypes, which nothing tells apart, are a run of thousands: they need no sorting.
        if ((isAfter(before, id) | 0) != 0) isInOrder = 0;
        before = id;
        end = (end + 1) | 0;
      }
      if ((isInOrder | 0) == 0) sortRun((ids + (start << 2)) | 0, (end - start) | 0);
      start = end;
    }
  }

  function sortAll(): number {
    var id = 0;
    var count = 0;
    var at = 0;
    while ((id | 0) < (typeCount | 0)) {
      if ((isPrinted(kindOf(recordOf(id) | 0) | 0) | 0) != 0) {
        words[(ranks + (id << 2)) >> 2] = rankOf(id) | 0;
        if ((id | 0) != 0) words[(ownNames + (id << 2)) >> 2] = nameOfType(id) | 0;
        words[(sortNames + (id << 2)) >> 2] = sortNameOf(id) | 0;
        if ((endless | 0) != 0) return (-1 - endless) | 0;
      }
      id = (id + 1) | 0;
    }
    // Names by their text; then of each its place.
    id = 1;
    while ((id | 0) < (names | 0)) {
      words[(ids + ((id - 1) << 2)) >> 2] = id;
      id = (id + 1) | 0;
    }
    sortNamesByText(0, (names - 1) | 0, 0);
    id = 1;
    while ((id | 0) < (names | 0)) {
      at = words[(ids + ((id - 1) << 2)) >> 2]! | 0;
      words[(namePlaces + (at << 2)) >> 2] = id;
      id = (id + 1) | 0;
    }
    id = 0;
    while ((id | 0) < (typeCount | 0)) {
      if ((isPrinted(kindOf(recordOf(id) | 0) | 0) | 0) != 0) {
        words[(ids + (count << 2)) >> 2] = id;
        count = (count + 1) | 0;
        at = (ownNames + (id << 2)) | 0;
        words[at >> 2] = words[(namePlaces + ((words[at >> 2]! | 0) << 2)) >> 2]! | 0;
        at = (sortNames + (id << 2)) | 0;
        words[at >> 2] = words[(namePlaces + ((words[at >> 2]! | 0) << 2)) >> 2]! | 0;
      }
      id = (id + 1) | 0;
    }
    // By the last of the keys first: each sorting leaves equal keys in the order they were in.
    sortBy(ownNames, names, count);
    sortBy(sortNames, names, count);
    sortBy(ranks, 11, count);
    sortTies(count);
    if ((endless | 0) != 0) return (-1 - endless) | 0;
    return count | 0;
  }

  function placeOfIds(): number {
    return ids | 0;
  }

  // Of one name on both sides, bundlers make what asm.js does not know.
  return { nameId: idOfName, sortRoots: sortAll, sortedIds: placeOfIds };
}
