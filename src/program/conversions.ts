import { ObjectTypeError } from "./errors.ts";
import type { PrimitiveName } from "./primitive.ts";
import { primitives } from "./primitive.ts";
import { integerBits, isZero, type Scalar, wrapInteger } from "./scalar.ts";
import { Type } from "./type.ts";

/**
 * C's conversions on LP64 machines: integer promotions, usual arithmetic conversions, casts. Where C
 * leaves behaviour undefined the answer is drgn's: integers wrap, floats out of range saturate.
 */

/** A scalar with its type, as an operator takes it: arrays and functions have become pointers. */
export interface Operand {
  readonly type: Type;
  /** Width of a bit field, otherwise 0. */
  readonly bitFieldSize: number;
  /** Undefined for types that no operator takes. */
  readonly value: Scalar | undefined;
}

/** The type half of an {@link Operand}. */
export interface OperandType {
  readonly type: Type;
  readonly bitFieldSize: number;
}

const made = new Map<PrimitiveName, Type>();

/** A basic type of C by name, the same object each time. */
export function basicType(name: PrimitiveName): Type {
  let type = made.get(name);
  if (type === undefined) made.set(name, (type = Type.primitive(name)));
  return type;
}

/** A bare number as an operand: `int`, `long` or `unsigned long`, whichever C would take first; fractions are `double`. */
export function literalOperand(value: Scalar, hint?: Type): Operand {
  const isFloat =
    typeof value === "number" && !(Number.isSafeInteger(value) && hint?.underlying.kind !== "float");
  if (isFloat) return { type: basicType("double"), bitFieldSize: 0, value };
  const integer = BigInt(value);
  // A hint keeps what is wider than any literal, such as 128-bit values.
  if (hint !== undefined && isInteger(hint)) return { type: hint, bitFieldSize: 0, value: integer };
  const name =
    BigInt.asIntN(32, integer) === integer
      ? "int"
      : BigInt.asIntN(64, integer) === integer
        ? "long"
        : "unsigned long";
  return { type: basicType(name), bitFieldSize: 0, value: integer };
}

/** Int, bool and enum types. */
export function isInteger(type: Type): boolean {
  const { kind } = type.underlying;
  return kind === "int" || kind === "bool" || kind === "enum";
}

/** Integer types and floats. */
export function isArithmetic(type: Type): boolean {
  return type.underlying.kind === "float" || isInteger(type);
}

/** Bits of an integer type, or of the bit field. */
export function operandBits({ type, bitFieldSize }: OperandType): number {
  return bitFieldSize === 0 ? integerBits(type.underlying) : bitFieldSize;
}

/** The integer type that an enum's values have; other types as they are. */
function compatibleInteger(type: Type): Type {
  const { kind, byteSizeIf: byteSize, isSigned } = type.underlying;
  if (kind !== "enum") return type;
  if (byteSize === 8) return basicType(isSigned ? "long" : "unsigned long");
  if (byteSize === 4) return basicType(isSigned ? "int" : "unsigned int");
  if (byteSize === 2) return basicType(isSigned ? "short" : "unsigned short");
  return basicType(isSigned ? "signed char" : "unsigned char");
}

/**
 * Integer promotions (C11 6.3.1.1): what is narrower than `int` becomes `int`. A bit field that
 * fits neither `int` nor `unsigned int` keeps its width, as GCC does it.
 */
export function promote(operand: OperandType): OperandType {
  const type = compatibleInteger(operand.type);
  const { kind, isSigned } = type.underlying;
  if (kind !== "int" && kind !== "bool") return { type, bitFieldSize: 0 };
  const primitive = type.underlying.primitive;
  const bits = kind === "bool" ? 1 : operandBits({ type, bitFieldSize: operand.bitFieldSize });
  if (
    operand.bitFieldSize === 0 &&
    primitive !== undefined &&
    primitives[primitive].rank >= primitives.int.rank
  ) {
    return { type, bitFieldSize: 0 };
  }
  if (bits < 32 || (bits === 32 && isSigned)) return { type: basicType("int"), bitFieldSize: 0 };
  if (bits === 32) return { type: basicType("unsigned int"), bitFieldSize: 0 };
  return { type, bitFieldSize: operand.bitFieldSize };
}

/** Usual arithmetic conversions (C11 6.3.1.8) of two arithmetic operands. Of equal types the right one's name stays. */
export function commonType(left: OperandType, right: OperandType): OperandType {
  const leftIsFloat = left.type.underlying.kind === "float";
  const rightIsFloat = right.type.underlying.kind === "float";
  if (leftIsFloat || rightIsFloat) {
    const takeLeft = leftIsFloat && (!rightIsFloat || left.type.byteSize > right.type.byteSize);
    return { type: (takeLeft ? left : right).type, bitFieldSize: 0 };
  }
  const a = promote(left);
  const b = promote(right);
  const aSigned = a.type.underlying.isSigned;
  const bSigned = b.type.underlying.isSigned;
  if (a.bitFieldSize !== 0 || b.bitFieldSize !== 0) {
    // Not said by C: GCC takes the wider, of equal ones the unsigned.
    const widths = operandBits(a) - operandBits(b);
    return widths < 0 || (widths === 0 && (!bSigned || aSigned)) ? b : a;
  }
  const ranks = compareRanks(a.type.underlying, b.type.underlying);
  if (aSigned === bSigned) return ranks > 0 ? a : b;
  if (!aSigned && ranks >= 0) return a;
  if (!bSigned && ranks <= 0) return b;
  const signed = aSigned ? a : b;
  const unsigned = aSigned ? b : a;
  if (operandBits(signed) > operandBits(unsigned)) return signed;
  // Only `long long` meets an unsigned type of its own width and lower rank.
  return { type: basicType("unsigned long long"), bitFieldSize: 0 };
}

function compareRanks(a: Type, b: Type): number {
  const aRank = a.primitive === undefined ? undefined : primitives[a.primitive].rank;
  const bRank = b.primitive === undefined ? undefined : primitives[b.primitive].rank;
  if (aRank !== undefined && bRank !== undefined) return aRank - bRank;
  // Types beyond the standard ones rank by size, below a standard type of their size.
  if (a.byteSize !== b.byteSize) return a.byteSize - b.byteSize;
  return (aRank === undefined ? 0 : 1) - (bRank === undefined ? 0 : 1);
}

/**
 * An operand's value as a scalar type has it, by the rules of a cast.
 * @throws {ObjectTypeError} for types that cannot be cast to each other
 */
export function convert(operand: Operand, type: Type, bitFieldSize = 0): Scalar {
  const { value } = operand;
  const { kind, isSigned } = type.underlying;
  if (value === undefined) throw cannotConvert(operand, type);
  switch (kind) {
    case "bool":
      return isZero(value) ? 0n : 1n;
    case "float":
      if (operand.type.underlying.kind === "pointer") throw cannotConvert(operand, type);
      return type.byteSize === 4 ? Math.fround(Number(value)) : Number(value);
    case "int":
    case "enum":
    case "pointer": {
      const bits = operandBits({ type, bitFieldSize });
      if (typeof value === "bigint") return wrapInteger(value, bits, isSigned);
      if (kind === "pointer") throw cannotConvert(operand, type);
      return saturate(value, bits, isSigned);
    }
    default:
      throw cannotConvert(operand, type);
  }
}

function saturate(value: number, bits: number, isSigned: boolean): bigint {
  if (Number.isNaN(value)) return 0n;
  const least = isSigned ? -(1n << BigInt(bits - 1)) : 0n;
  const most = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n;
  if (value === Infinity) return most;
  if (value === -Infinity) return least;
  const whole = BigInt(Math.trunc(value));
  return whole < least ? least : whole > most ? most : whole;
}

function cannotConvert(operand: OperandType, type: Type): ObjectTypeError {
  return new ObjectTypeError(`cannot convert "${operand.type.typeName()}" to "${type.typeName()}"`);
}
