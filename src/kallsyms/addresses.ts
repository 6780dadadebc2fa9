import { viewOf } from "./read.ts";

/**
 * How a kernel writes the addresses of its symbols (s signed, u unsigned 32-bit entry):
 * - `absolute`: u64 (before v6.11, without KALLSYMS_BASE_RELATIVE)
 * - `base-relative`: relative_base + u (v4.6 to v6.19)
 * - `absolute-percpu`: s where s >= 0, else relative_base - 1 - s (x86 SMP, v4.6 to v6.14)
 * - `place-relative`: address of the entry + s (since v7.0)
 */
export type AddressEncoding = "absolute" | "base-relative" | "absolute-percpu" | "place-relative";

/** Addresses as two columns of 32 bits: exact, and compared faster than bigints. */
export interface AddressColumns {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

/** Room for `length` addresses. */
export function makeAddressColumns(length: number): AddressColumns {
  return { high: new Uint32Array(length), low: new Uint32Array(length) };
}

/** Bytes of one entry of the table. */
export function addressEntryByteSize(encoding: AddressEncoding): 4 | 8 {
  return encoding === "absolute" ? 8 : 4;
}

/**
 * Decode the address table.
 * @param bytes the table, `count` entries
 * @param base relative_base; for `place-relative` the address of the table itself
 */
export function decodeAddresses(
  bytes: Uint8Array,
  count: number,
  encoding: AddressEncoding,
  base: bigint,
  littleEndian: boolean,
): AddressColumns {
  const columns = makeAddressColumns(count);
  const { high, low } = columns;
  const view = viewOf(bytes);
  if (encoding === "absolute") {
    for (let i = 0; i < count; i++) {
      high[i] = view.getUint32(8 * i + (littleEndian ? 4 : 0), littleEndian);
      low[i] = view.getUint32(8 * i + (littleEndian ? 0 : 4), littleEndian);
    }
    return columns;
  }
  const wrapped = BigInt.asUintN(64, base);
  const baseHigh = Number(wrapped >> 32n);
  const baseLow = Number(wrapped & 0xffff_ffffn);
  const relative = encoding === "base-relative";
  const place = encoding === "place-relative";
  for (let i = 0; i < count; i++) {
    const entry = relative ? view.getUint32(4 * i, littleEndian) : view.getInt32(4 * i, littleEndian);
    let distance = entry;
    if (place) distance += 4 * i;
    else if (!relative) {
      if (entry >= 0) {
        low[i] = entry;
        continue;
      }
      distance = -1 - entry;
    }
    // Both are below 2^53, so the sum is exact; it is brought back to 64 bits by halves.
    const sum = baseLow + distance;
    high[i] = baseHigh + Math.floor(sum / 0x1_0000_0000);
    low[i] = sum;
  }
  return columns;
}

/** The address as one number without sign. */
export function addressAt(columns: AddressColumns, index: number): bigint {
  return (BigInt(columns.high[index]!) << 32n) | BigInt(columns.low[index]!);
}

/** Below 0, 0, above 0 as entry `left` is below, at, above entry `right`. */
export function compareEntries(columns: AddressColumns, left: number, right: number): number {
  return columns.high[left]! - columns.high[right]! || columns.low[left]! - columns.low[right]!;
}

/** How many entries are not below the one before them, of 1: the right encoding has nearly all. */
export function ascendingShare(columns: AddressColumns): number {
  const count = columns.low.length;
  let ascending = 1;
  for (let i = 1; i < count; i++) if (compareEntries(columns, i - 1, i) <= 0) ascending++;
  return count === 0 ? 0 : ascending / count;
}

/** Whether the last address is one of the upper half, where every kernel is. */
export function endsInKernelHalf(columns: AddressColumns): boolean {
  return (columns.high.at(-1) ?? 0) >= 0x8000_0000;
}

/**
 * Entries in the order of their addresses, equal ones as they were; undefined if they are in it,
 * as a kernel's own table is unless memory was damaged.
 */
export function addressOrder(columns: AddressColumns): Uint32Array | undefined {
  if (ascendingShare(columns) === 1) return undefined;
  const order = new Uint32Array(columns.low.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return sortByAddress(columns, order);
}

/** Sort entries by address in place, equal ones by number. */
export function sortByAddress(columns: AddressColumns, order: Uint32Array): Uint32Array {
  return order.sort((left, right) => compareEntries(columns, left, right) || left - right);
}

/**
 * Position in the order of the first entry above an address.
 * @param order from {@link addressOrder}
 */
export function upperBound(columns: AddressColumns, order: Uint32Array | undefined, address: bigint): number {
  const wrapped = BigInt.asUintN(64, address);
  const high = Number(wrapped >> 32n);
  const low = Number(wrapped & 0xffff_ffffn);
  let from = 0;
  let to = (order ?? columns.low).length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const entry = order === undefined ? middle : order[middle]!;
    const difference = columns.high[entry]! - high || columns.low[entry]! - low;
    if (difference <= 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
