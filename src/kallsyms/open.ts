import { FormatError } from "../io/index.ts";
import type { AddressEncoding } from "./addresses.ts";
import { addressEntryByteSize, decodeAddresses, endsInKernelHalf } from "./addresses.ts";
import { KernelSymbols } from "./kernel-symbols.ts";
import { maximumNamesByteSize, maximumSymbolCount } from "./limits.ts";
import { parseDamagedNames } from "./damaged-names.ts";
import { type NameTable, parseNameTable } from "./names.ts";
import type { VirtualReader } from "./read.ts";
import { viewOf } from "./read.ts";
import { maximumTokenTableByteSize, parseTokenTable, tokenIndexByteSize, type TokenTable } from "./tokens.ts";

/** Virtual addresses of the kernel's tables, as VMCOREINFO has them since v6.0. */
export interface KallsymsAddresses {
  names: bigint;
  countOfSymbols: bigint;
  tokenTable: bigint;
  tokenIndex: bigint;
  /** kallsyms_offsets; absent where `addresses` is there. */
  offsets: bigint | undefined;
  /** kallsyms_relative_base, until v6.19. */
  relativeBase: bigint | undefined;
  /** kallsyms_addresses, on kernels without offsets. */
  addresses: bigint | undefined;
}

/**
 * The addresses of the tables from symbols of VMCOREINFO; undefined where it has none of them
 * (before v6.0, or no KALLSYMS).
 * @param symbol address of a symbol, as `SYMBOL(name)` gives it
 */
export function kallsymsAddresses(
  symbol: (name: string) => bigint | undefined,
): KallsymsAddresses | undefined {
  const names = symbol("kallsyms_names");
  const countOfSymbols = symbol("kallsyms_num_syms");
  const tokenTable = symbol("kallsyms_token_table");
  const tokenIndex = symbol("kallsyms_token_index");
  const offsets = symbol("kallsyms_offsets");
  const addresses = symbol("kallsyms_addresses");
  const relativeBase = symbol("kallsyms_relative_base");
  if (names === undefined || countOfSymbols === undefined) return undefined;
  if (tokenTable === undefined || tokenIndex === undefined) return undefined;
  if (offsets === undefined && addresses === undefined) return undefined;
  return { names, countOfSymbols, tokenTable, tokenIndex, offsets, relativeBase, addresses };
}

/**
 * Read the kernel's symbols from tables at known places.
 * @param stext run-time address of `_stext` if known: the decoded one must be equal
 * @throws {FormatError} `KALLSYMS_…` when the tables contradict themselves or `stext`.
 * @throws {FaultError} when a part of them is not to be had.
 */
export function openKernelSymbols(
  memory: VirtualReader,
  at: KallsymsAddresses,
  stext?: bigint,
): KernelSymbols {
  const { littleEndian } = memory;
  const count = viewOf(readBytes(memory, at.countOfSymbols, 4)).getUint32(0, littleEndian);
  if (count < 1 || count > maximumSymbolCount) {
    throw new FormatError("KALLSYMS_COUNT", `${count} symbols`, { section: "kallsyms_num_syms" });
  }
  // In every layout names and markers come before the two token tables.
  const namesByteSize = distance("kallsyms_names", at.names, at.tokenTable, maximumNamesByteSize);
  const tableByteSize = distance(
    "kallsyms_token_table",
    at.tokenTable,
    at.tokenIndex,
    maximumTokenTableByteSize,
  );
  const tokens = parseTokenTable(
    readBytes(memory, at.tokenTable, tableByteSize),
    readBytes(memory, at.tokenIndex, tokenIndexByteSize),
    littleEndian,
  );
  const names = readNames(readBytes(memory, at.names, namesByteSize), count, tokens, littleEndian);
  let best: KernelSymbols | undefined;
  let bestShare = 0;
  for (const [encoding, table, base] of encodingsOf(memory, at)) {
    const bytes = readBytes(memory, table, count * addressEntryByteSize(encoding));
    const { columns, ascending } = decodeAddresses(bytes, count, encoding, base, littleEndian);
    if (ascending <= bestShare || !endsInKernelHalf(columns)) continue;
    bestShare = ascending;
    best = new KernelSymbols(names, columns, encoding, ascending === 1);
  }
  // Of 1000 the right encoding has 1000 and a wrong one up to 930; memory can be a little damaged.
  if (best === undefined || bestShare < 0.98) {
    throw new FormatError("KALLSYMS_ADDRESSES", "addresses are in no order", { section: "kallsyms_offsets" });
  }
  if (stext !== undefined) checkStext(best, stext);
  return best;
}

function readNames(bytes: Uint8Array, count: number, tokens: TokenTable, littleEndian: boolean): NameTable {
  try {
    return parseNameTable(bytes, count, tokens, littleEndian);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const damaged = parseDamagedNames(bytes, count, tokens, littleEndian);
    if (damaged === undefined) throw error;
    return damaged;
  }
}

function encodingsOf(memory: VirtualReader, at: KallsymsAddresses): [AddressEncoding, bigint, bigint][] {
  if (at.offsets === undefined) return [["absolute", at.addresses ?? 0n, 0n]];
  if (at.relativeBase === undefined) return [["place-relative", at.offsets, at.offsets]];
  const base = viewOf(readBytes(memory, at.relativeBase, 8)).getBigUint64(0, memory.littleEndian);
  return [
    ["base-relative", at.offsets, base],
    ["absolute-percpu", at.offsets, base],
  ];
}

function checkStext(symbols: KernelSymbols, stext: bigint): void {
  const found = symbols.indexesOf("_stext").map((index) => symbols.address(index));
  if (found.includes(BigInt.asUintN(64, stext))) return;
  const decoded = found.length === 0 ? "is not among the symbols" : `decodes to 0x${found[0]!.toString(16)}`;
  throw new FormatError("KALLSYMS_STEXT", `_stext ${decoded}, VMCOREINFO has 0x${stext.toString(16)}`, {
    section: "kallsyms_offsets",
  });
}

function distance(section: string, from: bigint, to: bigint, maximum: number): number {
  const bytes = to - from;
  if (bytes > 0n && bytes <= BigInt(maximum)) return Number(bytes);
  throw new FormatError("KALLSYMS_LAYOUT", `the next table is ${bytes} bytes behind`, { section });
}

function readBytes(memory: VirtualReader, address: bigint, byteSize: number): Uint8Array {
  const bytes = new Uint8Array(byteSize);
  memory.readInto(bytes, address);
  return bytes;
}
