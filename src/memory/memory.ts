/** A virtual address space one can read. */
export interface VirtualMemory {
  readonly littleEndian: boolean;
  /** Bytes of a page of the kernel. */
  readonly pageByteSize: number;
  /**
   * Fill `target` from a virtual address; addresses wrap at 2^64.
   * @throws {FaultError} for the first address without bytes.
   */
  readInto(target: Uint8Array, address: bigint): void;
  /** Bytes at a virtual address, a copy. */
  read(address: bigint, byteSize: number): Uint8Array;
  /** Unsigned, in the machine's byte order. */
  readU8(address: bigint): number;
  readU16(address: bigint): number;
  readU32(address: bigint): number;
  readU64(address: bigint): bigint;
  /** Bytes up to a NUL or `maximum`, as text with one character per byte; stops at the first fault after a byte. */
  readCString(address: bigint, maximum?: number): string;
  /**
   * Physical address of a virtual one.
   * @throws {FaultError} `unmapped`
   */
  translate(address: bigint): number;
}
