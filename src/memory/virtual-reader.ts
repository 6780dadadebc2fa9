import type { Dump } from "../dump/dump.ts";

/** Serves virtual memory without telling where it lies. */
export interface VirtualReader {
  /** Whether all the bytes belong to one segment that is known. */
  covers(address: bigint, byteSize: number): boolean;
  /** @throws {FaultError} */
  readInto(target: Uint8Array, address: bigint): void;
}

/**
 * The virtual segments of a dump that can read by virtual address, /proc/kcore; undefined for others.
 * Such a reader answers holes with zeros, so it serves only until page tables are known.
 */
export function virtualReaderOf(dump: Dump): VirtualReader | undefined {
  if (dump.readVirtualInto === undefined || dump.virtualSegments.length === 0) return undefined;
  return {
    covers: (address, byteSize) =>
      dump.virtualSegments.some(
        (segment) =>
          address >= segment.address && address + BigInt(byteSize) <= segment.address + segment.byteSize,
      ),
    readInto: (target, address) => dump.readVirtualInto!(target, address),
  };
}
