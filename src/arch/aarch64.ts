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
  // The top byte may hold a tag, so this one chooses between the two sets of tables.
  halfBit: 55,
  walker: (format, read, observe) => new Aarch64Walker(format, read, observe),
  levelNames: (format) => namesOfLevels(levelCount(format)),
  entryFlags,
  stated: (facts) => facts.number("kimage_voffset") !== undefined,
  translationOf,
  distanceVariable: "kimage_voffset",
  imageDelta: (value) => BigInt.asUintN(64, -value),
  rootSymbols: ["swapper_pg_dir"],
  imageStart: undefined,
  formatsAt,
  imageRun,
  linearRuns,
};

/** More than any image has. */
const imageByteSize = 0x4000_0000n;

function imageRun(delta: bigint, stext: bigint, end?: bigint): LinearRun {
  const start = stext & ~0x1f_ffffn;
  const byteSize = end === undefined ? imageByteSize : end - start;
  const sensible = byteSize > 0n && byteSize <= imageByteSize;
  return { name: "image", start, byteSize: sensible ? byteSize : imageByteSize, delta };
}

function translationOf(facts: KernelFacts): KernelTranslation {
  const imageOffset = facts.number("kimage_voffset");
  if (imageOffset === undefined) throw missingFact("NUMBER(kimage_voffset)");
  const root = facts.symbol("swapper_pg_dir");
  if (root === undefined) throw missingFact("SYMBOL(swapper_pg_dir)");
  const pageByteSize = facts.pageSize;
  if (pageByteSize === undefined || ![4096, 16384, 65536].includes(pageByteSize))
    throw missingFact("PAGESIZE of 4, 16 or 64 KiB");
  const compiledBits = Number(facts.number("VA_BITS") ?? 0n);
  const t1sz = facts.number("TCR_EL1_T1SZ");
  // With 64 KiB pages a kernel for 52 bits keeps its tables in that shape on 48-bit processors.
  const bits = pageByteSize === 65536 || t1sz === undefined ? compiledBits : 64 - Number(t1sz);
  if (!(bits >= 36 && bits <= 52)) throw missingFact("NUMBER(VA_BITS) from 36 to 52");
  const delta = BigInt.asUintN(64, -imageOffset);
  const stext = facts.symbol("_stext") ?? root;
  const physicalOffset = facts.number("PHYS_OFFSET");
  const runs = [imageRun(delta, stext)];
  if (physicalOffset !== undefined && compiledBits >= 36 && compiledBits <= 52)
    runs.push(linearRun(compiledBits, physicalOffset, stext));
  return {
    pageByteSize,
    tables: format(physicalAddressOf(root + delta, "the top page table"), Math.log2(pageByteSize), bits),
    runs,
  };
}

function format(root: number, pageShift: number, virtualAddressBits: number): PageTableFormat {
  return {
    root,
    pageShift,
    virtualAddressBits,
    encryptionMask: 0n,
    // 52-bit addresses with small pages need LPA2, which changes the entries.
    largePhysicalAddresses: pageShift !== 16 && virtualAddressBits === 52,
  };
}

/** Every shape that Linux can be configured for; nothing in an image names its own. */
function formatsAt(root: number): PageTableFormat[] {
  const shapes: Record<number, readonly number[]> = {
    12: [48, 52, 39],
    16: [52, 48, 42],
    14: [47, 48, 52, 36],
  };
  return [12, 16, 14].flatMap((pageShift) => shapes[pageShift]!.map((bits) => format(root, pageShift, bits)));
}

/**
 * The linear map: since 5.4 the lower half of the kernel's addresses, before that the upper one.
 * `compiledBits` is the kernel's largest address size; on smaller processors `physicalOffset` (PHYS_OFFSET)
 * makes up for the difference, so the sum is right modulo 2^64 only.
 */
function linearRun(compiledBits: number, physicalOffset: bigint, stext: bigint): LinearRun {
  const half = 1n << BigInt(compiledBits - 1);
  const imageIsUpper = (stext & half) !== 0n;
  const start = BigInt.asUintN(64, imageIsUpper ? -2n * half : -half);
  return { name: "linear", start, byteSize: half, delta: BigInt.asUintN(64, physicalOffset - start) };
}

function linearRuns(variables: ImageVariables, stext: bigint): LinearRun[] {
  const physicalOffset = variables.u64("memstart_addr");
  if (physicalOffset === undefined) return [];
  return [52, 48, 47, 42, 39, 36].map((bits) => linearRun(bits, physicalOffset, stext));
}

function levelCount({ pageShift, virtualAddressBits }: PageTableFormat): number {
  return Math.ceil((virtualAddressBits - pageShift) / (pageShift - 3));
}

/** Bits of block and page descriptors: D8.3; the software bits are those of arch/arm64/include/asm/pgtable-prot.h. */
const pageFlagNames: readonly (readonly [bit: number, name: string])[] = [
  [6, "USER"],
  [7, "RDONLY"],
  [10, "AF"],
  [11, "NG"],
  [51, "DBM"],
  [52, "CONT"],
  [53, "PXN"],
  [54, "UXN"],
  [55, "DIRTY"],
  [56, "SPECIAL"],
];

function entryFlags(entry: bigint, isPage: boolean): string[] {
  if ((entry & 1n) === 0n) return [];
  if (!isPage) return ["VALID"];
  const isSet = (bit: number): boolean => ((entry >> BigInt(bit)) & 1n) !== 0n;
  return ["VALID", ...pageFlagNames.filter(([bit]) => isSet(bit)).map(([, name]) => name)];
}

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

  constructor(format: PageTableFormat, read: PhysicalRead, observe?: EntryObserver) {
    const { pageShift, virtualAddressBits } = format;
    if (![12, 14, 16].includes(pageShift) || !(virtualAddressBits >= 36 && virtualAddressBits <= 52))
      throw new UsageError(
        `aarch64 has no page tables for ${virtualAddressBits}-bit addresses and pages of 2^${pageShift} bytes`,
      );
    const bitsPerLevel = pageShift - 3;
    this.#pageShift = pageShift;
    this.#addressBits = virtualAddressBits;
    this.#levels = levelCount(format);
    this.#topMask = 2 ** (virtualAddressBits - pageShift - bitsPerLevel * (this.#levels - 1)) - 1;
    this.#large = format.largePhysicalAddresses;
    this.#largestBlockShift = largestBlockShift(pageShift, format.largePhysicalAddresses);
    // Small top tables need not start a page, but they are aligned to their own size.
    this.#root = Math.floor(format.root / 64) * 64;
    this.#tables = new TableReader(read, true, observe);
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
