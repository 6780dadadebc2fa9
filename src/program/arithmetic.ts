import { ObjectRangeError, ObjectTypeError } from "./errors.ts";
import {
  basicType,
  commonType,
  convert,
  isArithmetic,
  isInteger,
  type Operand,
  operandBits,
  type OperandType,
  promote,
} from "./conversions.ts";
import { isZero, type Scalar, wrapInteger } from "./scalar.ts";
import type { Type } from "./type.ts";

export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "<<" | ">>" | "&" | "|" | "^";
export type UnaryOperator = "+" | "-" | "~";

/** What an operator made: a scalar with its type. */
export interface Result extends Operand {
  readonly value: Scalar;
}

/**
 * C's binary operators with C's conversions on both sides; pointers for `+` and `-`.
 * @throws {ObjectTypeError} for operands that C refuses
 * @throws {ObjectRangeError} for division by zero and negative shifts
 */
export function binary(operator: BinaryOperator, left: Operand, right: Operand): Result {
  const leftIsPointer = isPointer(left);
  const rightIsPointer = isPointer(right);
  if (leftIsPointer || rightIsPointer) {
    if (operator === "+") {
      if (leftIsPointer && isInteger(right.type)) return offsetPointer(left, right, 1n);
      if (rightIsPointer && isInteger(left.type)) return offsetPointer(right, left, 1n);
    }
    if (operator === "-" && leftIsPointer) {
      if (isInteger(right.type)) return offsetPointer(left, right, -1n);
      if (rightIsPointer) return pointerDifference(left, right);
    }
    throw invalid(operator, left, right);
  }
  const accepts =
    operator === "+" || operator === "-" || operator === "*" || operator === "/" ? isArithmetic : isInteger;
  if (!accepts(left.type) || !accepts(right.type)) throw invalid(operator, left, right);
  if (operator === "<<" || operator === ">>") return shift(operator, left, right);
  const common = commonType(left, right);
  const a = convert(left, common.type, common.bitFieldSize);
  const b = convert(right, common.type, common.bitFieldSize);
  if (typeof a === "number" || typeof b === "number") {
    return { ...common, value: rounded(floatOperation(operator, Number(a), Number(b)), common.type) };
  }
  return fitted(common, integerOperation(operator, a, b));
}

/** C's `+`, `-` and `~`. */
export function unary(operator: UnaryOperator, operand: Operand): Result {
  const accepts = operator === "~" ? isInteger : isArithmetic;
  if (!accepts(operand.type)) {
    throw new ObjectTypeError(`invalid operand to unary ${operator} ("${operand.type.typeName()}")`);
  }
  const promoted = promote(operand);
  const value = convert(operand, promoted.type, promoted.bitFieldSize);
  if (typeof value === "number") return { ...promoted, value: operator === "-" ? -value : value };
  return fitted(promoted, operator === "-" ? -value : operator === "~" ? ~value : value);
}

/**
 * Order of two numbers or two pointers: negative, 0 or positive; NaN where one is NaN.
 * @throws {ObjectTypeError} for operands that C does not compare
 */
export function compare(left: Operand, right: Operand): number {
  let a: Scalar;
  let b: Scalar;
  if (isPointer(left) || isPointer(right)) {
    if (![left, right].every((side) => isPointer(side) || isInteger(side.type))) {
      throw invalid("comparison", left, right);
    }
    // Against a number, as in `pointer == 0`, the number is taken for an address.
    a = convert(left, basicType("unsigned long"));
    b = convert(right, basicType("unsigned long"));
  } else {
    if (!isArithmetic(left.type) || !isArithmetic(right.type)) throw invalid("comparison", left, right);
    const common = commonType(left, right);
    a = convert(left, common.type, common.bitFieldSize);
    b = convert(right, common.type, common.bitFieldSize);
  }
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number.NaN;
}

/**
 * Whether C takes the operand for true.
 * @throws {ObjectTypeError} for structs and the like
 */
export function isTruthy(operand: Operand): boolean {
  if (operand.value === undefined)
    throw new ObjectTypeError(`"${operand.type.typeName()}" is neither true nor false`);
  return !isZero(operand.value);
}

function isPointer(operand: Operand): boolean {
  return operand.type.underlying.kind === "pointer";
}

/** Bytes that a pointer moves by one; functions and void count as bytes, as GCC has it. */
function strideOf(pointer: Operand): bigint {
  const target = pointer.type.underlying.target!.underlying;
  return target.kind === "void" ? 1n : BigInt(target.byteSize);
}

function offsetPointer(pointer: Operand, index: Operand, sign: bigint): Result {
  const count = index.value as bigint;
  const value = BigInt.asUintN(64, (pointer.value as bigint) + sign * count * strideOf(pointer));
  return { type: pointer.type, bitFieldSize: 0, value };
}

function pointerDifference(left: Operand, right: Operand): Result {
  const stride = strideOf(left);
  const sameKind =
    left.type.underlying.target!.underlying.kind === right.type.underlying.target!.underlying.kind;
  if (!sameKind || stride !== strideOf(right)) throw invalid("-", left, right);
  if (stride === 0n) throw new ObjectRangeError("difference of pointers to what has no size");
  const difference = (left.value as bigint) - (right.value as bigint);
  return { type: basicType("long"), bitFieldSize: 0, value: BigInt.asIntN(64, difference / stride) };
}

function shift(operator: "<<" | ">>", left: Operand, right: Operand): Result {
  const promoted = promote(left);
  const value = convert(left, promoted.type, promoted.bitFieldSize) as bigint;
  const count = right.value as bigint;
  if (count < 0n) throw new ObjectRangeError(`shift by ${count}`);
  // A count beyond the width is undefined in C; shifting everything out is what it means.
  const width = BigInt(operandBits(promoted));
  const bounded = count > width ? width : count;
  return fitted(promoted, operator === "<<" ? value << bounded : value >> bounded);
}

function integerOperation(operator: BinaryOperator, a: bigint, b: bigint): bigint {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    default:
      if (b === 0n) throw new ObjectRangeError("division by zero");
      return operator === "/" ? a / b : a % b;
  }
}

function floatOperation(operator: BinaryOperator, a: number, b: number): number {
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  return operator === "*" ? a * b : a / b;
}

function rounded(value: number, type: Type): number {
  return type.byteSize === 4 ? Math.fround(value) : value;
}

function fitted(type: OperandType, value: bigint): Result {
  return { ...type, value: wrapInteger(value, operandBits(type), type.type.underlying.isSigned) };
}

function invalid(operator: string, left: OperandType, right: OperandType): ObjectTypeError {
  const what = operator === "comparison" ? operator : `binary ${operator}`;
  return new ObjectTypeError(
    `invalid operands to ${what} ("${left.type.typeName()}" and "${right.type.typeName()}")`,
  );
}
