/**
 * Finds entries by the hash of their names. Entries with one hash form a chain in ascending order,
 * so that duplicates come out as the table lists them. Made for all names at once: hashing 187 000
 * compressed names takes a few milliseconds, less than checking the kernel's own order by name.
 */
export class NameIndex {
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #hashes: Int32Array;

  /** @param hashes the hash of each entry's name; kept */
  constructor(hashes: Int32Array) {
    let buckets = 16;
    while (buckets < hashes.length) buckets *= 2;
    const heads = new Int32Array(buckets).fill(-1);
    const next = new Int32Array(hashes.length);
    for (let i = hashes.length - 1; i >= 0; i--) {
      const bucket = spread(hashes[i]!) & (buckets - 1);
      next[i] = heads[bucket]!;
      heads[bucket] = i;
    }
    this.#heads = heads;
    this.#next = next;
    this.#hashes = hashes;
  }

  /** First entry with this hash, or -1. */
  first(hash: number): number {
    return this.#skip(this.#heads[spread(hash) & (this.#heads.length - 1)]!, hash);
  }

  /** Next entry after `entry` with the same hash, or -1. */
  after(entry: number): number {
    return this.#skip(this.#next[entry]!, this.#hashes[entry]!);
  }

  #skip(start: number, hash: number): number {
    let entry = start;
    while (entry >= 0 && this.#hashes[entry] !== hash) entry = this.#next[entry]!;
    return entry;
  }
}

/** The low bits of a polynomial hash depend on few characters; mix the high ones in. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return mixed ^ (mixed >>> 13);
}
