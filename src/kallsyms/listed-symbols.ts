import type { AddressColumns } from "./addresses.ts";
import { sortByAddress } from "./addresses.ts";
import type { NearestSymbol } from "./symbol-list.ts";
import { SymbolList } from "./symbol-list.ts";
import { hashBytes } from "./tokens.ts";

/** Columns of {@link ListedSymbols}, all of one length. */
export interface ListedColumns {
  addresses: AddressColumns;
  /** Character codes of the letters. */
  letters: Uint8Array;
  /** Bytes that names are cut out of. */
  text: Uint8Array;
  nameStarts: Uint32Array;
  nameEnds: Uint32Array;
  /** Bytes of each symbol, 0 where not known; absent where the source has no sizes. */
  byteSizes?: Float64Array | undefined;
}

/** What lookups by address may rely on. */
export interface ListedTraits {
  /** Every size is exact, and an address behind one belongs to no symbol (programs of BPF). */
  exactSizes?: boolean;
}

/** Symbols of a module, of BPF, or of a whole kernel as /proc/kallsyms lists it. */
export class ListedSymbols extends SymbolList {
  /** The module's name as /proc/kallsyms prints it without brackets; undefined for the kernel. */
  readonly module: string | undefined;
  readonly #columns: ListedColumns;
  readonly #text: Buffer;
  readonly #exactSizes: boolean;

  constructor(module: string | undefined, columns: ListedColumns, traits: ListedTraits = {}) {
    super(columns.addresses);
    this.module = module;
    this.#columns = columns;
    this.#text = Buffer.from(columns.text.buffer, columns.text.byteOffset, columns.text.byteLength);
    this.#exactSizes = traits.exactSizes === true;
  }

  override name(index: number): string {
    this.check(index);
    return this.#text.toString("latin1", this.#columns.nameStarts[index], this.#columns.nameEnds[index]);
  }

  override letter(index: number): string {
    this.check(index);
    return String.fromCharCode(this.#columns.letters[index]!);
  }

  override find(address: bigint): NearestSymbol | undefined {
    const found = super.find(address);
    if (found === undefined || !this.#exactSizes) return found;
    return found.offset < this.#columns.byteSizes![found.index]! ? found : undefined;
  }

  override size(index: number): number {
    this.check(index);
    return this.#columns.byteSizes?.[index] || super.size(index);
  }

  protected override hashNames(): Int32Array {
    const { nameStarts, nameEnds } = this.#columns;
    const hashes = new Int32Array(this.count);
    for (let i = 0; i < hashes.length; i++) hashes[i] = hashBytes(this.#text, nameStarts[i]!, nameEnds[i]!);
    return hashes;
  }

  protected override makeOrder(): Uint32Array | undefined {
    const { nameStarts, nameEnds } = this.#columns;
    const kept = new Uint32Array(this.count);
    let count = 0;
    for (let i = 0; i < this.count; i++) {
      if (!isMappingSymbol(this.#text, nameStarts[i]!, nameEnds[i]!)) kept[count++] = i;
    }
    return count === this.count ? super.makeOrder() : sortByAddress(this.addresses, kept.subarray(0, count));
  }
}

/**
 * Marks of the assembler that the kernel lists but never finds by address: `$x`, `$d.12`, `.L…`, `L0…`
 * (is_mapping_symbol of include/linux/module_symbol.h).
 */
function isMappingSymbol(text: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2) return false;
  const first = text[start]!;
  const second = text[start + 1]!;
  if (first === 0x2e) return second === 0x4c;
  if (first === 0x4c) return second === 0x30;
  if (first !== 0x24) return false;
  const third = end - start === 2 ? 0x2e : text[start + 2]!;
  // a, d, t, x, alone or with a suffix after a dot; riscv's $x carries the instruction set.
  const isMark = second === 0x61 || second === 0x64 || second === 0x74 || second === 0x78;
  return isMark && (third === 0x2e || second === 0x78);
}
