import type { ByteSource } from "../io/index.ts";
import { BlockCache } from "./block-cache.ts";

/** A read of this many bytes or more goes past the cache: it would only push out what is used again. */
const largeRead = 0x8000;

/**
 * A source read through a bounded cache of blocks. Walks through a kernel's structures touch few pages
 * many times, eight bytes at a time.
 */
export class CachedSource implements ByteSource {
  readonly name: string;
  readonly byteSize: number;
  readonly #source: ByteSource;
  readonly #cache: BlockCache;

  constructor(source: ByteSource, cacheByteSize: number, blockByteSize = 0x2000) {
    this.name = source.name;
    this.byteSize = source.byteSize;
    this.#source = source;
    this.#cache = new BlockCache(blockByteSize, cacheByteSize, source.byteSize);
  }

  readInto(target: Uint8Array, offset: number): void {
    const end = offset + target.length;
    // What is not wholly inside is for the source to refuse.
    if (target.length >= largeRead || !(offset >= 0 && end <= this.byteSize)) {
      this.#source.readInto(target, offset);
      return;
    }
    const blockByteSize = this.#cache.blockByteSize;
    let done = 0;
    while (done < target.length) {
      const block = Math.floor((offset + done) / blockByteSize);
      const at = this.#load(block);
      const within = offset + done - block * blockByteSize;
      const count = Math.min(target.length - done, blockByteSize - within);
      if (at < 0) {
        // The block as a whole cannot be read; what is wanted of it perhaps can.
        this.#source.readInto(target.subarray(done, done + count), offset + done);
      } else {
        copy(this.#cache.bytes, at + within, target, done, count);
      }
      done += count;
    }
  }

  read(offset: number, byteSize: number): Uint8Array {
    if (!(offset >= 0 && byteSize >= 0 && offset + byteSize <= this.byteSize)) {
      return this.#source.read(offset, byteSize);
    }
    const target = new Uint8Array(byteSize);
    this.readInto(target, offset);
    return target;
  }

  #load(block: number): number {
    const found = this.#cache.find(block);
    if (found >= 0) return found;
    const { blockByteSize } = this.#cache;
    const at = this.#cache.claim(block);
    const byteSize = Math.min(blockByteSize, this.byteSize - block * blockByteSize);
    try {
      this.#source.readInto(this.#cache.bytes.subarray(at, at + byteSize), block * blockByteSize);
    } catch {
      this.#cache.drop(block);
      return -1;
    }
    return at;
  }
}

/** Small copies go byte by byte: a `subarray` costs more than it saves below some 32 bytes. */
export function copy(from: Uint8Array, at: number, into: Uint8Array, to: number, byteSize: number): void {
  if (byteSize <= 32) {
    for (let i = 0; i < byteSize; i++) into[to + i] = from[at + i]!;
  } else {
    into.set(from.subarray(at, at + byteSize), to);
  }
}
