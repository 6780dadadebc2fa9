import { basicType } from "../conversions.ts";
import { KernelObject } from "../object.ts";
import type { PrimitiveName } from "../primitive.ts";
import type { Program } from "../program.ts";
import { Type } from "../type.ts";
import type { NumberLiteral } from "./tokens.ts";

/**
 * A number with the type that C gives it (C11, 6.4.4.1): the first of `int`, `long`, `long long` and,
 * unless it is decimal, their unsigned partners that holds it and that the suffix allows. A decimal
 * one beyond `long` is `unsigned long`, where compilers warn.
 */
export function numberObject(program: Program, literal: NumberLiteral): KernelObject {
  return KernelObject.scalar(program, basicType(literalType(literal)), literal.value);
}

function literalType({ value, isDecimal, isUnsigned, longCount }: NumberLiteral): PrimitiveName {
  const fits = (bits: bigint): boolean => value >> bits === 0n;
  if (longCount === 0) {
    if (!isUnsigned && fits(31n)) return "int";
    if ((isUnsigned || !isDecimal) && fits(32n)) return "unsigned int";
  }
  const long = longCount === 2 ? "long long" : "long";
  return !isUnsigned && fits(63n) ? long : `unsigned ${long}`;
}

/** A character's value: as the kernel's `char` has it, signed or not. */
export function characterValue(program: Program, byte: number): bigint {
  const isSigned = program.types.primitive("char").isSigned;
  return isSigned ? BigInt.asIntN(8, BigInt(byte)) : BigInt(byte);
}

/** A string as a value: an array of `char` with its NUL. It has no address in the kernel. */
export function stringObject(program: Program, bytes: Uint8Array): KernelObject {
  const withNul = new Uint8Array(bytes.length + 1);
  withNul.set(bytes);
  const type = Type.arrayOf(program.types.primitive("char"), withNul.length);
  return KernelObject.fromBytes(program, type, withNul);
}
