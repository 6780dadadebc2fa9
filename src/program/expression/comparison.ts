import { compare } from "../arithmetic.ts";
import type { KernelObject } from "../object.ts";
import type { ComparisonOperator } from "./syntax-tree.ts";

/**
 * C's comparisons. A pointer may be compared with an integer, which compilers allow with a warning
 * (and for zero without one).
 * @throws {ObjectTypeError} for what C does not compare
 */
export function comparison(operator: ComparisonOperator, left: KernelObject, right: KernelObject): boolean {
  const order = compare(left.operand(), right.operand());
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
