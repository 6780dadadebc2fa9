/** Anything that fills memory from a virtual address: `VirtualMemory`, or an image of one. */
export interface VirtualReader {
  readonly littleEndian: boolean;
  /**
   * Fill `target` from a virtual address.
   * @throws {FaultError} for an address without bytes.
   */
  readInto(target: Uint8Array, address: bigint): void;
}

/** Anything that fills memory from a physical address: a dump, or an image of one. */
export interface PhysicalReader {
  /**
   * Fill `target` from a physical address.
   * @throws {FaultError} for an address without bytes.
   */
  readInto(target: Uint8Array, address: number): void;
}

/** A run of physical memory. */
export interface PhysicalSpan {
  start: number;
  byteSize: number;
}

/** A view for reading numbers out of bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** `value` rounded up to a multiple of `alignment`, a power of two; exact up to 2^53. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
