/** Names in the order of their bytes. */
import { addressOfNameId } from "./names";

function byteAt(id: i32, depth: i32): i32 {
  return load<u8>(addressOfNameId(id) + depth);
}

function idAt(ids: i32, index: i32): i32 {
  return load<i32>(ids + (index << 2));
}

function setId(ids: i32, index: i32, id: i32): void {
  store<i32>(ids + (index << 2), id);
}

function isBefore(first: i32, second: i32, depth: i32): bool {
  let a = addressOfNameId(first) + depth;
  let b = addressOfNameId(second) + depth;
  let byte: u8 = 0;
  do {
    byte = load<u8>(a++);
    const other = load<u8>(b++);
    if (byte != other) return byte < other;
  } while (byte != 0);
  return false;
}

/** Few names: each to its place among those before it. */
function insertEach(ids: i32, from: i32, to: i32, depth: i32): void {
  for (let index = from + 1; index < to; index++) {
    const id = idAt(ids, index);
    let at = index;
    while (at > from && isBefore(id, idAt(ids, at - 1), depth)) {
      setId(ids, at, idAt(ids, at - 1));
      at--;
    }
    setId(ids, at, id);
  }
}

/** So few that inserting is sooner done. */
const fewNames = 8;

/**
 * Quicksort by one byte at a time (Bentley and Sedgewick), of the name ids from an index to another, whose names
 * have so many bytes in common. No two are equal, so of those with a NUL there is one, and nothing is read
 * behind it.
 */
export function sortNames(ids: i32, from: i32, to: i32, depth: i32): void {
  while (to - from > fewNames) {
    const pivot = byteAt(idAt(ids, (from + to) >>> 1), depth);
    let low = from;
    let high = to;
    let at = from;
    // Less before `low`, equal before `at`, greater from `high` on.
    while (at < high) {
      const id = idAt(ids, at);
      const byte = byteAt(id, depth);
      if (byte < pivot) {
        setId(ids, at++, idAt(ids, low));
        setId(ids, low++, id);
      } else if (byte > pivot) {
        setId(ids, at, idAt(ids, --high));
        setId(ids, high, id);
      } else at++;
    }
    // The largest part in this loop, so that calls nest no deeper than the logarithm of the count.
    const less = low - from;
    const equal = high - low;
    const greater = to - high;
    if (less >= equal && less >= greater) {
      if (pivot != 0) sortNames(ids, low, high, depth + 1);
      sortNames(ids, high, to, depth);
      to = low;
    } else if (greater >= equal) {
      sortNames(ids, from, low, depth);
      if (pivot != 0) sortNames(ids, low, high, depth + 1);
      from = high;
    } else {
      sortNames(ids, from, low, depth);
      sortNames(ids, high, to, depth);
      if (pivot == 0) return;
      from = low;
      to = high;
      depth++;
    }
  }
  insertEach(ids, from, to, depth);
}
