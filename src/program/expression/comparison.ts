import { basicType, convert, isInteger, type Operand } from "../conversions.ts";
import type { KernelObject } from "../object.ts";
import { compare } from "../arithmetic.ts";
import type { ComparisonOperator } from "./syntax-tree.ts";

/**
 * C's comparisons. A pointer may be compared with an integer, which compilers allow with a warning
 * (and for zero without one).
 * @throws {ObjectTypeError} for what C does not compare
 */
export function comparison(operator: ComparisonOperator, left: KernelObject, right: KernelObject): boolean {
  const a = left.operand();
  const b = right.operand();
  const order = compare(addressIf(a, b), addressIf(b, a));
  switch (operator) {
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}

/** An operand as an unsigned long, if it is a pointer beside an integer or the other way round. */
function addressIf(operand: Operand, other: Operand): Operand {
  const isMixed = isPointer(operand) ? isInteger(other.type) : isPointer(other) && isInteger(operand.type);
  if (!isMixed) return operand;
  const type = basicType("unsigned long");
  return { type, bitFieldSize: 0, value: convert(operand, type) };
}

function isPointer(operand: Operand): boolean {
  return operand.type.underlying.kind === "pointer";
}
