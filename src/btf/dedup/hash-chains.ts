import { grownInt32, powerOfTwoAtLeast } from "../../util/columns.ts";

/**
 * A hash index over type ids: entries of one hash come out newest first. Entries are numbered from
 * 1; 0 ends a chain. Columns only, nothing is allocated per entry.
 */
export class HashChains {
  private heads: Int32Array<ArrayBuffer> = new Int32Array(64);
  private mask = 63;
  private following: Int32Array<ArrayBuffer> = new Int32Array(64);
  private ids: Int32Array<ArrayBuffer> = new Int32Array(64);
  private hashes: Int32Array<ArrayBuffer> = new Int32Array(64);
  private count = 0;

  /** Forget all entries. */
  clear(): void {
    if (this.count === 0) return;
    if (this.count * 8 < this.heads.length) {
      for (let entry = 1; entry <= this.count; entry++) this.heads[this.hashes[entry]! & this.mask] = 0;
    } else this.heads.fill(0);
    this.count = 0;
  }

  /** Make room for `more` entries. */
  reserve(more: number): void {
    const wanted = this.count + more + 1;
    this.following = grownInt32(this.following, wanted);
    this.ids = grownInt32(this.ids, wanted);
    this.hashes = grownInt32(this.hashes, wanted);
    if (wanted > this.heads.length) {
      this.heads = new Int32Array(powerOfTwoAtLeast(wanted * 2));
      this.mask = this.heads.length - 1;
      for (let entry = 1; entry <= this.count; entry++) this.link(entry);
    }
  }

  add(hash: number, id: number): void {
    this.reserve(1);
    const entry = ++this.count;
    this.ids[entry] = id;
    this.hashes[entry] = hash;
    this.link(entry);
  }

  private link(entry: number): void {
    const bucket = this.hashes[entry]! & this.mask;
    this.following[entry] = this.heads[bucket]!;
    this.heads[bucket] = entry;
  }

  /** Newest entry with this hash, 0 for none. */
  first(hash: number): number {
    let entry = this.heads[hash & this.mask]!;
    while (entry !== 0 && this.hashes[entry] !== hash) entry = this.following[entry]!;
    return entry;
  }

  /** Next older entry with the same hash. */
  next(entry: number): number {
    const hash = this.hashes[entry];
    do entry = this.following[entry]!;
    while (entry !== 0 && this.hashes[entry] !== hash);
    return entry;
  }

  id(entry: number): number {
    return this.ids[entry]!;
  }

  /** Add all entries to `target`, ids from `firstId` on exchanged by `map[id - firstId + 1]`. */
  moveTo(target: HashChains, firstId: number, map: Int32Array): void {
    for (let entry = 1; entry <= this.count; entry++) {
      target.add(this.hashes[entry]!, map[this.ids[entry]! - firstId + 1]!);
    }
  }
}
