/** Append-only bytes in either byte order: what the builders of formats write into. */
export class ByteWriter {
  readonly littleEndian: boolean;
  #bytes: Uint8Array = new Uint8Array(256);
  #length = 0;

  constructor(littleEndian = true) {
    this.littleEndian = littleEndian;
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number | bigint): this {
    return this.uint(1, value);
  }

  u16(value: number | bigint): this {
    return this.uint(2, value);
  }

  u32(value: number | bigint): this {
    return this.uint(4, value);
  }

  u64(value: number | bigint): this {
    return this.uint(8, value);
  }

  /** The low `byteSize` bytes of `value`, which may be negative. */
  uint(byteSize: number, value: number | bigint): this {
    const at = this.#grow(byteSize);
    const wide = typeof value === "bigint" || byteSize > 4 ? BigInt(value) : undefined;
    for (let i = 0; i < byteSize; i++) {
      const byte = wide === undefined ? Number(value) >> (i * 8) : Number((wide >> BigInt(i * 8)) & 0xffn);
      this.#bytes[at + (this.littleEndian ? i : byteSize - 1 - i)] = byte;
    }
    return this;
  }

  bytes(values: ArrayLike<number>): this {
    const at = this.#grow(values.length);
    this.#bytes.set(values, at);
    return this;
  }

  /** UTF-8 with a zero byte behind. */
  cString(text: string): this {
    return this.bytes(Buffer.from(text)).u8(0);
  }

  /** Zero bytes up to a multiple of `alignment`. */
  align(alignment: number): this {
    while (this.#length % Math.max(alignment, 1) !== 0) this.u8(0);
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(byteSize: number): number {
    const at = this.#length;
    this.#length += byteSize;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}
