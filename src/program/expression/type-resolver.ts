import type { KernelObject } from "../object.ts";
import { QUALIFIER_CONST, QUALIFIER_RESTRICT, QUALIFIER_VOLATILE } from "../type-spelling.ts";
import type { NamedTypes } from "../named-types.ts";
import { Type } from "../type.ts";
import { errorAt, ExpressionError } from "./expression-error.ts";
import type { ArrayTypeName, Expression, TypeName } from "./syntax-tree.ts";

const qualifierBits = { const: QUALIFIER_CONST, volatile: QUALIFIER_VOLATILE, restrict: QUALIFIER_RESTRICT };

/** Most elements of an array type that is written down. */
const maximumLength = 2n ** 48n;

/** What types need of the expressions in them. */
export interface TypeExpressions {
  /** The type of an expression that is not evaluated. */
  typeOf(node: Expression): Type;
  /** Value of an integer expression. */
  integer(node: Expression): bigint;
  readonly text: string;
  readonly names: NamedTypes;
}

/** The type that a type name means in a program. @throws {ExpressionError} */
export function resolveType(type: TypeName, expressions: TypeExpressions): Type {
  switch (type.kind) {
    case "named":
      try {
        return expressions.names.getType(type);
      } catch (error) {
        throw errorAt(error, expressions.text, type);
      }
    case "pointer":
      return Type.pointerTo(resolveType(type.target, expressions));
    case "array":
      return resolveArray(type, expressions);
    case "function": {
      const parameters = type.parameters.map((each) => ({ name: "", type: resolveType(each, expressions) }));
      return Type.function(resolveType(type.result, expressions), parameters, type.isVariadic);
    }
    case "qualified": {
      let qualifiers = 0;
      for (const qualifier of type.qualifiers) qualifiers |= qualifierBits[qualifier];
      return resolveType(type.target, expressions).qualified(qualifiers);
    }
    case "typeof":
      return expressions.typeOf(type.operand);
  }
}

function resolveArray(type: ArrayTypeName, expressions: TypeExpressions): Type {
  const element = resolveType(type.element, expressions);
  const { underlying } = element;
  if (underlying.kind === "void" || underlying.kind === "function" || underlying.byteSizeIf === undefined) {
    const problem = `an array of "${element.typeName()}", which has no size`;
    throw new ExpressionError("EXPRESSION_TYPE", problem, expressions.text, type.element);
  }
  if (type.length === undefined) return Type.arrayOf(element, undefined);
  const length = expressions.integer(type.length);
  if (length < 0n || length > maximumLength) {
    throw new ExpressionError(
      "EXPRESSION_VALUE",
      `an array of ${length} elements`,
      expressions.text,
      type.length,
    );
  }
  return Type.arrayOf(element, Number(length));
}

/** An object's type as operators see it: without qualifiers, arrays and functions as pointers. */
export function decayedType(object: KernelObject): Type {
  const { type } = object;
  const { kind, target } = type.underlying;
  if (kind === "array") return Type.pointerTo(target!);
  return kind === "function" ? Type.pointerTo(type) : type.unqualified;
}
