import type { PhysicalRange } from "./dump.ts";

/**
 * Runs of addresses as files list them (unsorted, overlapping, aliasing) turned into disjoint ones in
 * order, each knowing which of the listed runs it is a part of.
 */
export class Extents {
  readonly length: number;
  /** First address of each run, ascending. */
  readonly start: Float64Array;
  /** Address behind each run. */
  readonly end: Float64Array;
  /** Index of the listed run that it is a part of. */
  readonly owner: Uint32Array;
  #last = 0;

  private constructor(start: Float64Array, end: Float64Array, owner: Uint32Array) {
    this.length = start.length;
    this.start = start;
    this.end = end;
    this.owner = owner;
  }

  /** Where runs overlap, the one listed later wins. Runs without bytes vanish. */
  static layOver(starts: Float64Array, byteSizes: Float64Array): Extents {
    const order = orderOf(starts, byteSizes);
    // Each run's start and each run's end begin at most one piece.
    const pieces = new PieceList(order.length * 2);
    const open = new IndexHeap();
    let here = -Infinity;
    for (let next = 0; next < order.length || open.top >= 0;) {
      if (open.top < 0) {
        here = starts[order[next]!]!;
        // Mostly nothing overlaps, and then nothing waits either.
        const run = order[next]!;
        const end = here + byteSizes[run]!;
        if (next + 1 === order.length || starts[order[next + 1]!]! >= end) {
          pieces.add(here, end, run);
          next++;
          continue;
        }
      }
      while (next < order.length && starts[order[next]!]! <= here) open.push(order[next++]!);
      while (open.top >= 0 && starts[open.top]! + byteSizes[open.top]! <= here) open.pop();
      if (open.top < 0) continue;
      const until = starts[open.top]! + byteSizes[open.top]!;
      const end = next < order.length ? Math.min(until, starts[order[next]!]!) : until;
      pieces.add(here, end, open.top);
      here = end;
    }
    const { length } = pieces;
    return new Extents(
      pieces.start.slice(0, length),
      pieces.end.slice(0, length),
      pieces.owner.slice(0, length),
    );
  }

  /** Index of the run that holds an address, or -1. */
  find(address: number): number {
    const last = this.#last;
    if (last < this.length && this.start[last]! <= address && address < this.end[last]!) return last;
    const index = this.#lastStartingBefore(address);
    if (index < 0 || !(address < this.end[index]!)) return -1;
    this.#last = index;
    return index;
  }

  /** Index of the first run that ends behind an address, `length` when there is none. */
  findNext(address: number): number {
    const index = this.#lastStartingBefore(address);
    return index >= 0 && address < this.end[index]! ? index : index + 1;
  }

  /** The runs, joined where they touch; without those whose owner `keep` refuses. */
  merged(keep: (owner: number) => boolean = () => true): PhysicalRange[] {
    const ranges: PhysicalRange[] = [];
    let last: PhysicalRange | undefined;
    for (let i = 0; i < this.length; i++) {
      if (!keep(this.owner[i]!)) continue;
      const start = this.start[i]!;
      const byteSize = this.end[i]! - start;
      if (last !== undefined && last.start + last.byteSize === start) last.byteSize += byteSize;
      else ranges.push((last = { start, byteSize }));
    }
    return ranges;
  }

  #lastStartingBefore(address: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.start[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Indexes of the runs that have bytes, by their start. */
function orderOf(starts: Float64Array, byteSizes: Float64Array): Uint32Array {
  const order = new Uint32Array(starts.length);
  let length = 0;
  let sorted = true;
  let last = -Infinity;
  for (let i = 0; i < starts.length; i++) {
    if (!(byteSizes[i]! > 0)) continue;
    order[length++] = i;
    sorted &&= starts[i]! >= last;
    last = starts[i]!;
  }
  const some = order.subarray(0, length);
  return sorted ? some : some.sort((a, b) => starts[a]! - starts[b]! || a - b);
}

class PieceList {
  length = 0;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly owner: Uint32Array;

  constructor(capacity: number) {
    this.start = new Float64Array(capacity);
    this.end = new Float64Array(capacity);
    this.owner = new Uint32Array(capacity);
  }

  add(start: number, end: number, owner: number): void {
    const last = this.length - 1;
    if (last >= 0 && this.owner[last] === owner && this.end[last] === start) this.end[last] = end;
    else {
      this.start[this.length] = start;
      this.end[this.length] = end;
      this.owner[this.length++] = owner;
    }
  }
}

/** A heap with the largest number on top. */
class IndexHeap {
  readonly #items: number[] = [];

  /** -1 when empty. */
  get top(): number {
    return this.#items.length === 0 ? -1 : this.#items[0]!;
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! >= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const item = items.pop()!;
    if (items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! > items[child]!) child++;
      if (items[child]! <= item) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}
