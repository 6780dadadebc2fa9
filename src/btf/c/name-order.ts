import type { Btf } from "../reader.ts";
import type { NameIds } from "./name-ids.ts";

/**
 * The place of each name among all that were asked for, byte by byte; the empty one is first, at 0.
 * Indexed by name id.
 */
export function orderNames(btf: Btf, names: NameIds): Uint32Array {
  const sorted = new NameSorter(btf, names).sort();
  const places = new Uint32Array(names.count);
  for (let place = 0; place < sorted.length; place++) places[sorted[place]!] = place + 1;
  return places;
}

/**
 * Quicksort by one byte at a time (Bentley and Sedgewick): names share long beginnings, which
 * comparing whole names would read again and again.
 */
class NameSorter {
  readonly #ids: Uint32Array;
  /** String section and position of each name. */
  readonly #sections: Uint8Array[] = [];
  readonly #starts: Float64Array;

  constructor(btf: Btf, names: NameIds) {
    this.#ids = new Uint32Array(names.count - 1);
    this.#starts = new Float64Array(names.count);
    this.#sections.push(btf.stringsBytes);
    for (let id = 1; id < names.count; id++) {
      const owner = btf.stringOwner(names.offset(id));
      this.#ids[id - 1] = id;
      this.#sections.push(owner.stringsBytes);
      this.#starts[id] = names.offset(id) - owner.startStringOffset;
    }
  }

  sort(): Uint32Array {
    this.#sort(0, this.#ids.length, 0);
    return this.#ids;
  }

  /**
   * Sort the ids from `from` to `to`, whose names have the first `depth` bytes in common. No two names
   * are equal, so of those with a NUL there is one, and nothing is read behind it.
   */
  #sort(from: number, to: number, depth: number): void {
    const ids = this.#ids;
    while (to - from > 1) {
      const pivot = this.#byte(ids[(from + to) >>> 1]!, depth);
      // Less before `low`, equal before `at`, greater from `high` on.
      let low = from;
      let high = to;
      for (let at = from; at < high;) {
        const id = ids[at]!;
        const byte = this.#byte(id, depth);
        if (byte < pivot) {
          ids[at++] = ids[low]!;
          ids[low++] = id;
        } else if (byte > pivot) {
          ids[at] = ids[--high]!;
          ids[high] = id;
        } else at++;
      }
      // The largest part in this loop, so that calls nest no deeper than the logarithm of the count.
      if (low - from >= Math.max(high - low, to - high)) {
        this.#sort(low, high, depth + 1);
        this.#sort(high, to, depth);
        to = low;
      } else if (high - low >= to - high) {
        this.#sort(from, low, depth);
        this.#sort(high, to, depth);
        from = low;
        to = high;
        depth++;
      } else {
        this.#sort(from, low, depth);
        this.#sort(low, high, depth + 1);
        from = high;
      }
    }
  }

  #byte(id: number, depth: number): number {
    return this.#sections[id]![this.#starts[id]! + depth]!;
  }
}
