import type { PhysicalMemory, PhysicalRange } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";

/** Smallest part of memory that is there or not. */
const pageByteSize = 4096;
const defaultPieceByteSize = 1 << 20;

export interface ScanOptions {
  /** Bytes that a visitor may look at behind a piece, so that nothing is lost between two; 0 unless given. */
  overlapByteSize?: number;
  /** Bytes of a piece: 1 MiB unless given. */
  pieceByteSize?: number;
  /** Only this memory, ascending; all of it unless given. */
  ranges?: readonly PhysicalRange[];
  /** Time of `Date.now()` to stop at. */
  deadline?: number;
}

export interface ScanResult {
  /** Why the scan ended: it saw all, the visitor had enough, or the time was up. */
  end: "complete" | "visitor" | "deadline";
  scannedByteSize: number;
  /** Bytes of the ranges that the dump does not have. */
  missingByteSize: number;
}

/**
 * Sees a piece of memory: `bytes` from physical address `address` on, of which the first `ownByteSize` are
 * new and the rest, at most the overlap, comes again at the start of the next piece. The bytes are
 * overwritten afterwards. True ends the scan.
 */
export type PieceVisitor = (bytes: Buffer, address: number, ownByteSize: number) => boolean | void;

/**
 * Walk through physical memory once, ascending, in large pieces. What the dump lacks is stepped over page by
 * page and ends a piece, so a piece never joins memory that is not adjacent.
 */
export function scanPhysical(memory: PhysicalMemory, options: ScanOptions, visit: PieceVisitor): ScanResult {
  const scan = new Scan(memory, options, visit);
  for (const range of options.ranges ?? memory.ranges) if (!scan.range(range)) break;
  return scan.result;
}

class Scan {
  readonly result: ScanResult = { end: "complete", scannedByteSize: 0, missingByteSize: 0 };
  readonly #memory: PhysicalMemory;
  readonly #visit: PieceVisitor;
  readonly #overlap: number;
  readonly #piece: number;
  readonly #deadline: number;
  readonly #buffer: Buffer;

  constructor(memory: PhysicalMemory, options: ScanOptions, visit: PieceVisitor) {
    this.#memory = memory;
    this.#visit = visit;
    this.#overlap = options.overlapByteSize ?? 0;
    this.#piece = Math.max(pageByteSize, options.pieceByteSize ?? defaultPieceByteSize);
    this.#deadline = options.deadline ?? Infinity;
    this.#buffer = Buffer.alloc(this.#piece + this.#overlap);
  }

  /** False when the scan is over. */
  range(range: PhysicalRange): boolean {
    const end = range.start + range.byteSize;
    // Bytes [0, held) of the buffer are those before `address` that no visitor owned yet.
    let held = 0;
    // After a fault small pieces are tried first: memory that lacks one page often lacks its neighbours.
    let want = this.#piece;
    for (let address = range.start; address < end;) {
      if (Date.now() >= this.#deadline) return this.#stop("deadline");
      // Pieces end at multiples of a page, so that a step over a missing one is a whole page.
      const aligned = address + want - ((address + want) % pageByteSize);
      const byteSize = Math.min(aligned, end, address + this.#piece) - address;
      const got = this.#read(held, byteSize, address);
      const whole = got === byteSize;
      const last = !whole || address + byteSize >= end;
      const filled = held + got;
      const own = last ? filled : Math.max(0, filled - this.#overlap);
      this.result.scannedByteSize += own;
      if (own > 0 && this.#visit(this.#buffer.subarray(0, filled), address - held, own) === true)
        return this.#stop("visitor");
      held = last ? 0 : filled - own;
      if (held > 0) this.#buffer.copyWithin(0, own, filled);
      address += got;
      if (whole) want = Math.min(this.#piece, want * 2);
      else {
        const next = Math.min(end, address + pageByteSize - (address % pageByteSize));
        this.result.missingByteSize += next - address;
        address = next;
        want = pageByteSize;
      }
    }
    return true;
  }

  #stop(end: "visitor" | "deadline"): false {
    this.result.end = end;
    return false;
  }

  /** Read to position `at` of the buffer what there is from `address` on; the number of bytes. */
  #read(at: number, byteSize: number, address: number): number {
    for (let wanted = byteSize; wanted > 0;) {
      try {
        this.#memory.readInto(this.#buffer.subarray(at, at + wanted), address);
        return wanted;
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        // The fault says how much there is; a lie about that must not make this an endless loop.
        const present = Number(error.address) - address;
        wanted = Math.min(present > 0 && present < wanted ? present : 0, wanted - 1);
      }
    }
    return 0;
  }
}
