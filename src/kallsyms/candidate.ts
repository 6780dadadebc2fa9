import type { AddressEncoding } from "./addresses.ts";
import { addressEntryByteSize, decodeAddresses, endsInKernelHalf } from "./addresses.ts";
import { KernelSymbols } from "./kernel-symbols.ts";
import { locateNames } from "./locate.ts";
import type { NamesPlace, TokensPlace } from "./locate.ts";
import { readForward } from "./physical-window.ts";
import type { PhysicalReader } from "./read.ts";
import { alignUp, viewOf } from "./read.ts";
import { tokenIndexByteSize } from "./tokens.ts";

/** Tables of symbols found in physical memory, in one reading that is consistent in itself. */
export interface KallsymsCandidate {
  readonly encoding: AddressEncoding;
  /**
   * The symbols. Addresses are run-time virtual ones, for the base that some encodings need is in
   * memory already moved by KASLR; but of `place-relative` tables only the physical ones are known,
   * and these are what the symbols then have.
   */
  readonly symbols: KernelSymbols;
  readonly addressesAre: "virtual" | "physical";
  /** Physical places of the tables. */
  readonly tables: {
    names: number;
    tokenTable: number;
    tokenIndex: number;
    /** kallsyms_offsets or kallsyms_addresses. */
    addresses: number;
  };
  /** Share of ascending addresses: 1 for the right reading, but a wrong one can have it too. */
  readonly ascending: number;
  /** The same symbols with virtual addresses, once the distance is known; itself if they are virtual. */
  withVirtualAddresses(virtualMinusPhysical: bigint): KernelSymbols;
}

/** Wrong readings have up to 0.93, see the reference of the search; damaged memory a little under 1. */
const minimumAscending = 0.98;

/**
 * The tables around a token table, in every reading that fits. Several can: addresses read four bytes
 * too late still ascend, so only contents of memory decide (`resolveImage`).
 */
export function candidatesAt(
  memory: PhysicalReader,
  tokens: TokensPlace,
  littleEndian: boolean,
): KallsymsCandidate[] {
  const candidates: KallsymsCandidate[] = [];
  for (const names of locateNames(memory, tokens, littleEndian)) {
    for (const place of addressPlaces(memory, tokens, names, littleEndian)) {
      const candidate = readCandidate(memory, tokens, names, place, littleEndian);
      if (candidate !== undefined) candidates.push(candidate);
    }
  }
  return candidates.sort((left, right) => right.ascending - left.ascending);
}

/** Where addresses may be and how they may be written. */
interface AddressPlace {
  encoding: AddressEncoding;
  table: number;
  base: bigint;
}

/**
 * ```
 * until v6.3   addresses, or offsets and base | num_syms, names, markers, (seqs), tokens
 * since v6.4   num_syms, names, markers, tokens | addresses, or offsets and base (until v6.19) | seqs
 * ```
 * Tables start at multiples of 8, since v7.0 of 4.
 */
function addressPlaces(
  memory: PhysicalReader,
  tokens: TokensPlace,
  names: NamesPlace,
  littleEndian: boolean,
): AddressPlace[] {
  const { count } = names.table;
  const places: AddressPlace[] = [];
  const add = (encoding: AddressEncoding, table: number, base: bigint): void => {
    const known = places.some((place) => place.encoding === encoding && place.table === table);
    if (table > 0 && !known) places.push({ encoding, table, base });
  };
  const addRelative = (table: number, baseAt: number): void => {
    const base = readForward(memory, baseAt, 8);
    if (base.length < 8) return;
    const value = viewOf(base).getBigUint64(0, littleEndian);
    // The base is the kernel's lowest address.
    if (value < 1n << 63n || (value & 0xfffn) !== 0n) return;
    add("base-relative", table, value);
    add("absolute-percpu", table, value);
  };
  const after = tokens.tokenIndex + tokenIndexByteSize;
  for (const alignment of [4, 8]) {
    const table = alignUp(after, alignment);
    add("place-relative", table, BigInt(table));
    addRelative(table, alignUp(table + 4 * count, 8));
  }
  add("absolute", alignUp(after, 8), 0n);
  const before = names.countOfSymbols;
  for (const byteSize of [alignUp(4 * count, 8), 4 * count]) addRelative(before - 8 - byteSize, before - 8);
  add("absolute", before - 8 * count, 0n);
  return places;
}

function readCandidate(
  memory: PhysicalReader,
  tokens: TokensPlace,
  names: NamesPlace,
  { encoding, table, base }: AddressPlace,
  littleEndian: boolean,
): KallsymsCandidate | undefined {
  const { count } = names.table;
  const byteSize = count * addressEntryByteSize(encoding);
  const bytes = readForward(memory, table, byteSize);
  if (bytes.length < byteSize) return undefined;
  const { columns, ascending } = decodeAddresses(bytes, count, encoding, base, littleEndian);
  if (ascending < minimumAscending) return undefined;
  const isPhysical = encoding === "place-relative";
  if (!isPhysical && !endsInKernelHalf(columns)) return undefined;
  const symbols = new KernelSymbols(names.table, columns, encoding, ascending === 1);
  return {
    encoding,
    symbols,
    addressesAre: isPhysical ? "physical" : "virtual",
    tables: {
      names: names.address,
      tokenTable: tokens.tokenTable,
      tokenIndex: tokens.tokenIndex,
      addresses: table,
    },
    ascending,
    withVirtualAddresses: (virtualMinusPhysical) => {
      if (!isPhysical) return symbols;
      const moved = decodeAddresses(bytes, count, encoding, base + virtualMinusPhysical, littleEndian);
      return new KernelSymbols(names.table, moved.columns, encoding, moved.ascending === 1);
    },
  };
}
