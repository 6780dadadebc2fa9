/**
 * Blocks of one size, kept up to a bound; the one that was used longest ago makes room. It holds bytes
 * and knows nothing of where they come from. Keys are whole numbers from 0 to 2^53.
 */
export class BlockCache {
  readonly blockByteSize: number;
  readonly #capacity: number;
  readonly #slots = new Map<number, number>();
  // Both lists below are by slot; slot `capacity` is the ring's head: newest after it, oldest before it.
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #keys: Float64Array;
  #bytes: Uint8Array | undefined;
  #used = 0;
  #lastKey = -1;
  #lastSlot = 0;

  /**
   * At least one block is kept, however small `byteSize` is, and never more than there are (`total` bytes of
   * them).
   */
  constructor(blockByteSize: number, byteSize: number, total: number = Infinity) {
    this.blockByteSize = blockByteSize;
    this.#capacity = Math.max(
      1,
      Math.min(Math.floor(byteSize / blockByteSize), Math.ceil(total / blockByteSize)),
    );
    this.#next = new Int32Array(this.#capacity + 1).fill(this.#capacity);
    this.#previous = new Int32Array(this.#capacity + 1).fill(this.#capacity);
    this.#keys = new Float64Array(this.#capacity);
  }

  /** The bytes of all blocks; offsets from {@link find} and {@link claim} count from its start. */
  get bytes(): Uint8Array {
    // Made on first use; the system lends its pages only as they are written.
    this.#bytes ??= new Uint8Array(this.#capacity * this.blockByteSize);
    return this.#bytes;
  }

  /** Offset in {@link bytes} of a block, or -1. */
  find(key: number): number {
    if (key === this.#lastKey) return this.#lastSlot * this.blockByteSize;
    const slot = this.#slots.get(key);
    if (slot === undefined) return -1;
    this.#unlink(slot);
    this.#linkFirst(slot);
    this.#lastKey = key;
    this.#lastSlot = slot;
    return slot * this.blockByteSize;
  }

  /**
   * Offset in {@link bytes} of a new block, for the caller to fill; it holds what it held before.
   * Call {@link drop} when it cannot be filled.
   */
  claim(key: number): number {
    let slot: number;
    if (this.#used < this.#capacity) slot = this.#used++;
    else {
      slot = this.#previous[this.#capacity]!;
      if (this.#keys[slot]! >= 0) this.#slots.delete(this.#keys[slot]!);
      this.#unlink(slot);
    }
    this.#keys[slot] = key;
    this.#slots.set(key, slot);
    this.#linkFirst(slot);
    this.#lastKey = key;
    this.#lastSlot = slot;
    return slot * this.blockByteSize;
  }

  /** Forget a block; its place is the next to be used again. */
  drop(key: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#keys[slot] = -1;
    this.#lastKey = -1;
    this.#unlink(slot);
    const head = this.#capacity;
    const last = this.#previous[head]!;
    this.#next[slot] = head;
    this.#previous[slot] = last;
    this.#next[last] = slot;
    this.#previous[head] = slot;
  }

  #unlink(slot: number): void {
    const next = this.#next[slot]!;
    const previous = this.#previous[slot]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #linkFirst(slot: number): void {
    const head = this.#capacity;
    const first = this.#next[head]!;
    this.#next[slot] = first;
    this.#previous[slot] = head;
    this.#previous[first] = slot;
    this.#next[head] = slot;
  }
}
