import { ObjectTypeError } from "../errors.ts";
import type { Type } from "../type.ts";
import { errorAt, ExpressionError } from "./expression-error.ts";
import type { DesignatorStep } from "./syntax-tree.ts";
import type { TypeExpressions } from "./type-resolver.ts";

/**
 * Bytes from the start of a type to what a designator names in it. Indexes are expressions and, as
 * in C, are not held against the array's length.
 * @throws {ExpressionError} at the step that names nothing, or a bit field
 */
export function designate(
  type: Type,
  steps: readonly DesignatorStep[],
  expressions: TypeExpressions,
): bigint {
  let byteOffset = 0n;
  for (const step of steps) {
    try {
      if (step.kind === "member") {
        const member = type.member(step.name);
        if (member.bitFieldSize !== 0 || member.bitOffset % 8 !== 0)
          throw new ObjectTypeError(`"${step.name}" is a bit field`);
        byteOffset += BigInt(member.bitOffset / 8);
        type = member.type;
      } else {
        const { kind, target } = type.underlying;
        if (kind !== "array") throw new ObjectTypeError(`"${type.typeName()}" is not an array`);
        byteOffset += expressions.integer(step.index) * BigInt(target!.byteSize);
        type = target!;
      }
    } catch (error) {
      throw errorAt(error, expressions.text, step.at);
    }
    if (byteOffset >> 63n !== 0n) {
      throw new ExpressionError("EXPRESSION_VALUE", "an offset beyond all memory", expressions.text, step.at);
    }
  }
  return byteOffset;
}
