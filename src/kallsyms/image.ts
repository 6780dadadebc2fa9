import { FaultError } from "../io/index.ts";
import type { KallsymsCandidate } from "./candidate.ts";
import type { KernelSymbols } from "./kernel-symbols.ts";
import { readBackward, readForward } from "./physical-window.ts";
import type { PhysicalReader } from "./read.ts";
import { viewOf } from "./read.ts";

/** Where a kernel's image lies, proven by its contents. */
export interface KernelImage {
  /** Add to a physical address of the image for its virtual one, modulo 2^64. */
  readonly virtualMinusPhysical: bigint;
  /** With virtual addresses. */
  readonly symbols: KernelSymbols;
  /** Text of `linux_banner`, up to its end of line. */
  readonly banner: string;
  /**
   * What confirmed the distance besides the banner: the variable `phys_base` (x86-64) or
   * `kimage_voffset` (arm64), or only `init_task`, which names a swapper.
   */
  readonly confirmedBy: "phys_base" | "kimage_voffset" | "init_task";
  /** Physical address of a symbol of the image. */
  physicalAddressOf(name: string): number | undefined;
}

const bannerStart = "Linux version ";
/** Bytes around the tables that are searched for the banner: near first, then more than any kernel's read-only data. */
const bannerReaches = [8 << 20, 64 << 20];
/** A machine's memory has some twenty such texts. */
const maximumProposals = 10_000;
const x86ImageStart = 0xffff_ffff_8000_0000n;
/** Every architecture loads its kernel at a multiple of a page at least. */
const pageMask = 0xfffn;

/**
 * Find out where the image of a candidate's kernel lies, or that the candidate is a wrong reading:
 * the banner must stand at the place of `linux_banner`, and the variable that holds the distance must
 * hold it. Undefined where nothing fits, and for kernels without symbols of data.
 */
export function resolveImage(
  memory: PhysicalReader,
  candidate: KallsymsCandidate,
  littleEndian = true,
): KernelImage | undefined {
  const banner = candidate.symbols.addressOf("linux_banner");
  if (banner === undefined) return undefined;
  let proposals = 0;
  for (const virtualMinusPhysical of distances(memory, candidate, banner, littleEndian)) {
    if (++proposals > maximumProposals) return undefined;
    const image = checkImage(memory, candidate, BigInt.asUintN(64, virtualMinusPhysical), littleEndian);
    if (image !== undefined) return image;
  }
  return undefined;
}

/** Proposals for the distance, good ones first. */
function* distances(
  memory: PhysicalReader,
  { symbols, addressesAre, tables }: KallsymsCandidate,
  banner: bigint,
  littleEndian: boolean,
): IterableIterator<bigint> {
  if (addressesAre === "physical") {
    const physBase = readVariable(memory, symbols.addressOf("phys_base"), littleEndian);
    if (physBase !== undefined) yield x86ImageStart - physBase;
    const offset = readVariable(memory, symbols.addressOf("kimage_voffset"), littleEndian);
    if (offset !== undefined) yield offset;
    return;
  }
  // Since v6.4 the tables are among the symbols.
  const names = symbols.addressOf("kallsyms_names");
  if (names !== undefined) yield names - BigInt(tables.names);
  for (const place of bannerPlaces(memory, tables.names)) yield banner - BigInt(place);
}

/** Physical places of texts that begin as the banner does, in the memory around `center`. */
function* bannerPlaces(memory: PhysicalReader, center: number): IterableIterator<number> {
  for (const reach of bannerReaches) {
    const below = readBackward(memory, center, reach);
    yield* textPlaces(below, center - below.length);
    yield* textPlaces(readForward(memory, center, reach), center);
  }
}

function* textPlaces(bytes: Uint8Array, address: number): IterableIterator<number> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = text.indexOf(bannerStart); at >= 0; at = text.indexOf(bannerStart, at + 1))
    yield address + at;
}

function checkImage(
  memory: PhysicalReader,
  candidate: KallsymsCandidate,
  virtualMinusPhysical: bigint,
  littleEndian: boolean,
): KernelImage | undefined {
  if ((virtualMinusPhysical & pageMask) !== 0n) return undefined;
  const symbols = candidate.withVirtualAddresses(virtualMinusPhysical);
  const physicalAddressOf = (name: string): number | undefined => {
    const address = symbols.addressOf(name);
    if (address === undefined) return undefined;
    const physical = BigInt.asUintN(64, address - virtualMinusPhysical);
    return physical < 1n << 52n ? Number(physical) : undefined;
  };
  const variable = (name: string): bigint | undefined =>
    readVariable(memory, physicalAddressOf(name), littleEndian);
  const banner = readBanner(memory, physicalAddressOf("linux_banner"));
  if (banner === undefined) return undefined;
  const physBase = variable("phys_base");
  const offset = variable("kimage_voffset");
  let confirmedBy: KernelImage["confirmedBy"];
  if (physBase !== undefined) {
    if (BigInt.asUintN(64, x86ImageStart - physBase) !== virtualMinusPhysical) return undefined;
    confirmedBy = "phys_base";
  } else if (offset !== undefined) {
    if (offset !== virtualMinusPhysical) return undefined;
    confirmedBy = "kimage_voffset";
  } else if (holdsSwapper(memory, physicalAddressOf("init_task"))) confirmedBy = "init_task";
  else return undefined;
  return { virtualMinusPhysical, symbols, banner, confirmedBy, physicalAddressOf };
}

/** A line of the banner; undefined if something else stands there. */
function readBanner(memory: PhysicalReader, address: number | undefined): string | undefined {
  if (address === undefined) return undefined;
  return bannerText(readForward(memory, address, maximumBannerByteSize));
}

const maximumBannerByteSize = 1024;
/** `struct task_struct` has 6 to 10 KB; its name is somewhere in it. */
const initTaskReach = 0x4000;

function bannerText(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (!text.startsWith(bannerStart)) return undefined;
  return text.split(/[\n\0]/, 1)[0];
}

function holdsSwapper(memory: PhysicalReader, address: number | undefined): boolean {
  if (address === undefined) return false;
  return mentionsSwapper(readForward(memory, address, initTaskReach));
}

function mentionsSwapper(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return text.includes("swapper/0\0") || text.includes("swapper\0");
}

function readVariable(
  memory: PhysicalReader,
  address: bigint | number | undefined,
  littleEndian: boolean,
): bigint | undefined {
  if (address === undefined || BigInt(address) >= 1n << 52n) return undefined;
  const bytes = readForward(memory, Number(address), 8);
  return bytes.length < 8 ? undefined : viewOf(bytes).getBigUint64(0, littleEndian);
}

/** What memory says about symbols that some other way led to. */
export interface SymbolsCheck {
  /** Text of `linux_banner`; undefined if there is none, or no such symbol, or it is not in the dump. */
  banner: string | undefined;
  /** Whether `init_task` names a swapper; undefined if the symbol or its memory is missing. */
  swapper: boolean | undefined;
}

/**
 * Compare symbols with the memory they are about. Addresses that ascend and a right `_stext` do not
 * prove a table: read four bytes too late it can have both.
 * @param readInto fills memory from a virtual address, throws {@link FaultError}
 */
export function checkSymbols(
  symbols: { addressOf(name: string): bigint | undefined },
  readInto: (target: Uint8Array, address: bigint) => void,
): SymbolsCheck {
  const read = (name: string, byteSize: number): Uint8Array | undefined => {
    const address = symbols.addressOf(name);
    if (address === undefined) return undefined;
    const bytes = new Uint8Array(byteSize);
    try {
      readInto(bytes, address);
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
    return bytes;
  };
  const banner = read("linux_banner", 256);
  const task = read("init_task", initTaskReach) ?? read("init_task", initTaskReach / 4);
  return {
    banner: banner && bannerText(banner),
    swapper: task && mentionsSwapper(task),
  };
}
