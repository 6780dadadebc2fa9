import { powerOfTwoAtLeast } from "./columns.ts";

/** A set of positive 32-bit numbers in one column; shared between threads when made over shared memory. Fixed after it was built. */
export class IdSet {
  readonly slots: Int32Array;
  private readonly mask: number;

  constructor(slots: Int32Array) {
    this.slots = slots;
    this.mask = slots.length - 1;
  }

  static of(ids: Iterable<number>, count: number): IdSet {
    const set = new IdSet(
      new Int32Array(new SharedArrayBuffer(powerOfTwoAtLeast(Math.max(16, count * 2 + 1)) * 4)),
    );
    for (const id of ids) set.add(id | 0);
    return set;
  }

  private add(id: number): void {
    let slot = (Math.imul(id, 0x9e3779b1) >>> 8) & this.mask;
    while (this.slots[slot] !== 0 && this.slots[slot] !== id) slot = (slot + 1) & this.mask;
    this.slots[slot] = id;
  }

  has(id: number): boolean {
    let slot = (Math.imul(id, 0x9e3779b1) >>> 8) & this.mask;
    for (;;) {
      const found = this.slots[slot];
      if (found === (id | 0)) return true;
      if (found === 0) return false;
      slot = (slot + 1) & this.mask;
    }
  }
}
