/** Bytes of a block: the smallest page of any architecture, so that a block never spans two pages. */
export const blockByteSize = 4096;

/**
 * The blocks of virtual memory read last, all in one array so that a hot read is two compares and a load.
 * Two-way set associative; the other way of the one used last is replaced.
 */
export class PageCache {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly #fill: (high: number, low: number, target: Uint8Array) => boolean;
  /** Halves of the block's address with bit 0 of the low one set, per way; 0 for none. */
  readonly #high: Int32Array;
  readonly #low: Int32Array;
  /** Way used last, per set. */
  readonly #recent: Uint8Array;

  /**
   * `fill` reads the block at an address, and says false if that cannot be done. There are two blocks per set;
   * the number of sets is a power of two.
   */
  constructor(setCount: number, fill: (high: number, low: number, target: Uint8Array) => boolean) {
    this.#fill = fill;
    this.bytes = Buffer.alloc(2 * setCount * blockByteSize);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
    this.#high = new Int32Array(2 * setCount);
    this.#low = new Int32Array(2 * setCount);
    this.#recent = new Uint8Array(setCount);
  }

  /** Position in {@link bytes} of the block around an address, or -1 when it cannot be read. */
  find(high: number, low: number): number {
    const tag = (low & -blockByteSize) | 1;
    const set = ((low >>> 12) ^ (low >>> 20) ^ high) & (this.#recent.length - 1);
    const way = set * 2;
    const signed = high | 0;
    if (this.#low[way] === tag && this.#high[way] === signed) {
      this.#recent[set] = 0;
      return way * blockByteSize;
    }
    if (this.#low[way + 1] === tag && this.#high[way + 1] === signed) {
      this.#recent[set] = 1;
      return (way + 1) * blockByteSize;
    }
    return this.#load(set, signed, tag);
  }

  forget(): void {
    this.#low.fill(0);
  }

  #load(set: number, high: number, tag: number): number {
    const slot = set * 2 + (1 - this.#recent[set]!);
    const start = slot * blockByteSize;
    this.#low[slot] = 0;
    if (
      !this.#fill(high >>> 0, (tag & -blockByteSize) >>> 0, this.bytes.subarray(start, start + blockByteSize))
    )
      return -1;
    this.#low[slot] = tag;
    this.#high[slot] = high;
    this.#recent[set] = slot & 1;
    return start;
  }
}
