import type { ByteSource } from "../io/index.ts";
import { BlockCache } from "./block-cache.ts";
import { isTruncation } from "./run-memory.ts";
import { viewOf } from "./words.ts";

/** Frames that one number of the index stands for: 512 bytes of bitmap. */
const framesPerStep = 4096;
/** Bitmap bytes that are read at once: 2 GiB of memory in 4 KiB pages. */
const blockByteSize = 0x1_0000;
const framesPerBlock = blockByteSize * 8;
const cacheByteSize = 64 * blockByteSize;

/**
 * A bitmap of page frames in a file: bit `frame & 7` of byte `frame >> 3`. Read block by block as it is
 * asked for, so that a dump of a terabyte opens as fast as a small one.
 */
export class FrameBitmap {
  readonly frameCount: number;
  readonly #source: ByteSource;
  readonly #offset: number;
  readonly #cache: BlockCache;
  readonly #view: DataView;
  /** Set bits before each step, as far as anyone has asked. */
  #before: Float64Array<ArrayBuffer> = new Float64Array(64);
  #steps = 0;

  constructor(source: ByteSource, offset: number, frameCount: number) {
    this.#source = source;
    this.#offset = offset;
    this.frameCount = frameCount;
    this.#cache = new BlockCache(blockByteSize, cacheByteSize, frameCount / 8);
    this.#view = viewOf(this.#cache.bytes);
  }

  has(frame: number): boolean {
    if (!(frame >= 0 && frame < this.frameCount)) return false;
    const block = Math.floor(frame / framesPerBlock);
    const at = this.#load(block);
    const bit = frame - block * framesPerBlock;
    return ((this.#cache.bytes[at + (bit >>> 3)]! >>> (bit & 7)) & 1) === 1;
  }

  /** Number of set bits before a frame, or before `frameCount`. */
  rank(frame: number): number {
    const step = Math.floor(frame / framesPerStep);
    if (step >= this.#steps) this.#countUpTo(step);
    return this.#before[step]! + this.#count(step, frame - step * framesPerStep);
  }

  /**
   * First frame at or behind `frame` whose bit is `set`; `frameCount` when there is none. Where a stream that
   * is cut off has lost the bitmap, no bit is set.
   */
  find(frame: number, set: boolean): number {
    const skip = set ? 0 : 0xffff_ffff;
    for (let here = frame; here < this.frameCount;) {
      const block = Math.floor(here / framesPerBlock);
      const at = this.#loadIfThere(block);
      if (at < 0) {
        if (!set) return here;
        here = (block + 1) * framesPerBlock;
        continue;
      }
      const end = Math.min(framesPerBlock, this.frameCount - block * framesPerBlock);
      for (let bit = here - block * framesPerBlock; bit < end;) {
        const word = this.#view.getUint32(at + (bit >>> 5) * 4, true);
        // Bits below the first that counts are made to look like those to skip.
        const low = 2 ** (bit & 31) - 1;
        const rest = (set ? word & ~low : ~(word | low)) >>> 0;
        if (rest !== 0) {
          const found = block * framesPerBlock + (bit & ~31) + (31 - Math.clz32(rest & -rest));
          return Math.min(found, this.frameCount);
        }
        bit = (bit & ~31) + 32;
        while (bit + 32 <= end && this.#view.getUint32(at + (bit >>> 5) * 4, true) === skip) bit += 32;
      }
      here = (block + 1) * framesPerBlock;
    }
    return this.frameCount;
  }

  #countUpTo(step: number): void {
    if (step >= this.#before.length) {
      const larger = new Float64Array(Math.max(step + 1, this.#before.length * 2));
      larger.set(this.#before);
      this.#before = larger;
    }
    if (this.#steps === 0) this.#steps = 1;
    for (; this.#steps <= step; this.#steps++) {
      const previous = this.#steps - 1;
      this.#before[this.#steps] = this.#before[previous]! + this.#count(previous, framesPerStep);
    }
  }

  /** Set bits among the first `frames` of a step. */
  #count(step: number, frames: number): number {
    if (frames === 0) return 0;
    const first = step * framesPerStep;
    const block = Math.floor(first / framesPerBlock);
    const at = this.#load(block) + (first - block * framesPerBlock) / 8;
    let count = 0;
    const words = frames >>> 5;
    for (let i = 0; i < words; i++) count += bitsOf(this.#view.getUint32(at + i * 4, true));
    const rest = frames & 31;
    if (rest > 0) count += bitsOf(this.#view.getUint32(at + words * 4, true) & (2 ** rest - 1));
    return count;
  }

  #loadIfThere(block: number): number {
    try {
      return this.#load(block);
    } catch (error) {
      if (isTruncation(error)) return -1;
      throw error;
    }
  }

  /** Offset of a block in the cache. Bytes behind the bitmap's end are zeros. */
  #load(block: number): number {
    const found = this.#cache.find(block);
    if (found >= 0) return found;
    const at = this.#cache.claim(block);
    const start = block * blockByteSize;
    const byteSize = Math.min(blockByteSize, Math.ceil(this.frameCount / 8) - start);
    try {
      this.#source.readInto(this.#cache.bytes.subarray(at, at + byteSize), this.#offset + start);
    } catch (error) {
      this.#cache.drop(block);
      throw error;
    }
    this.#cache.bytes.fill(0, at + byteSize, at + blockByteSize);
    return at;
  }
}

function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
