import { ObjectTypeError } from "./errors.ts";
import type { Type } from "./type.ts";

/** Value of a scalar: `bigint` for integers, pointers, booleans and enums, `number` for floats. */
export type Scalar = bigint | number;

export function isZero(value: Scalar): boolean {
  return value === 0n || value === 0;
}

/** `value` as an integer of so many bits, as C converts it. */
export function wrapInteger(value: bigint, bitSize: number, isSigned: boolean): bigint {
  return isSigned ? BigInt.asIntN(bitSize, value) : BigInt.asUintN(bitSize, value);
}

/** Int, bool, enum and pointer types, whose values are integers. */
export function isIntegerValued(type: Type): boolean {
  const { kind } = type;
  return kind === "int" || kind === "bool" || kind === "enum" || kind === "pointer";
}

/** Types whose values are one number: integer-valued ones and floats. */
export function isScalar(type: Type): boolean {
  return type.kind === "float" || isIntegerValued(type);
}

/** Bits of the widest integer taken for one; the widest real ones have 128. */
const maximumIntegerBits = 512;

/**
 * Bits of a type whose values are integers.
 * @throws {ObjectTypeError} for integers beyond all real ones, which a broken BTF may have
 */
export function integerBits(type: Type): number {
  const bits = type.byteSize * 8;
  if (bits > maximumIntegerBits) throw new ObjectTypeError(`"${type.typeName()}" has ${bits} bits`);
  return bits;
}

/**
 * Integer from bytes in memory order.
 * @param bitOffset from the first byte: of the least significant bit where `isLittleEndian`,
 *   otherwise of the most significant one
 */
export function decodeInteger(
  bytes: Uint8Array,
  bitOffset: number,
  bitSize: number,
  isSigned: boolean,
  isLittleEndian: boolean,
): bigint {
  if (bitOffset % 8 === 0 && (bitSize === 64 || bitSize === 32)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bitSize === 64) {
      return isSigned
        ? view.getBigInt64(bitOffset / 8, isLittleEndian)
        : view.getBigUint64(bitOffset / 8, isLittleEndian);
    }
    return BigInt(
      isSigned ? view.getInt32(bitOffset / 8, isLittleEndian) : view.getUint32(bitOffset / 8, isLittleEndian),
    );
  }
  const firstByte = Math.floor(bitOffset / 8);
  const endByte = Math.ceil((bitOffset + bitSize) / 8);
  let value = 0n;
  for (let at = 0; at < endByte - firstByte; at++) {
    value = (value << 8n) | BigInt(bytes[isLittleEndian ? endByte - 1 - at : firstByte + at]!);
  }
  const surplus = isLittleEndian ? bitOffset - firstByte * 8 : endByte * 8 - bitOffset - bitSize;
  return wrapInteger(value >> BigInt(surplus), bitSize, isSigned);
}

/**
 * Float from its bytes in memory order; undefined for a size that JavaScript has no number for
 * (x86's extended and 128-bit floats).
 */
export function decodeFloat(bytes: Uint8Array, isLittleEndian: boolean): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 8) return view.getFloat64(0, isLittleEndian);
  return bytes.length === 4 ? view.getFloat32(0, isLittleEndian) : undefined;
}

/**
 * Bytes of an integer in memory order.
 * @throws {ObjectTypeError} for integers beyond all real ones
 */
export function encodeInteger(value: bigint, byteSize: number, isLittleEndian: boolean): Uint8Array {
  if (byteSize * 8 > maximumIntegerBits) throw new ObjectTypeError(`an integer of ${byteSize} bytes`);
  const bytes = new Uint8Array(byteSize);
  let rest = BigInt.asUintN(byteSize * 8, value);
  for (let at = 0; at < byteSize; at++) {
    bytes[isLittleEndian ? at : byteSize - 1 - at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Bytes of a float in memory order. @throws {ObjectTypeError} for sizes that JavaScript has no number for */
export function encodeFloat(value: number, byteSize: number, isLittleEndian: boolean): Uint8Array {
  if (byteSize !== 4 && byteSize !== 8) throw new ObjectTypeError(`a float of ${byteSize} bytes`);
  const bytes = new Uint8Array(byteSize);
  const view = new DataView(bytes.buffer);
  if (byteSize === 4) view.setFloat32(0, value, isLittleEndian);
  else view.setFloat64(0, value, isLittleEndian);
  return bytes;
}
