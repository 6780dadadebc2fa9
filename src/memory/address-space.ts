import type { PageTableFormat } from "../arch/index.ts";
import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError, LimitError } from "../io/index.ts";
import { Locator, joinHalves } from "./locator.ts";
import { type MappedRun, mappedRuns, type PageEntry, pageEntries } from "./mapped-pages.ts";
import type { VirtualMemory } from "./memory.ts";
import { PageCache, blockByteSize } from "./page-cache.ts";
import { traceTranslation, type TranslationTrace } from "./trace.ts";
import type { Translation } from "./translation.ts";
import type { VirtualReader } from "./virtual-reader.ts";

/** How an address space is read. */
export interface AddressSpaceOptions {
  /** False for memory that changes while it is read: nothing is kept between two reads. */
  frozen?: boolean;
  /** What serves addresses when the translation has no page tables: /proc/kcore's virtual segments. */
  virtual?: VirtualReader | undefined;
}

/** Reads from this size on go around the cache, in one piece as long as pages are neighbours in memory. */
const bulkByteSize = 4 * blockByteSize;

/** Sizes come from a dump too, and what is read is allocated first. */
const maximumReadByteSize = 0x4000_0000;

/** Sets of two blocks that are kept: 2 MiB, which a walk over a few hundred tasks fits in, and 128 KiB. */
const kernelSets = 256;
const userSets = 16;

/** One scratch for splitting 64-bit addresses into halves, which allocates nothing. */
const wide = new BigUint64Array(1);
const halves = new Uint32Array(wide.buffer);
const hostIsLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const lowHalf = hostIsLittleEndian ? 0 : 1;
const highHalf = 1 - lowHalf;

/**
 * A virtual address space over physical memory: the kernel's, or a process's. Translates by walking page
 * tables; where a table is missing from the dump, by the runs of the translation whose distance to physical
 * memory is constant. Keeps the pages read last.
 *
 * Only addresses of its half exist: a kernel's address space has nothing at the addresses of processes, so
 * a NULL pointer faults even if a dump claims to know what is there.
 */
export class AddressSpace implements VirtualMemory {
  readonly littleEndian: boolean;
  readonly pageByteSize: number;
  readonly translation: Translation;
  readonly #memory: PhysicalMemory;
  readonly #options: AddressSpaceOptions;
  readonly #frozen: boolean;
  readonly #locator: Locator;
  readonly #cache: PageCache;
  readonly #scratch = new Uint8Array(8);
  readonly #scratchView = new DataView(this.#scratch.buffer);

  /** The kernel's address space; {@link userAddressSpace} makes that of a process. */
  constructor(
    memory: PhysicalMemory,
    translation: Translation,
    options: AddressSpaceOptions = {},
    half: "kernel" | "user" = "kernel",
  ) {
    this.translation = translation;
    this.littleEndian = translation.architecture.littleEndian;
    this.pageByteSize = translation.pageByteSize;
    this.#memory = memory;
    this.#options = options;
    this.#frozen = options.frozen ?? true;
    this.#locator = new Locator(memory, translation, half);
    this.#cache = new PageCache(half === "kernel" ? kernelSets : userSets, (high, low, target) =>
      this.#fillBlock(high, low, target),
    );
  }

  /**
   * Address space of a process from the physical address of its top page table (`mm->pgd`, translated).
   * `format` says how its tables differ from the kernel's; one with fewer address bits, for example.
   * @throws {FaultError} when the kernel's own page tables are not known.
   */
  userAddressSpace(rootPhysicalAddress: number, format: Partial<PageTableFormat> = {}): AddressSpace {
    const { tables } = this.translation;
    if (tables === undefined)
      throw new FaultError(
        "absent",
        rootPhysicalAddress,
        "physical",
        "this kernel's page tables are not known",
      );
    const translation: Translation = {
      ...this.translation,
      tables: { ...tables, ...format, root: rootPhysicalAddress },
      runs: [],
      how: "page tables of a process",
    };
    return new AddressSpace(this.#memory, translation, { frozen: this.#frozen }, "user");
  }

  /**
   * Addresses that were translated by a constant distance, because a page table is missing from the dump.
   * What was read there is right as long as the kernel has not mapped something else.
   */
  get runAnswers(): number {
    return this.#locator.runAnswers;
  }

  translate(address: bigint): number {
    wide[0] = address;
    if (!this.#frozen) this.#locator.forget();
    return this.#translate(halves[highHalf]!, halves[lowHalf]!);
  }

  readInto(target: Uint8Array, address: bigint): void {
    wide[0] = address;
    let high = halves[highHalf]!;
    let low = halves[lowHalf]!;
    if (!this.#frozen) this.#locator.forget();
    for (let done = 0; done < target.length;) {
      const left = target.length - done;
      let byteSize = Math.min(left, blockByteSize - (low & (blockByteSize - 1)));
      if (left >= bulkByteSize) byteSize = this.#readRun(target, done, byteSize, high, low);
      else this.#readPart(target, done, byteSize, high, low);
      done += byteSize;
      const next = low + byteSize;
      low = next >>> 0;
      if (next > 0xffff_ffff) high = (high + 1) >>> 0;
    }
  }

  /** @throws {LimitError} for more than 1 GiB. */
  read(address: bigint, byteSize: number): Uint8Array {
    if (!(byteSize >= 0 && byteSize <= maximumReadByteSize))
      throw new LimitError("READ_SIZE", `${byteSize} bytes are too many to read at once`);
    const target = new Uint8Array(byteSize);
    this.readInto(target, address);
    return target;
  }

  readU8(address: bigint): number {
    const at = this.#find(address, 1);
    return at < 0 ? this.#scratch[0]! : this.#cache.bytes[at]!;
  }

  readU16(address: bigint): number {
    const at = this.#find(address, 2);
    return at < 0
      ? this.#scratchView.getUint16(0, this.littleEndian)
      : this.#cache.view.getUint16(at, this.littleEndian);
  }

  readU32(address: bigint): number {
    const at = this.#find(address, 4);
    return at < 0
      ? this.#scratchView.getUint32(0, this.littleEndian)
      : this.#cache.view.getUint32(at, this.littleEndian);
  }

  readU64(address: bigint): bigint {
    const at = this.#find(address, 8);
    return at < 0
      ? this.#scratchView.getBigUint64(0, this.littleEndian)
      : this.#cache.view.getBigUint64(at, this.littleEndian);
  }

  readCString(address: bigint, maximum = 4096): string {
    let text = "";
    while (text.length < maximum) {
      const here = BigInt.asUintN(64, address + BigInt(text.length));
      const left = maximum - text.length;
      const byteSize = Math.min(left, 256, blockByteSize - Number(BigInt.asUintN(12, here)));
      let bytes = this.#cache.bytes;
      let start: number;
      try {
        start = this.#find(here, 1);
        if (start < 0) {
          bytes = Buffer.alloc(byteSize);
          this.readInto(bytes, here);
          start = 0;
        }
      } catch (error) {
        if (text !== "" && error instanceof FaultError) return text;
        throw error;
      }
      const end = bytes.indexOf(0, start);
      const ended = end >= 0 && end < start + byteSize;
      text += bytes.toString("latin1", start, ended ? end : start + byteSize);
      if (ended) break;
    }
    return text;
  }

  /** How the page tables translate an address, entry by entry; without page tables there are no steps. */
  trace(address: bigint): TranslationTrace {
    return traceTranslation(this.#memory, this.translation, address);
  }

  /** What the page tables have between two addresses, ascending; {@link pageEntries}. */
  pageEntries(start: bigint, end: bigint): Generator<PageEntry, undefined> {
    return pageEntries(this.#memory, this.translation, start, end);
  }

  /** Runs of mapped addresses between two, ascending; {@link mappedRuns}. */
  mappedRuns(start: bigint, end: bigint): Generator<MappedRun, undefined> {
    return mappedRuns(this.#memory, this.translation, start, end);
  }

  /** Drop everything kept: memory may have changed. */
  forget(): void {
    this.#cache.forget();
    this.#locator.forget();
  }

  /** Where `byteSize` bytes lie in the cache, or -1 when they were read into the scratch. */
  #find(address: bigint, byteSize: number): number {
    wide[0] = address;
    const low = halves[lowHalf]!;
    const inBlock = low & (blockByteSize - 1);
    if (this.#frozen && inBlock + byteSize <= blockByteSize) {
      const at = this.#cache.find(halves[highHalf]!, low);
      if (at >= 0) return at + inBlock;
    }
    this.readInto(byteSize === 8 ? this.#scratch : this.#scratch.subarray(0, byteSize), address);
    return -1;
  }

  /** Read bytes of one block. */
  #readPart(target: Uint8Array, offset: number, byteSize: number, high: number, low: number): void {
    if (this.#frozen) {
      const at = this.#cache.find(high, low);
      if (at >= 0) {
        const start = at + (low & (blockByteSize - 1));
        target.set(this.#cache.bytes.subarray(start, start + byteSize), offset);
        return;
      }
    }
    // The block as a whole cannot be had; these bytes of it perhaps can.
    this.#readAt(target.subarray(offset, offset + byteSize), high, low);
  }

  /** Read as much as lies in one piece of physical memory, at least `byteSize` bytes of one block; how many it was. */
  #readRun(target: Uint8Array, offset: number, byteSize: number, high: number, low: number): number {
    if (!this.#locator.hasTables) {
      this.#readAt(target.subarray(offset, offset + byteSize), high, low);
      return byteSize;
    }
    const left = target.length - offset;
    const physical = this.#translate(high, low);
    // What cannot be translated further on ends the run, and is a fault when the next one begins there.
    while (byteSize < left) {
      const next = low + byteSize;
      if (next > 0xffff_ffff || this.#locator.locate(high, next) !== physical + byteSize) break;
      byteSize += Math.min(left - byteSize, blockByteSize);
    }
    this.#readPhysical(target.subarray(offset, offset + byteSize), physical, high, low);
    return byteSize;
  }

  /** Fill a block of the cache; false when that is not possible as a whole. */
  #fillBlock(high: number, low: number, target: Uint8Array): boolean {
    try {
      if (!this.#locator.hasTables) this.#readAt(target, high, low);
      else {
        const physical = this.#locator.locate(high, low);
        if (physical < 0) return false;
        this.#memory.readInto(target, physical);
      }
      return true;
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  }

  /** Read bytes of one block around the cache. */
  #readAt(target: Uint8Array, high: number, low: number): void {
    const { virtual } = this.#options;
    if (!this.#locator.hasTables && virtual !== undefined && this.#locator.isOfHalf(high)) {
      const address = joinHalves(high, low);
      if (virtual.covers(address, target.length)) return virtual.readInto(target, address);
    }
    this.#readPhysical(target, this.#translate(high, low), high, low);
  }

  /** Read from where an address was translated to; faults name the virtual address. */
  #readPhysical(target: Uint8Array, physical: number, high: number, low: number): void {
    try {
      this.#memory.readInto(target, physical);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const address = joinHalves(high, low) + (error.address - BigInt(physical));
      const place = `physical address 0x${error.address.toString(16)}`;
      throw new FaultError(error.reason, address, "virtual", place);
    }
  }

  #translate(high: number, low: number): number {
    const physical = this.#locator.locate(high, low);
    if (physical < 0) throw this.#locator.fault(high, low);
    return physical;
  }
}
