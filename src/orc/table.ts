import { DwarflessError } from "../io/index.ts";
import { decodeOrcEntry, type OrcEntry, orcEntryByteSize, type OrcVersion } from "./entry.ts";

/** Memory as ORC tables need it. */
export interface OrcMemory {
  /** @throws {FaultError} for an address without bytes */
  readInto(target: Uint8Array, address: bigint): void;
}

/** Where one image keeps its tables. */
export interface OrcTableLocation {
  /** Of s32[count]; each value plus its own address is where the code begins that an entry is for. */
  addresses: bigint;
  /** Of `struct orc_entry[count]`. */
  entries: bigint;
  count: number;
  /** The kernel's index over its own text. */
  lookup?: OrcLookupLocation | undefined;
}

/** `orc_lookup`: per 256 bytes of text the number of the entry that is good for its first byte. */
export interface OrcLookupLocation {
  /** Of u32[count]. */
  address: bigint;
  count: number;
  /** `_stext`, where the first block begins. */
  textStart: bigint;
}

const lookupBlockByteSize = 256;
/** More entries than any image has: 0.4 million are usual. */
const maximumCount = 1 << 24;
/** A block of 256 bytes of text can have at most that many entries, one per byte, and those of its neighbours. */
const maximumBlockCount = 1024;

/**
 * The ORC tables of a kernel image or module, in memory. Sorted by address since v5.6 at the latest when
 * the kernel boots.
 *
 * With `orc_lookup` a search reads the few addresses of one block. Without it, or where it does not
 * hold, all addresses are read once: they stay as they are, 4 bytes each, counted from their own place.
 */
export class OrcTable {
  readonly count: number;
  readonly version: OrcVersion;
  readonly #memory: OrcMemory;
  readonly #location: OrcTableLocation;
  readonly #entries = new Map<number, OrcEntry>();
  #all: Int32Array | undefined;
  readonly #words: Int32Array<ArrayBuffer> = new Int32Array(maximumBlockCount);
  readonly #scratch = new DataView(new ArrayBuffer(8));

  /** @throws {DwarflessError} `ORC_TABLE` for a count that no image has */
  constructor(memory: OrcMemory, location: OrcTableLocation, version: OrcVersion) {
    if (!(location.count > 0 && location.count <= maximumCount))
      throw new DwarflessError("ORC_TABLE", `ORC table of ${location.count} entries`);
    this.#memory = memory;
    this.#location = location;
    this.version = version;
    this.count = location.count;
  }

  /**
   * The entry for an address: the last one at or below it. Undefined below the first.
   * Of several at one address the last counts; the linker's terminators sort before it.
   * @throws {FaultError} where the tables cannot be read
   */
  find(address: bigint): OrcEntry | undefined {
    const distance = Number(BigInt.asIntN(64, address - this.#location.addresses));
    if (!Number.isSafeInteger(distance)) return undefined;
    let index = this.#findInBlock(address, distance);
    if (index === undefined) {
      const all = this.#readAll();
      index = lastAtOrBelow(all, 0, 0, this.count, distance);
    }
    return index < 0 ? undefined : this.entry(index);
  }

  /** @throws {RangeError} beyond {@link OrcTable.count}; {@link FaultError} */
  entry(index: number): OrcEntry {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`ORC entry ${index} of ${this.count}`);
    const known = this.#entries.get(index);
    if (known !== undefined) return known;
    const view = this.#scratch;
    const bytes = new Uint8Array(view.buffer, 0, orcEntryByteSize);
    this.#memory.readInto(bytes, this.#location.entries + BigInt(index * orcEntryByteSize));
    const flags = view.getUint16(4, true);
    const entry = decodeOrcEntry(this.version, view.getInt16(0, true), view.getInt16(2, true), flags);
    this.#entries.set(index, entry);
    return entry;
  }

  /** Address that an entry begins to be good for. */
  entryAddress(index: number): bigint {
    if (!(index >= 0 && index < this.count)) throw new RangeError(`ORC entry ${index} of ${this.count}`);
    const at = this.#location.addresses + BigInt(index * 4);
    return BigInt.asUintN(64, at + BigInt(this.#readInt32(at)));
  }

  /** Number of the entry by the block that an address lies in; undefined when the index does not help. */
  #findInBlock(address: bigint, distance: number): number | undefined {
    const { lookup, addresses } = this.#location;
    if (lookup === undefined) return undefined;
    const block = Number((address - lookup.textStart) / BigInt(lookupBlockByteSize));
    if (address < lookup.textStart || block + 1 >= lookup.count) return undefined;
    const first = this.#readInt32(lookup.address + BigInt(block * 4)) >>> 0;
    const last = this.#readInt32(lookup.address + BigInt(block * 4 + 4)) >>> 0;
    const count = last - first + 1;
    if (first > last || last >= this.count || count > maximumBlockCount) return undefined;
    const words = this.#words;
    this.#memory.readInto(new Uint8Array(words.buffer, 0, count * 4), addresses + BigInt(first * 4));
    const index = lastAtOrBelow(words, first, first, first + count, distance);
    // The block's own entry begins at or below it; an index of which that is not true is not believed.
    return index < first ? undefined : index;
  }

  #readAll(): Int32Array {
    if (this.#all !== undefined) return this.#all;
    const words = new Int32Array(this.count);
    this.#memory.readInto(new Uint8Array(words.buffer), this.#location.addresses);
    return (this.#all = words);
  }

  #readInt32(address: bigint): number {
    this.#memory.readInto(new Uint8Array(this.#scratch.buffer, 0, 4), address);
    return this.#scratch.getInt32(0, true);
  }
}

/**
 * Number of the last entry of [from, to) whose place is at or below `distance`, `from - 1` for none.
 * Both count from the start of the table; `words[0]` belongs to entry `base`.
 */
function lastAtOrBelow(words: Int32Array, base: number, from: number, to: number, distance: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (middle * 4 + words[middle - base]! <= distance) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
