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
 * x86-64: 4 or 5 levels of 512 entries, pages of 4 KiB, 2 MiB and 1 GiB.
 * Sources: AMD64 Architecture Programmer's Manual volume 2, chapter 5; Linux `struct elf_prstatus`.
 */
export const x86_64: Architecture = {
  name: "x86-64",
  machine: 62,
  pointerByteSize: 8,
  littleEndian: true,
  prstatus: {
    byteSize: 336,
    pidOffset: 32,
    registersOffset: 112,
    registers: (
      "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss " +
      "fs_base gs_base ds es fs gs"
    ).split(" "),
    programCounter: "ip",
    stackPointer: "sp",
    framePointer: "bp",
  },
  isKernelAddress: (address) => BigInt.asIntN(64, address) < 0n,
  walker: (format, read) => new X86Walker(format, read),
};

const present = 1;
const large = 0x80;
/** Set in entries that are not present for the processor but belong to a page that is there (PROT_NONE). */
const protNone = 0x100;

class X86Walker implements PageTableWalker {
  problem = "";
  pageByteSize = 0;
  readonly #root: number;
  readonly #levels: number;
  readonly #clearHigh: number;
  readonly #clearLow: number;
  readonly #tables: TableReader;

  constructor(format: PageTableFormat, read: PhysicalRead) {
    if (format.pageShift !== 12 || (format.virtualAddressBits !== 48 && format.virtualAddressBits !== 57))
      throw new UsageError(
        `x86-64 has no page tables for ${format.virtualAddressBits}-bit addresses and pages of 2^${format.pageShift} bytes`,
      );
    this.#levels = (format.virtualAddressBits - 12) / 9;
    this.#root = Math.floor(format.root / 4096) * 4096;
    this.#clearHigh = ~Number(BigInt.asUintN(64, format.encryptionMask) >> 32n) & 0x000f_ffff;
    this.#clearLow = ~Number(BigInt.asUintN(32, format.encryptionMask)) & 0xffff_f000;
    this.#tables = new TableReader(read, true);
  }

  walk(high: number, low: number): number {
    const upper = this.#levels === 4 ? (high | 0) >> 15 : (high | 0) >> 24;
    if (upper !== 0 && upper !== -1) {
      this.problem = "not a canonical address";
      return -1;
    }
    const tables = this.#tables;
    let table = this.#root;
    for (let level = this.#levels; ; level--) {
      const shift = 3 + 9 * level;
      tables.load(table + (bitsFrom(high, low, shift) & 511) * 8);
      let entryHigh = tables.high;
      let entryLow = tables.low;
      const isPage = level === 1 || (level <= 3 && (entryLow & large) !== 0);
      if ((entryLow & present) === 0) {
        if (!isPage || (entryLow & protNone) === 0) {
          this.problem =
            entryLow === 0 && entryHigh === 0
              ? ""
              : "the page table entry is not present, as of a page in swap";
          return -1;
        }
        // Linux inverts the addresses of such entries, so that processors cannot speculate with them.
        entryHigh = ~entryHigh;
        entryLow = ~entryLow;
      }
      const address = (entryHigh & this.#clearHigh) * 0x1_0000_0000 + ((entryLow & this.#clearLow) >>> 0);
      if (isPage) {
        const byteSize = 2 ** shift;
        this.pageByteSize = byteSize;
        // In large entries the low address bits are flags or must be zero.
        return address - (address % byteSize) + ((low & (byteSize - 1)) >>> 0);
      }
      table = address;
    }
  }

  forget(): void {
    this.#tables.forget();
  }
}
