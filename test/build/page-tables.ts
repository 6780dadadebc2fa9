/** Page tables made in a test, by the plain rules of the manuals and with bigints throughout. */
import type { PageTableFormat } from "../../src/arch/index.ts";
import type { SparseMemory } from "./sparse-memory.ts";

/** A form of page tables to test. */
export interface TableShape {
  architecture: "x86-64" | "aarch64";
  pageShift: number;
  virtualAddressBits: number;
  largePhysicalAddresses?: boolean;
  encryptionMask?: bigint;
  /** Shifts of the sizes that an entry can map, the page's own included. */
  leafShifts: number[];
  physicalAddressBits: number;
}

/** Every form of x86-64 and aarch64 that Linux uses. */
export const tableShapes: TableShape[] = [
  {
    architecture: "x86-64",
    pageShift: 12,
    virtualAddressBits: 48,
    leafShifts: [12, 21, 30],
    physicalAddressBits: 52,
  },
  {
    architecture: "x86-64",
    pageShift: 12,
    virtualAddressBits: 57,
    leafShifts: [12, 21, 30],
    physicalAddressBits: 52,
  },
  {
    architecture: "x86-64",
    pageShift: 12,
    virtualAddressBits: 48,
    encryptionMask: 1n << 47n,
    leafShifts: [12, 21, 30],
    physicalAddressBits: 43,
  },
  ...[39, 48].map((bits) => arm(12, bits, [12, 21, 30], 48)),
  arm(12, 52, [12, 21, 30, 39], 52),
  ...[36, 47, 48].map((bits) => arm(14, bits, [14, 25], 48)),
  arm(14, 52, [14, 25, 36], 52),
  ...[42, 48, 52].map((bits) => arm(16, bits, [16, 29], 52)),
];

function arm(
  pageShift: number,
  virtualAddressBits: number,
  leafShifts: number[],
  physicalAddressBits: number,
): TableShape {
  return {
    architecture: "aarch64",
    pageShift,
    virtualAddressBits,
    largePhysicalAddresses: pageShift !== 16 && virtualAddressBits === 52,
    // A block cannot be larger than what the top table divides.
    leafShifts: leafShifts.filter((shift) => shift < virtualAddressBits),
    physicalAddressBits,
  };
}

export function shapeName(shape: TableShape): string {
  const encrypted = shape.encryptionMask === undefined ? "" : ", encrypted";
  return `${shape.architecture}, ${2 ** (shape.pageShift - 10)} KiB pages, ${shape.virtualAddressBits} bits${encrypted}`;
}

/** Builds tables in memory, from a given address on. */
export class PageTableBuilder {
  readonly format: PageTableFormat;
  readonly #memory: SparseMemory;
  readonly #shape: TableShape;
  #next: number;

  constructor(memory: SparseMemory, shape: TableShape, root: number) {
    this.#memory = memory;
    this.#shape = shape;
    this.#next = root;
    this.format = {
      root: this.#newTable(),
      pageShift: shape.pageShift,
      virtualAddressBits: shape.virtualAddressBits,
      encryptionMask: shape.encryptionMask ?? 0n,
      largePhysicalAddresses: shape.largePhysicalAddresses ?? false,
    };
  }

  /** Map the 2^`leafShift` bytes at a virtual address; false when something is mapped there already. */
  map(virtual: bigint, physical: bigint, leafShift: number = this.#shape.pageShift): boolean {
    const step = this.#shape.pageShift - 3;
    let table = this.format.root;
    for (let shift = this.#topShift(); ; shift -= step) {
      const place = this.#entryPlace(table, virtual, shift);
      const old = this.#read(place);
      if (shift === leafShift) {
        if (old !== 0n) return false;
        this.#memory.writeU64(place, this.#leaf(physical, shift));
        return true;
      }
      if (old === 0n) {
        table = this.#newTable();
        this.#memory.writeU64(place, this.#table(BigInt(table)));
      } else {
        const next = this.#tables.get(place);
        if (next === undefined) return false;
        table = next;
        continue;
      }
      this.#tables.set(place, table);
    }
  }

  /** Physical address of the last entry on the way to a virtual address, for breaking it. */
  entryPlace(virtual: bigint, shift: number = this.#shape.pageShift): number {
    const step = this.#shape.pageShift - 3;
    let table = this.format.root;
    for (let at = this.#topShift(); at > shift; at -= step)
      table = this.#tables.get(this.#entryPlace(table, virtual, at))!;
    return this.#entryPlace(table, virtual, shift);
  }

  readonly #tables = new Map<number, number>();

  #topShift(): number {
    const { pageShift, virtualAddressBits } = this.#shape;
    const step = pageShift - 3;
    return pageShift + step * (Math.ceil((virtualAddressBits - pageShift) / step) - 1);
  }

  #entryPlace(table: number, virtual: bigint, shift: number): number {
    const step = this.#shape.pageShift - 3;
    const bits = Math.min(step, this.#shape.virtualAddressBits - shift);
    return table + 8 * Number((virtual >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n));
  }

  #newTable(): number {
    const byteSize = 2 ** this.#shape.pageShift;
    const table = Math.ceil(this.#next / byteSize) * byteSize;
    this.#next = table + byteSize;
    for (let at = table; at < this.#next; at += 4096) this.#memory.block(at / 4096);
    return table;
  }

  #read(place: number): bigint {
    const bytes = new Uint8Array(8);
    this.#memory.readInto(bytes, place);
    return new DataView(bytes.buffer).getBigUint64(0, true);
  }

  #table(address: bigint): bigint {
    if (this.#shape.architecture === "aarch64") return this.#armAddress(address) | 3n;
    return address | (this.#shape.encryptionMask ?? 0n) | 0x67n;
  }

  #leaf(address: bigint, shift: number): bigint {
    const isPage = shift === this.#shape.pageShift;
    // Software and permission bits, which no translation may mind.
    if (this.#shape.architecture === "aarch64")
      return this.#armAddress(address) | (isPage ? 3n : 1n) | (0x60_0000_0000_0000n << 1n) | 0x400n;
    const flags = 0x8000_0000_0000_0163n | (1n << 58n);
    return address | (this.#shape.encryptionMask ?? 0n) | flags | (isPage ? 0n : 0x1080n);
  }

  #armAddress(address: bigint): bigint {
    const low = address & 0xffff_ffff_ffffn;
    if (this.#shape.pageShift === 16) return low | (((address >> 48n) & 15n) << 12n);
    if (this.#shape.largePhysicalAddresses !== true) return low;
    return low | (address & (3n << 48n)) | (((address >> 50n) & 3n) << 8n);
  }
}
