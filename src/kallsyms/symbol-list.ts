import type { AddressColumns } from "./addresses.ts";
import { addressAt, addressOrder, compareEntries, upperBound } from "./addresses.ts";
import { maximumSymbolByteSize } from "./limits.ts";
import { NameIndex } from "./name-index.ts";
import { hashText } from "./tokens.ts";

/** A symbol nearest below an address. */
export interface NearestSymbol {
  index: number;
  /** Bytes from the symbol to the address. */
  offset: number;
}

/**
 * Symbols with addresses and names, in the order their source lists them. Names are decoded when
 * asked for; the index by name and the order by address are made on first use.
 */
export abstract class SymbolList {
  readonly count: number;
  /** Addresses by index, for loops over all. */
  readonly addresses: AddressColumns;
  // null until first used; undefined where the listed order is the one by address.
  #order: Uint32Array | undefined | null = null;
  #names: NameIndex | undefined;

  /** @param isAscending true where the addresses are known to ascend, so that nobody looks again */
  constructor(addresses: AddressColumns, isAscending = false) {
    this.addresses = addresses;
    this.count = addresses.low.length;
    if (isAscending) this.#order = undefined;
  }

  /** Name without the letter. @throws {RangeError} beyond {@link SymbolList.count} */
  abstract name(index: number): string;

  /** nm's letter as /proc/kallsyms prints it: says little, see {@link SymbolTable} for kinds. */
  abstract letter(index: number): string;

  /** `hashText` of each name. */
  protected abstract hashNames(): Int32Array;

  address(index: number): bigint {
    this.check(index);
    return addressAt(this.addresses, index);
  }

  /** All symbols of that name in listed order; 1510 names of a 7.2 kernel have more than one. */
  indexesOf(name: string): number[] {
    this.#names ??= new NameIndex(this.hashNames());
    const found: number[] = [];
    for (let i = this.#names.first(hashText(name)); i >= 0; i = this.#names.after(i)) {
      if (this.name(i) === name) found.push(i);
    }
    return found;
  }

  /** First symbol of that name. */
  indexOf(name: string): number | undefined {
    return this.indexesOf(name)[0];
  }

  /**
   * Address of the symbol that a name means: of several at different places the one with a capital letter,
   * which other files see, and of which C lets there be one. Undefined for several statics.
   */
  addressOf(name: string): bigint | undefined {
    const all = this.indexesOf(name);
    const index = this.#meant(all) ?? this.#meant(all.filter((each) => /[A-Z]/.test(this.letter(each))));
    return index === undefined ? undefined : this.address(index);
  }

  #meant(indexes: readonly number[]): number | undefined {
    const { addresses } = this;
    const [first] = indexes;
    return indexes.every((each) => compareEntries(addresses, each, first!) === 0) ? first : undefined;
  }

  /**
   * The nearest symbol at or below an address; of several at one address the first listed, as the
   * kernel prints them. Undefined below the first, and {@link maximumSymbolByteSize} or more above
   * a symbol behind which there is nothing near.
   */
  find(address: bigint): NearestSymbol | undefined {
    const order = this.#orderByAddress();
    let position = upperBound(this.addresses, order, address) - 1;
    if (position < 0) return undefined;
    const { addresses } = this;
    let index = entryAt(order, position);
    const offset = BigInt.asUintN(64, address) - addressAt(addresses, index);
    if (offset >= BigInt(maximumSymbolByteSize)) {
      if (position + 1 === this.#orderLength(order)) return undefined;
      const gap = addressAt(addresses, entryAt(order, position + 1)) - addressAt(addresses, index);
      if (gap > BigInt(maximumGapByteSize)) return undefined;
    }
    for (; position > 0; position--) {
      const before = entryAt(order, position - 1);
      if (compareEntries(addresses, before, index) !== 0) break;
      index = before;
    }
    return { index, offset: Number(offset) };
  }

  /** All symbols exactly at an address, in listed order. */
  indexesAt(address: bigint): number[] {
    const order = this.#orderByAddress();
    const wrapped = BigInt.asUintN(64, address);
    const found: number[] = [];
    for (let position = upperBound(this.addresses, order, address) - 1; position >= 0; position--) {
      const index = entryAt(order, position);
      if (addressAt(this.addresses, index) !== wrapped) break;
      found.push(index);
    }
    return found.reverse();
  }

  /**
   * Bytes to the next different address, which is never less than the symbol's own size unless
   * labels lie inside it; undefined for the last one. Not limited, see {@link SymbolList.size}.
   */
  distanceToNext(index: number): bigint | undefined {
    this.check(index);
    const address = addressAt(this.addresses, index);
    const order = this.#orderByAddress();
    const position = upperBound(this.addresses, order, address);
    if (position === this.#orderLength(order)) return undefined;
    return addressAt(this.addresses, entryAt(order, position)) - address;
  }

  /**
   * Bytes of a symbol: its own size where the source has one, else to the next different address
   * but no more than {@link maximumSymbolByteSize}; 0 for the last one.
   */
  size(index: number): number {
    const distance = this.distanceToNext(index) ?? 0n;
    return distance > maximumSymbolByteSize ? maximumSymbolByteSize : Number(distance);
  }

  /** Visit all in listed order, until the visitor returns false. */
  forEach(visitor: (index: number) => unknown): void {
    for (let index = 0; index < this.count; index++) if (visitor(index) === false) return;
  }

  /** Symbols that lookups by address find, in order; undefined where all are listed in order. */
  protected makeOrder(): Uint32Array | undefined {
    return addressOrder(this.addresses);
  }

  protected check(index: number): void {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`symbol ${index} of ${this.count}`);
  }

  #orderByAddress(): Uint32Array | undefined {
    if (this.#order === null) this.#order = this.makeOrder();
    return this.#order;
  }

  #orderLength(order: Uint32Array | undefined): number {
    return order === undefined ? this.count : order.length;
  }
}

/** Larger distances between two symbols are not memory of the first: nothing static is that large. */
const maximumGapByteSize = 64 << 20;

function entryAt(order: Uint32Array | undefined, position: number): number {
  return order === undefined ? position : order[position]!;
}
