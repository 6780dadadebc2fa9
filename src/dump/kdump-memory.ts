import { FaultError } from "../io/index.ts";
import { BlockCache } from "./block-cache.ts";
import { copy } from "./cached-source.ts";
import type { PhysicalMemory, PhysicalRange } from "./dump.ts";
import type { FrameBitmap } from "./frame-bitmap.ts";
import type { PageReader } from "./kdump-pages.ts";
import { isTruncation } from "./run-memory.ts";

/** A file of the dump and the frames that its descriptors are for. */
export interface KdumpPart {
  pages: PageReader;
  firstFrame: number;
  endFrame: number;
}

/** A read of this many bytes or more leaves no pages in the cache: it is a scan. */
const scanByteSize = 0x1_0000;

/** More runs than this, and small gaps between them count as memory: the list must fit in memory too. */
const maximumRanges = 1 << 18;

/** Physical memory in compressed pages. */
export class KdumpMemory implements PhysicalMemory {
  readonly #blockByteSize: number;
  /** Frames in the dump. */
  readonly #dumped: FrameBitmap;
  /** Frames in RAM, where the file says. */
  readonly #memory: FrameBitmap | undefined;
  readonly #parts: readonly KdumpPart[];
  readonly #dumpLevel: number;
  readonly #cache: BlockCache;
  #ranges: readonly PhysicalRange[] | undefined;

  constructor(layout: {
    blockByteSize: number;
    dumped: FrameBitmap;
    memory: FrameBitmap | undefined;
    parts: readonly KdumpPart[];
    dumpLevel: number;
    cacheByteSize: number;
  }) {
    this.#blockByteSize = layout.blockByteSize;
    this.#dumped = layout.dumped;
    this.#memory = layout.memory;
    this.#parts = layout.parts;
    this.#dumpLevel = layout.dumpLevel;
    this.#cache = new BlockCache(
      layout.blockByteSize,
      layout.cacheByteSize,
      layout.dumped.frameCount * layout.blockByteSize,
    );
  }

  get ranges(): readonly PhysicalRange[] {
    this.#ranges ??= this.#findRanges();
    return this.#ranges;
  }

  readInto(target: Uint8Array, address: number): void {
    const blockByteSize = this.#blockByteSize;
    let done = 0;
    while (done < target.length) {
      const here = address + done;
      const frame = Math.floor(here / blockByteSize);
      const within = here - frame * blockByteSize;
      const count = Math.min(target.length - done, blockByteSize - within);
      const cached = this.#cache.find(frame);
      if (cached >= 0) copy(this.#cache.bytes, cached + within, target, done, count);
      else if (count === blockByteSize && target.length >= scanByteSize) {
        this.#readPage(target.subarray(done, done + count), frame, here);
      } else {
        copy(this.#cache.bytes, this.#loadPage(frame, here) + within, target, done, count);
      }
      done += count;
    }
  }

  #loadPage(frame: number, address: number): number {
    const at = this.#cache.claim(frame);
    try {
      this.#readPage(this.#cache.bytes.subarray(at, at + this.#blockByteSize), frame, address);
    } catch (error) {
      this.#cache.drop(frame);
      throw error;
    }
    return at;
  }

  #readPage(page: Uint8Array, frame: number, address: number): void {
    for (const part of this.#parts) {
      const index = this.#descriptorIndex(part, frame, address);
      if (index < 0) continue;
      part.pages.readInto(page, index, address);
      return;
    }
    throw new FaultError("truncated", address, "physical", "in a file of the split dump that was not given");
  }

  /** Index of a frame's descriptor in a file, -1 when it is another file's. */
  #descriptorIndex(part: KdumpPart, frame: number, address: number): number {
    try {
      if (!this.#dumped.has(frame)) throw this.#missing(frame, address);
      if (frame < part.firstFrame || frame >= part.endFrame) return -1;
      return this.#dumped.rank(frame) - this.#dumped.rank(part.firstFrame);
    } catch (error) {
      // A stream that is cut off may lack the bitmaps.
      throw isTruncation(error) ? new FaultError("truncated", address, "physical", "no bitmap") : error;
    }
  }

  #missing(frame: number, address: number): FaultError {
    if (this.#memory?.has(frame) === true) {
      return new FaultError("excluded", address, "physical", `dump level ${this.#dumpLevel}`);
    }
    return new FaultError("absent", address, "physical");
  }

  /** Runs of the bitmap, cut to what the open files hold. */
  #findRanges(): PhysicalRange[] {
    // Frames that may lie between two runs taken for one.
    for (let gap = 0; ; gap = gap * 4 + 3) {
      const ranges = this.#findRuns(gap);
      if (ranges !== undefined) return ranges;
    }
  }

  /** Undefined when there are too many. */
  #findRuns(gap: number): PhysicalRange[] | undefined {
    const dumped = this.#dumped;
    const runs: PhysicalRange[] = [];
    const parts = this.#parts.toSorted((a, b) => a.firstFrame - b.firstFrame);
    let covered = 0;
    for (const part of parts) {
      const endFrame = Math.min(part.endFrame, dumped.frameCount);
      for (let frame = dumped.find(Math.max(part.firstFrame, covered), true); frame < endFrame;) {
        const end = Math.min(dumped.find(frame, false), endFrame);
        const last = runs.at(-1);
        if (
          last !== undefined &&
          frame * this.#blockByteSize - (last.start + last.byteSize) <= gap * this.#blockByteSize
        ) {
          last.byteSize = end * this.#blockByteSize - last.start;
        } else if (runs.length === maximumRanges) return undefined;
        else runs.push({ start: frame * this.#blockByteSize, byteSize: (end - frame) * this.#blockByteSize });
        frame = dumped.find(end, true);
      }
      covered = Math.max(covered, endFrame);
    }
    return runs;
  }
}
