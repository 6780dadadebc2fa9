/** Reading of 64-bit fields as numbers. */

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A signed 64-bit field; beyond 2^53 the nearest number, which no check on sizes lets through. */
export function readLongAt(view: DataView, at: number, littleEndian: boolean): number {
  const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
  const high = view.getInt32(littleEndian ? at + 4 : at, littleEndian);
  return high * 0x1_0000_0000 + low;
}

/** An unsigned 64-bit field; beyond 2^53 the nearest number, which no check on sizes lets through. */
export function readUnsignedLongAt(view: DataView, at: number, littleEndian: boolean): number {
  const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
  const high = view.getUint32(littleEndian ? at + 4 : at, littleEndian);
  return high * 0x1_0000_0000 + low;
}
