import { inRun, type PageTableFormat, type PageTableWalker } from "../arch/index.ts";
import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "./memory.ts";
import { PageCache, blockByteSize } from "./page-cache.ts";
import type { Translation } from "./translation.ts";
import type { VirtualReader } from "./virtual-reader.ts";

/** How an address space is read. */
export interface AddressSpaceOptions {
  /** False for memory that changes while it is read: nothing is kept between two reads. */
  frozen?: boolean;
  /** What serves addresses when the translation has no page tables: /proc/kcore's virtual segments. */
  virtual?: VirtualReader;
}

/** Reads from this size on go around the cache, in one piece as long as pages are neighbours in memory. */
const bulkByteSize = 4 * blockByteSize;

/** One scratch for splitting 64-bit addresses into halves, which costs nothing that way. */
const wide = new BigUint64Array(1);
const halves = new Uint32Array(wide.buffer);
const [lowHalf, highHalf] = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? [0, 1] : [1, 0];

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
  /** Reads that used a run of the translation, because a page table was missing. */
  arithmeticReads = 0;
  readonly #memory: PhysicalMemory;
  readonly #walker: PageTableWalker | undefined;
  readonly #options: AddressSpaceOptions;
  readonly #kernelHalf: boolean;
  /** Of the upper half of an address, the bit that tells the kernel's addresses. */
  readonly #halfMask: number;
  readonly #cache: PageCache;
  readonly #frozen: boolean;
  readonly #scratch = new Uint8Array(8);
  readonly #scratchView = new DataView(this.#scratch.buffer);

  /** The kernel's address space. Use {@link userAddressSpace} for that of a process. */
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
    this.#kernelHalf = half === "kernel";
    this.#halfMask = 1 << (translation.architecture.halfBit - 32);
    this.#walker =
      translation.tables &&
      translation.architecture.walker(translation.tables, (target, address) =>
        memory.readInto(target, address),
      );
    this.#cache = new PageCache((high, low, target) => this.#readBlock(high, low, target));
  }

  /** Address space of a process from the physical address of its top page table (`mm->pgd`, translated). */
  userAddressSpace(rootPhysicalAddress: number, format: Partial<PageTableFormat> = {}): AddressSpace {
    const { tables } = this.translation;
    if (tables === undefined)
      throw new FaultError(
        "absent",
        rootPhysicalAddress,
        "physical",
        "page tables of this kernel are not known",
      );
    const translation: Translation = {
      ...this.translation,
      tables: { ...tables, ...format, root: rootPhysicalAddress },
      runs: [],
      how: "the page tables of a process",
    };
    const { virtual: _kernelOnly, ...options } = this.#options;
    return new AddressSpace(this.#memory, translation, options, "user");
  }

  translate(address: bigint): number {
    wide[0] = address;
    return this.#translate(halves[highHalf]!, halves[lowHalf]!);
  }

  readInto(target: Uint8Array, address: bigint): void {
    wide[0] = address;
    let high = halves[highHalf]!;
    let low = halves[lowHalf]!;
    for (let done = 0; done < target.length;) {
      const left = target.length - done;
      const inBlock = low & (blockByteSize - 1);
      let byteSize = Math.min(left, blockByteSize - inBlock);
      if (left >= bulkByteSize) byteSize = this.#readRun(target, done, high, low);
      else this.#readPart(target, done, byteSize, high, low);
      done += byteSize;
      const next = low + byteSize;
      low = next >>> 0;
      if (next > 0xffff_ffff) high = (high + Math.floor(next / 0x1_0000_0000)) >>> 0;
    }
  }

  read(address: bigint, byteSize: number): Uint8Array {
    const target = new Uint8Array(byteSize);
    this.readInto(target, address);
    return target;
  }

  readU8(address: bigint): number {
    const at = this.#find(address, 1);
    return at < 0 ? this.#scratch[0]! : this.#cache.view.getUint8(at);
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
      const at = BigInt.asUintN(64, address + BigInt(text.length));
      const byteSize = Math.min(maximum - text.length, 256, blockByteSize - Number(at & 0xfffn));
      let bytes: Uint8Array;
      try {
        bytes = this.read(at, byteSize);
      } catch (error) {
        if (text !== "" && error instanceof FaultError) return text;
        throw error;
      }
      const end = bytes.indexOf(0);
      text += Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? byteSize : end).toString("latin1");
      if (end >= 0) break;
    }
    return text;
  }

  /** Drop everything kept: memory may have changed. */
  forget(): void {
    this.#cache.forget();
    this.#walker?.forget();
  }

  /** Where `byteSize` bytes lie in the cache, or -1 when they were read into the scratch. */
  #find(address: bigint, byteSize: number): number {
    wide[0] = address;
    const high = halves[highHalf]!;
    const low = halves[lowHalf]!;
    const inBlock = low & (blockByteSize - 1);
    if (this.#frozen && inBlock + byteSize <= blockByteSize) {
      const at = this.#cache.find(high, low);
      if (at >= 0) return at + inBlock;
    }
    this.readInto(byteSize === 8 ? this.#scratch : this.#scratch.subarray(0, byteSize), address);
    return -1;
  }

  #readPart(target: Uint8Array, offset: number, byteSize: number, high: number, low: number): void {
    if (this.#frozen) {
      const at = this.#cache.find(high, low);
      if (at >= 0) {
        const start = at + (low & (blockByteSize - 1));
        target.set(this.#cache.bytes.subarray(start, start + byteSize), offset);
        return;
      }
    } else this.#walker?.forget();
    // The block as a whole cannot be had; these bytes of it perhaps can.
    this.#readAt(target.subarray(offset, offset + byteSize), high, low);
  }

  /** Read as much as lies in one piece of physical memory; the number of bytes read. */
  #readRun(target: Uint8Array, offset: number, high: number, low: number): number {
    const left = target.length - offset;
    const inBlock = low & (blockByteSize - 1);
    let byteSize = Math.min(left, blockByteSize - inBlock);
    if (this.#walker === undefined) {
      this.#readAt(target.subarray(offset, offset + byteSize), high, low);
      return byteSize;
    }
    if (!this.#frozen) this.#walker.forget();
    const physical = this.#translate(high, low);
    // A fault further on is found by the next run, which then begins there.
    while (byteSize < left) {
      const next = low + byteSize;
      if (next > 0xffff_ffff || this.#tryTranslate(high, next) !== physical + byteSize) break;
      byteSize += Math.min(left - byteSize, blockByteSize);
    }
    this.#readPhysical(target.subarray(offset, offset + byteSize), physical, high, low);
    return byteSize;
  }

  #tryTranslate(high: number, low: number): number {
    try {
      return this.#walker!.walk(high, low);
    } catch (error) {
      if (error instanceof FaultError) return -1;
      throw error;
    }
  }

  /** Fill the cache's block; false when that is not possible as a whole. */
  #readBlock(high: number, low: number, target: Uint8Array): boolean {
    try {
      this.#readAt(target, high, low);
      return true;
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  }

  #readAt(target: Uint8Array, high: number, low: number): void {
    const { virtual } = this.#options;
    if (this.#walker === undefined && virtual !== undefined) {
      const address = join(high, low);
      if (this.#isOfHalf(high) && virtual.covers(address, target.length))
        return virtual.readInto(target, address);
    }
    this.#readPhysical(target, this.#translate(high, low), high, low);
  }

  /** Read from where an address was translated to; faults name the virtual address. */
  #readPhysical(target: Uint8Array, physical: number, high: number, low: number): void {
    try {
      this.#memory.readInto(target, physical);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const address = join(high, low) + (error.address - BigInt(physical));
      throw new FaultError(
        error.reason,
        address,
        "virtual",
        `physical address 0x${error.address.toString(16)}`,
      );
    }
  }

  #translate(high: number, low: number): number {
    if (!this.#isOfHalf(high))
      throw new FaultError(
        "unmapped",
        join(high, low),
        "virtual",
        this.#kernelHalf ? "not an address of the kernel" : "not an address of a process",
      );
    let missing: FaultError | undefined;
    if (this.#walker !== undefined) {
      try {
        const physical = this.#walker.walk(high, low);
        if (physical >= 0) return physical;
        throw new FaultError("unmapped", join(high, low), "virtual", this.#walker.problem);
      } catch (error) {
        if (!(error instanceof FaultError) || error.space === "virtual") throw error;
        missing = error;
      }
    }
    const address = join(high, low);
    for (const run of this.translation.runs) {
      if (!inRun(run, address)) continue;
      const physical = BigInt.asUintN(64, address + run.delta);
      if (physical >= 2n ** 52n) continue;
      if (missing !== undefined) this.arithmeticReads++;
      return Number(physical);
    }
    if (missing !== undefined)
      throw new FaultError(
        missing.reason,
        address,
        "virtual",
        `its page table at physical address 0x${missing.address.toString(16)}`,
      );
    throw new FaultError("unmapped", address, "virtual", "outside of the memory whose place is known");
  }

  #isOfHalf(high: number): boolean {
    return ((high & this.#halfMask) !== 0) === this.#kernelHalf;
  }
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
