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

/** A decoded table of addresses. */
export interface DecodedAddresses {
  readonly columns: AddressColumns;
  /** Share of entries that are not below the one before them: the right encoding has 1 or nearly that. */
  readonly ascending: number;
}

/**
 * Decode the address table. Hot: one loop does all, since a first run of a second one costs more than
 * the work itself.
 * @param bytes the table, `count` entries
 * @param base relative_base; for `place-relative` the address of the table itself
 */
export function decodeAddresses(
  bytes: Uint8Array,
  count: number,
  encoding: AddressEncoding,
  base: bigint,
  littleEndian: boolean,
): DecodedAddresses {
  const columns = makeAddressColumns(count);
  const { high, low } = columns;
  const view = viewOf(bytes);
  const wrapped = BigInt.asUintN(64, base);
  const baseHigh = Number(wrapped >> 32n);
  const baseLow = Number(wrapped & 0xffff_ffffn);
  const absolute = encoding === "absolute";
  const relative = encoding === "base-relative";
  const place = encoding === "place-relative";
  let ascending = 0;
  let previousHigh = 0;
  let previousLow = 0;
  for (let i = 0; i < count; i++) {
    let entryHigh = 0;
    let entryLow: number;
    if (absolute) {
      entryHigh = view.getUint32(8 * i + (littleEndian ? 4 : 0), littleEndian);
      entryLow = view.getUint32(8 * i + (littleEndian ? 0 : 4), littleEndian);
    } else {
      const entry = relative ? view.getUint32(4 * i, littleEndian) : view.getInt32(4 * i, littleEndian);
      if (!relative && !place && entry >= 0) entryLow = entry;
      else {
        const sum = baseLow + (place ? entry + 4 * i : relative ? entry : -1 - entry);
        // Between -2^31 and 2^33: at most one is carried.
        const carry = sum >= 0x1_0000_0000 ? 1 : sum < 0 ? -1 : 0;
        entryHigh = (baseHigh + carry) >>> 0;
        entryLow = sum >>> 0;
      }
    }
    high[i] = entryHigh;
    low[i] = entryLow;
    if (entryHigh > previousHigh || (entryHigh === previousHigh && entryLow >= previousLow)) ascending++;
    previousHigh = entryHigh;
    previousLow = entryLow;
  }
  return { columns, ascending: count === 0 ? 0 : ascending / count };
}

/** The address as one number without sign. */
export function addressAt(columns: AddressColumns, index: number): bigint {
  return (BigInt(columns.high[index]!) << 32n) | BigInt(columns.low[index]!);
}

/** Below 0, 0, above 0 as entry `left` is below, at, above entry `right`. */
export function compareEntries(columns: AddressColumns, left: number, right: number): number {
  return columns.high[left]! - columns.high[right]! || columns.low[left]! - columns.low[right]!;
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
  const count = columns.low.length;
  let i = 1;
  while (i < count && compareEntries(columns, i - 1, i) <= 0) i++;
  if (i >= count) return undefined;
  const order = new Uint32Array(count);
  for (let entry = 0; entry < count; entry++) order[entry] = entry;
  return sortByAddress(columns, order);
}

/** Sort entries by address in place; those at one address must be, and stay, in ascending order. */
export function sortByAddress(columns: AddressColumns, order: Uint32Array): Uint32Array {
  if (order.length < 4096) {
    return order.sort((left, right) => compareEntries(columns, left, right) || left - right);
  }
  // By 16 bits at a time, lowest first: a comparing sort of a kernel's symbols takes a second.
  let from = order;
  let into: Uint32Array = new Uint32Array(order.length);
  for (const [column, shift] of [
    [columns.low, 0],
    [columns.low, 16],
    [columns.high, 0],
    [columns.high, 16],
  ] as const) {
    const ends = new Uint32Array(0x1_0000);
    for (let i = 0; i < from.length; i++) ends[(column[from[i]!]! >>> shift) & 0xffff]!++;
    for (let digit = 1; digit < ends.length; digit++) ends[digit]! += ends[digit - 1]!;
    for (let i = from.length - 1; i >= 0; i--) {
      const entry = from[i]!;
      into[--ends[(column[entry]! >>> shift) & 0xffff]!] = entry;
    }
    [from, into] = [into, from];
  }
  // Four passes: the result is back in `order`.
  return order;
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
