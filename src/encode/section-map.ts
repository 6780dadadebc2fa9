/** What a section covers: its first address, and its size in bytes. */
export interface AddressRange {
  address: bigint;
  byteSize: number;
}

/**
 * Finds the range an address lies in, the first one where ranges overlap. A file may have a section
 * for each of 100 000 variables, so neither building nor asking looks at all of them again and again.
 */
export class SectionMap {
  /** Every address where a range begins or ends, ascending. */
  private readonly bounds: bigint[];
  /** Between one bound and the next: index of the first range there, -1 for none. */
  private readonly owners: Int32Array;

  constructor(ranges: readonly AddressRange[]) {
    const all = ranges.flatMap(({ address, byteSize }) => [address, address + BigInt(byteSize)]);
    all.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.bounds = all.filter((bound, i) => i === 0 || bound !== all[i - 1]);
    this.owners = new Int32Array(this.bounds.length).fill(-1);
    const placeOf = new Map(this.bounds.map((bound, i) => [bound, i]));
    // Per place: the next one that may still be free, so that none is visited twice.
    const free = Int32Array.from({ length: this.bounds.length + 1 }, (_, i) => i);
    const nextFree = (from: number): number => {
      let place = from;
      while (free[place] !== place) {
        free[place] = free[free[place]!]!;
        place = free[place]!;
      }
      return place;
    };
    ranges.forEach(({ address, byteSize }, index) => {
      const end = placeOf.get(address + BigInt(byteSize))!;
      for (let place = nextFree(placeOf.get(address)!); place < end; place = nextFree(place)) {
        this.owners[place] = index;
        free[place] = place + 1;
      }
    });
  }

  /** Index of the range, -1 for none. */
  indexAt(address: bigint): number {
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.bounds[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : this.owners[low - 1]!;
  }
}
