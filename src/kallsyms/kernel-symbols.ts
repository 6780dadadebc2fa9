import type { AddressColumns, AddressEncoding } from "./addresses.ts";
import type { NameTable } from "./names.ts";
import { decodeLetter, decodeName, hashNames } from "./names.ts";
import { SymbolList } from "./symbol-list.ts";

/** The symbols of a kernel as its own tables in memory have them. */
export class KernelSymbols extends SymbolList {
  readonly encoding: AddressEncoding;
  readonly #names: NameTable;

  /** @param isAscending true where the addresses are known to ascend */
  constructor(names: NameTable, addresses: AddressColumns, encoding: AddressEncoding, isAscending = false) {
    super(addresses, isAscending);
    if (names.count !== this.count) throw new RangeError(`${names.count} names, ${this.count} addresses`);
    this.#names = names;
    this.encoding = encoding;
  }

  /** Whether names of more than 127 tokens are possible (since v6.1). */
  get longLengths(): boolean {
    return this.#names.longLengths;
  }

  /** Names that damaged memory does not tell; they are `?`. */
  get lostNames(): number {
    return this.#names.lost;
  }

  override name(index: number): string {
    this.check(index);
    return decodeName(this.#names, index).slice(1);
  }

  override letter(index: number): string {
    this.check(index);
    return decodeLetter(this.#names, index);
  }

  protected override hashNames(): Int32Array {
    return hashNames(this.#names);
  }
}
