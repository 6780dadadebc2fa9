import { UsageError } from "../io/index.ts";
import type { Architecture } from "./architecture.ts";
import {
  missingFact,
  physicalAddressOf,
  type ImageVariables,
  type KernelFacts,
  type KernelTranslation,
  type LinearRun,
} from "./kernel-facts.ts";
import {
  TableReader,
  bitsFrom,
  type EntryObserver,
  namesOfLevels,
  type PageTableFormat,
  type PageTableWalker,
  type PhysicalRead,
} from "./page-tables.ts";

/** Where the image would start if it were linked for physical address 0: `__START_KERNEL_map`. */
const imageBase = 0xffff_ffff_8000_0000n;

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
  halfBit: 63,
  walker: (format, read, observe) => new X86Walker(format, read, observe),
  levelNames: (format) => namesOfLevels(levelCount(format)),
  entryFlags,
  stated: (facts) => facts.number("phys_base") !== undefined || facts.symbol("phys_base") !== undefined,
  translationOf,
  distanceVariable: "phys_base",
  imageDelta,
  rootSymbols: ["init_top_pgt", "init_level4_pgt", "swapper_pg_dir"],
  imageStart: imageBase,
  formatsAt,
  imageRun,
  linearRuns,
};

/** Largest image with KASLR, without which half of that is reserved; modules follow at once. */
const imageByteSize = 0x4000_0000n;

/** `value` is phys_base: negative when the image lies lower in memory than it was linked for. */
function imageDelta(value: bigint): bigint {
  return BigInt.asUintN(64, value - imageBase);
}

function imageRun(delta: bigint, _stext: bigint, end?: bigint): LinearRun {
  const byteSize = end === undefined ? imageByteSize : end - imageBase;
  const sensible = byteSize > 0n && byteSize <= imageByteSize;
  return { name: "image", start: imageBase, byteSize: sensible ? byteSize : imageByteSize, delta };
}

function translationOf(facts: KernelFacts): KernelTranslation {
  const physBase = facts.number("phys_base");
  if (physBase === undefined) throw missingFact("NUMBER(phys_base)");
  // On x86-64 swapper_pg_dir is another name of the table.
  const root =
    facts.symbol("init_top_pgt") ?? facts.symbol("init_level4_pgt") ?? facts.symbol("swapper_pg_dir");
  if (root === undefined || root < imageBase) throw missingFact("SYMBOL(swapper_pg_dir) of the image");
  const delta = imageDelta(physBase);
  const fiveLevels = facts.number("pgtable_l5_enabled") === 1n;
  return {
    pageByteSize: 4096,
    tables: format(
      physicalAddressOf(root + delta, "the top page table"),
      fiveLevels ? 57 : 48,
      facts.number("sme_mask") ?? 0n,
    ),
    runs: [imageRun(delta, root, imageBase + (facts.number("KERNEL_IMAGE_SIZE") ?? imageByteSize))],
  };
}

function format(root: number, virtualAddressBits: 48 | 57, encryptionMask: bigint): PageTableFormat {
  return { root, pageShift: 12, virtualAddressBits, encryptionMask, largePhysicalAddresses: false };
}

function formatsAt(root: number, variables: ImageVariables): PageTableFormat[] {
  const mask = variables.u64("sme_me_mask") ?? 0n;
  const bits: (48 | 57)[] = variables.u32("__pgtable_l5_enabled") === 1 ? [57, 48] : [48, 57];
  return bits.map((each) => format(root, each, mask));
}

/** The direct map, whose place is random since 4.8 and 64 TiB (32 PiB with 5 levels) in size. */
function linearRuns(variables: ImageVariables): LinearRun[] {
  const bases = [variables.u64("page_offset_base"), 0xffff_8880_0000_0000n, 0xff11_0000_0000_0000n];
  return bases
    .filter((base) => base !== undefined && base >= 0xff00_0000_0000_0000n)
    .map((base) => ({
      name: "linear",
      start: base!,
      byteSize: base! < 0xffff_8000_0000_0000n ? 1n << 55n : 1n << 46n,
      delta: BigInt.asUintN(64, -base!),
    }));
}

const present = 1;
const large = 0x80;
/** Set in entries that are not present for the processor but belong to a page that is there (PROT_NONE). */
const protNone = 0x100;

function levelCount({ virtualAddressBits }: PageTableFormat): number {
  return (virtualAddressBits - 12) / 9;
}

/** `_PAGE_BIT_…` of arch/x86/include/asm/pgtable_types.h: those of the processor, by bit. */
const flagNames: readonly (readonly [bit: number, name: string])[] = [
  [0, "PRESENT"],
  [1, "RW"],
  [2, "USER"],
  [3, "PWT"],
  [4, "PCD"],
  [5, "ACCESSED"],
  [63, "NX"],
];
/** Those that only entries of pages have. */
const pageFlagNames: readonly (readonly [bit: number, name: string])[] = [
  [6, "DIRTY"],
  [7, "PSE"],
  [8, "GLOBAL"],
];

function entryFlags(entry: bigint, isPage: boolean): string[] {
  // Of an entry that is not present the other bits mean something else.
  if ((entry & 1n) === 0n) return isPage && (entry & 0x100n) !== 0n ? ["PROTNONE"] : [];
  const names = isPage ? [...flagNames, ...pageFlagNames] : flagNames;
  return names
    .filter(([bit]) => ((entry >> BigInt(bit)) & 1n) !== 0n)
    .sort(([left], [right]) => left - right)
    .map(([, name]) => name);
}

class X86Walker implements PageTableWalker {
  problem = "";
  pageByteSize = 0;
  readonly #root: number;
  readonly #levels: number;
  readonly #clearHigh: number;
  readonly #clearLow: number;
  readonly #tables: TableReader;

  constructor(format: PageTableFormat, read: PhysicalRead, observe?: EntryObserver) {
    if (format.pageShift !== 12 || (format.virtualAddressBits !== 48 && format.virtualAddressBits !== 57))
      throw new UsageError(
        `x86-64 has no page tables for ${format.virtualAddressBits}-bit addresses and pages of 2^${format.pageShift} bytes`,
      );
    this.#levels = levelCount(format);
    this.#root = Math.floor(format.root / 4096) * 4096;
    this.#clearHigh = ~Number(BigInt.asUintN(64, format.encryptionMask) >> 32n) & 0x000f_ffff;
    this.#clearLow = ~Number(BigInt.asUintN(32, format.encryptionMask)) & 0xffff_f000;
    this.#tables = new TableReader(read, true, observe);
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
