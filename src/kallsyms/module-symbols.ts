import { FormatError } from "../io/index.ts";
import { makeAddressColumns } from "./addresses.ts";
import { ListedSymbols } from "./listed-symbols.ts";
import { viewOf } from "./read.ts";

/** Bytes of an Elf64_Sym. */
export const moduleSymbolByteSize = 24;

/**
 * A module's symbol table as `struct mod_kallsyms` points to it, and what else decides about letters.
 * After a module's start the kernel has thrown away the symbols of its init code.
 */
export interface ModuleSymbolParts {
  module: string;
  /** Elf64_Sym × num_symtab; st_value is the run-time address. */
  symbols: Uint8Array;
  /** From strtab on, at least to the end of the last name. */
  strings: Uint8Array;
  /** typetab, one letter per symbol (since v5.2); without it letters are in `st_size` (v5.0, v5.1) or `st_info`. */
  letters: Uint8Array | undefined;
  /** Where letters are when there is no typetab. */
  lettersIn?: "size" | "info";
  littleEndian: boolean;
  /**
   * Names and addresses of the module's `syms`: those are printed with a capital letter. Without it
   * all letters are small.
   */
  exports?: ReadonlyMap<string, bigint> | undefined;
}

/**
 * Decode a module's symbols: all that /proc/kallsyms prints, in its order, which leaves out those
 * without a name.
 * @throws {FormatError} `MODULE_SYMBOLS` for a name or letter outside its table.
 */
export function decodeModuleSymbols(parts: ModuleSymbolParts): ListedSymbols {
  const { symbols, strings, littleEndian } = parts;
  const view = viewOf(symbols);
  const total = Math.floor(symbols.length / moduleSymbolByteSize);
  const addresses = makeAddressColumns(total);
  const letters = new Uint8Array(total);
  const nameStarts = new Uint32Array(total);
  const nameEnds = new Uint32Array(total);
  const byteSizes = new Float64Array(total);
  if (parts.letters !== undefined && parts.letters.length < total) {
    throw badSymbol(parts, 0, `${parts.letters.length} letters for ${total} symbols`);
  }
  let count = 0;
  for (let i = 0; i < total; i++) {
    const at = i * moduleSymbolByteSize;
    const nameOffset = view.getUint32(at, littleEndian);
    if (nameOffset >= strings.length)
      throw badSymbol(parts, i, `name at ${nameOffset} of ${strings.length} bytes`);
    if (strings[nameOffset] === 0) continue;
    const nameEnd = strings.indexOf(0, nameOffset);
    if (nameEnd < 0) throw badSymbol(parts, i, "a name without an end");
    addresses.high[count] = view.getUint32(at + 8 + (littleEndian ? 4 : 0), littleEndian);
    addresses.low[count] = view.getUint32(at + 8 + (littleEndian ? 0 : 4), littleEndian);
    nameStarts[count] = nameOffset;
    nameEnds[count] = nameEnd;
    const size = view.getUint32(at + 16 + (littleEndian ? 0 : 4), littleEndian);
    const sizeHigh = view.getUint32(at + 16 + (littleEndian ? 4 : 0), littleEndian);
    let letter: number;
    if (parts.letters !== undefined) letter = parts.letters[i]!;
    else letter = parts.lettersIn === "size" ? size & 0xff : symbols[at + 4]!;
    // No variable of a module is larger than 4 GiB: a size beyond is damage, and "not known".
    byteSizes[count] =
      sizeHigh !== 0 || (parts.letters === undefined && parts.lettersIn === "size") ? 0 : size;
    letters[count] = letter;
    count++;
  }
  const list = new ListedSymbols(parts.module, {
    addresses: { high: addresses.high.subarray(0, count), low: addresses.low.subarray(0, count) },
    letters: letters.subarray(0, count),
    text: strings,
    nameStarts: nameStarts.subarray(0, count),
    nameEnds: nameEnds.subarray(0, count),
    byteSizes: byteSizes.subarray(0, count),
  });
  // /proc/kallsyms tells exported from local, whatever the binding was.
  for (let i = 0; i < count; i++) letters[i] = letters[i]! | 0x20;
  for (const [name, address] of parts.exports ?? []) {
    for (const i of list.indexesOf(name)) {
      if (list.address(i) === address) letters[i] = letters[i]! & ~0x20;
    }
  }
  return list;
}

/** Highest offset of a name, so that a reader knows how much of strtab there must be. */
export function lastNameOffset(symbols: Uint8Array, littleEndian: boolean): number {
  const view = viewOf(symbols);
  let last = 0;
  for (let at = 0; at + moduleSymbolByteSize <= symbols.length; at += moduleSymbolByteSize) {
    last = Math.max(last, view.getUint32(at, littleEndian));
  }
  return last;
}

/** A BPF program, trampoline or other code the kernel made, from `struct bpf_ksym`. */
export interface BpfSymbol {
  name: string;
  start: bigint;
  end: bigint;
}

/** Code made by BPF as /proc/kallsyms prints it, with `[bpf]` behind. */
export function bpfSymbols(entries: readonly BpfSymbol[]): ListedSymbols {
  const addresses = makeAddressColumns(entries.length);
  const nameStarts = new Uint32Array(entries.length);
  const nameEnds = new Uint32Array(entries.length);
  const byteSizes = new Float64Array(entries.length);
  const text = Buffer.from(entries.map((entry) => entry.name).join(""), "latin1");
  let offset = 0;
  for (const [i, entry] of entries.entries()) {
    const start = BigInt.asUintN(64, entry.start);
    addresses.high[i] = Number(start >> 32n);
    addresses.low[i] = Number(start & 0xffff_ffffn);
    byteSizes[i] = Number(BigInt.asUintN(64, entry.end - entry.start));
    nameStarts[i] = offset;
    offset += entry.name.length;
    nameEnds[i] = offset;
  }
  const letters = new Uint8Array(entries.length).fill("t".charCodeAt(0));
  return new ListedSymbols(
    "bpf",
    { addresses, letters, text, nameStarts, nameEnds, byteSizes },
    { exactSizes: true },
  );
}

function badSymbol(parts: ModuleSymbolParts, index: number, problem: string): FormatError {
  return new FormatError("MODULE_SYMBOLS", `symbol ${index}: ${problem}`, {
    section: `symbols of module ${parts.module}`,
    offset: index * moduleSymbolByteSize,
  });
}
