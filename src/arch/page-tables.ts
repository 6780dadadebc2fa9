import { FaultError } from "../io/index.ts";

/** Fills `target` from a physical address; throws FaultError where there are no bytes. */
export type PhysicalRead = (target: Uint8Array, physicalAddress: number) => void;

/** Which page tables, and how to read them. */
export interface PageTableFormat {
  /** Physical address of the top table. */
  readonly root: number;
  /** Base 2 logarithm of the bytes of a page: 12, 14 or 16. */
  readonly pageShift: number;
  /** Bits of a virtual address that the tables translate: 48 or 57 on x86-64, 36 to 52 on aarch64. */
  readonly virtualAddressBits: number;
  /** Bits of an entry that are no part of its address though they stand in it: AMD's memory encryption. */
  readonly encryptionMask: bigint;
  /** aarch64 with 4 and 16 KiB pages: 52-bit physical addresses in entries (LPA2). */
  readonly largePhysicalAddresses: boolean;
}

/** Sees every entry that a walk reads, from the top table on: where it lies, and its halves. */
export type EntryObserver = (physicalAddress: number, high: number, low: number) => void;

/** Translates addresses by walking page tables; every walk ends after at most as many steps as there are levels. */
export interface PageTableWalker {
  /**
   * Physical address of the virtual address `high * 2^32 + low` (both unsigned 32-bit), or -1 where nothing is
   * mapped, with the reason in {@link problem}.
   * @throws {FaultError} physical, when a table cannot be read.
   */
  walk(high: number, low: number): number;
  /** Why the last walk gave -1. */
  readonly problem: string;
  /** Bytes of the page or block that the last walk ended at. */
  readonly pageByteSize: number;
  /** Drop kept tables: memory may have changed. */
  forget(): void;
}

const blockByteSize = 4096;
/** Direct-mapped: 128 blocks are the tables of 256 MiB of small pages. */
const slotCount = 128;

/** Reads 64-bit table entries as two halves, keeping the blocks of tables that were read last. */
export class TableReader {
  /** Halves of the last entry read, unsigned. */
  high = 0;
  low = 0;
  readonly #read: PhysicalRead;
  readonly #observe: EntryObserver | undefined;
  readonly #littleEndian: boolean;
  /** Physical block number per slot, -1 for none. */
  readonly #tags: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(read: PhysicalRead, littleEndian: boolean, observe?: EntryObserver) {
    this.#read = read;
    this.#observe = observe;
    this.#littleEndian = littleEndian;
    this.#tags = new Float64Array(slotCount).fill(-1);
    this.#bytes = new Uint8Array(slotCount * blockByteSize);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Read the 8-byte aligned entry at a physical address into {@link high} and {@link low}. */
  load(address: number): void {
    const block = Math.floor(address / blockByteSize);
    const slot = block % slotCount;
    if (this.#tags[slot] !== block) this.#fill(slot, block);
    const offset = slot * blockByteSize + (address - block * blockByteSize);
    const first = this.#view.getUint32(offset, this.#littleEndian);
    const second = this.#view.getUint32(offset + 4, this.#littleEndian);
    this.low = this.#littleEndian ? first : second;
    this.high = this.#littleEndian ? second : first;
    if (this.#observe !== undefined) this.#observe(address, this.high, this.low);
  }

  /** Forget what was read, as memory may have changed. */
  forget(): void {
    this.#tags.fill(-1);
  }

  #fill(slot: number, block: number): void {
    this.#tags[slot] = -1;
    const start = slot * blockByteSize;
    try {
      this.#read(this.#bytes.subarray(start, start + blockByteSize), block * blockByteSize);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      throw new FaultError(error.reason, error.address, "physical", "a page table");
    }
    this.#tags[slot] = block;
  }
}

/** Bits `shift` and up of a 64-bit number given as halves, at most 32 of them; `shift` is below 64. */
export function bitsFrom(high: number, low: number, shift: number): number {
  if (shift >= 32) return high >>> (shift - 32);
  return shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
}

/** Linux's names of so many levels of tables, from the top one on (include/linux/pgtable.h). */
export function namesOfLevels(count: number): string[] {
  const names = ["PGD", "P4D", "PUD", "PMD", "PTE"];
  // Folded levels: the top is always the PGD, the last the PTE.
  return ["PGD", ...names.slice(names.length - (count - 1))];
}
