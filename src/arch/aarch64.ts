import { UsageError } from "../io/index.ts";
import type { Architecture } from "./architecture.ts";
import {
  TableReader,
  bitsFrom,
  type PageTableFormat,
  type PageTableWalker,
  type PhysicalRead,
} from "./page-tables.ts";

/**
 * aarch64: pages of 4, 16 and 64 KiB, 36 to 52-bit virtual addresses, 48 or 52-bit physical ones.
 * Sources: Arm Architecture Reference Manual, chapter D8 (VMSAv8-64); Linux `struct elf_prstatus`.
 */
export const aarch64: Architecture = {
  name: "aarch64",
  machine: 183,
  pointerByteSize: 8,
  littleEndian: true,
  prstatus: {
    byteSize: 392,
    pidOffset: 32,
    registersOffset: 112,
    registers: [...Array.from({ length: 31 }, (_, number) => `x${number}`), "sp", "pc", "pstate"],
    programCounter: "pc",
    stackPointer: "sp",
    framePointer: "x29",
  },
  // The top byte may hold a tag; bit 55 chooses between the two sets of tables.
  isKernelAddress: (address) => ((address >> 55n) & 1n) === 1n,
  walker: (format, read) => new Aarch64Walker(format, read),
};

class Aarch64Walker implements PageTableWalker {
  problem = "";
  pageByteSize = 0;
  readonly #root: number;
  readonly #pageShift: number;
  readonly #addressBits: number;
  readonly #levels: number;
  readonly #topMask: number;
  readonly #large: boolean;
  readonly #largestBlockShift: number;
  readonly #tables: TableReader;

  constructor(format: PageTableFormat, read: PhysicalRead) {
    const { pageShift, virtualAddressBits } = format;
    if (![12, 14, 16].includes(pageShift) || !(virtualAddressBits >= 36 && virtualAddressBits <= 52))
      throw new UsageError(
        `aarch64 has no page tables for ${virtualAddressBits}-bit addresses and pages of 2^${pageShift} bytes`,
      );
    const bitsPerLevel = pageShift - 3;
    this.#pageShift = pageShift;
    this.#addressBits = virtualAddressBits;
    this.#levels = Math.ceil((virtualAddressBits - pageShift) / bitsPerLevel);
    this.#topMask = 2 ** (virtualAddressBits - pageShift - bitsPerLevel * (this.#levels - 1)) - 1;
    this.#large = format.largePhysicalAddresses;
    this.#largestBlockShift = largestBlockShift(pageShift, format.largePhysicalAddresses);
    // Small top tables need not start a page, but they are aligned to their own size.
    this.#root = Math.floor(format.root / 64) * 64;
    this.#tables = new TableReader(read, true);
  }

  walk(high: number, low: number): number {
    // The top byte may be a tag: bit 55 stands for it.
    const untagged = (high << 8) >> 8;
    const upper = untagged >> (this.#addressBits - 32);
    if (upper !== 0 && upper !== -1) {
      this.problem = "between the halves of the address space";
      return -1;
    }
    const tables = this.#tables;
    const bitsPerLevel = this.#pageShift - 3;
    let mask = this.#topMask;
    let table = this.#root;
    for (let level = this.#levels; ; level--) {
      const shift = this.#pageShift + bitsPerLevel * (level - 1);
      tables.load(table + (bitsFrom(untagged, low, shift) & mask) * 8);
      const kind = tables.low & 3;
      if ((kind & 1) === 0) {
        this.problem =
          tables.low === 0 && tables.high === 0
            ? ""
            : "the page table entry is not valid, as of a page in swap";
        return -1;
      }
      const address = this.#address(tables.high, tables.low);
      if (kind === 1 || level === 1) {
        // 01 is a block, which not every level can have; on the last one it is reserved.
        if (kind === 1 && (level === 1 || shift > this.#largestBlockShift)) {
          this.problem = "reserved page table entry";
          return -1;
        }
        const byteSize = 2 ** shift;
        this.pageByteSize = byteSize;
        const offset = shift <= 32 ? low & (2 ** shift - 1) : low;
        const offsetHigh = shift <= 32 ? 0 : untagged & (2 ** (shift - 32) - 1);
        return address - (address % byteSize) + offsetHigh * 0x1_0000_0000 + (offset >>> 0);
      }
      table = address;
      mask = (1 << bitsPerLevel) - 1;
    }
  }

  /** Output or table address of an entry, bits 47 to the page's in place. */
  #address(high: number, low: number): number {
    const pageMask = -1 << this.#pageShift;
    let upper = high & 0xffff;
    if (this.#pageShift === 16) upper |= ((low >>> 12) & 0xf) << 16;
    else if (this.#large) upper |= (high & 0x3_0000) | (((low >>> 8) & 3) << 18);
    return upper * 0x1_0000_0000 + ((low & pageMask) >>> 0);
  }

  forget(): void {
    this.#tables.forget();
  }
}

function largestBlockShift(pageShift: number, large: boolean): number {
  if (pageShift === 12) return large ? 39 : 30;
  if (pageShift === 14) return large ? 36 : 25;
  return 42;
}
