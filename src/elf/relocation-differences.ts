import * as types from "./relocation-types.ts";

/**
 * The operations on what is there (RISC-V, LoongArch): how labels that the linker may still move
 * become differences. False when a ULEB128 number does not end in the section.
 */
export function combineInPlace(
  target: DataView,
  offset: number,
  operation: number,
  low: number,
  high: number,
  little: boolean,
): boolean {
  switch (operation) {
    case types.OP_ADD64:
    case types.OP_SUB64: {
      const sum = (BigInt(high >>> 0) << 32n) | BigInt(low);
      const old = target.getBigUint64(offset, little);
      target.setBigUint64(offset, operation === types.OP_ADD64 ? old + sum : old - sum, little);
      return true;
    }
    case types.OP_ADD32:
      target.setUint32(offset, target.getUint32(offset, little) + low, little);
      return true;
    case types.OP_SUB32:
      target.setUint32(offset, target.getUint32(offset, little) - low, little);
      return true;
    case types.OP_ADD24:
    case types.OP_SUB24: {
      // Only LoongArch has it, and that is little-endian.
      const old = target.getUint16(offset, true) | (target.getUint8(offset + 2) << 16);
      const sum = operation === types.OP_ADD24 ? old + low : old - low;
      target.setUint16(offset, sum, true);
      target.setUint8(offset + 2, (sum & 0xff_ffff) >>> 16);
      return true;
    }
    case types.OP_ADD16:
      target.setUint16(offset, target.getUint16(offset, little) + low, little);
      return true;
    case types.OP_SUB16:
      target.setUint16(offset, target.getUint16(offset, little) - low, little);
      return true;
    case types.OP_ADD8:
      target.setUint8(offset, target.getUint8(offset) + low);
      return true;
    case types.OP_SUB8:
      target.setUint8(offset, target.getUint8(offset) - low);
      return true;
    case types.OP_ADD6:
    case types.OP_SUB6:
    case types.OP_SET6: {
      const old = target.getUint8(offset);
      const sum = operation === types.OP_SET6 ? low : operation === types.OP_ADD6 ? old + low : old - low;
      target.setUint8(offset, (old & 0xc0) | (sum & 0x3f));
      return true;
    }
    default:
      return combineUleb128(target, offset, operation, (BigInt(high >>> 0) << 32n) | BigInt(low));
  }
}

/** Longest ULEB128 number in bytes that an assembler writes for 64 bits. */
const longestUleb128 = 10;

function combineUleb128(target: DataView, offset: number, operation: number, sum: bigint): boolean {
  const limit = Math.min(target.byteLength, offset + longestUleb128);
  let end = offset;
  let old = 0n;
  for (;;) {
    if (end === limit) return false;
    const byte = target.getUint8(end);
    old |= BigInt(byte & 0x7f) << BigInt((end - offset) * 7);
    end++;
    if ((byte & 0x80) === 0) break;
  }
  // A pair computes modulo the number's own width: the value set by its first half need not fit.
  let value =
    operation === types.OP_SET_ULEB128 ? sum : operation === types.OP_ADD_ULEB128 ? old + sum : old - sum;
  value = BigInt.asUintN((end - offset) * 7, value);
  for (let at = offset; at < end; at++) {
    const more = at + 1 < end ? 0x80 : 0;
    target.setUint8(at, Number(value & 0x7fn) | more);
    value >>= 7n;
  }
  return true;
}
