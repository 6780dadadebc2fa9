import { UsageError } from "../io/index.ts";
import { ExpressionError } from "./expression/expression-error.ts";
import { parseTypeName } from "./expression/parser.ts";
import { resolveType } from "./expression/type-resolver.ts";
import { NamedTypes, type TypesByName } from "./named-types.ts";
import type { Type } from "./type.ts";

/** Characters of a type name shown in an error. */
const shownLength = 100;

/**
 * The type that a C type name (C11 6.7.7) means, read as in expressions, where nothing but types is
 * known: lengths of arrays are numbers, and there is no `typeof`.
 * @throws {UsageError} `TYPE_NAME`
 * @throws {LookupError} for a name that is no type
 */
export function typeNamed(text: string, types: TypesByName): Type {
  const names = new NamedTypes(types);
  try {
    return resolveType(parseTypeName(text, names), {
      text,
      names,
      typeOf: (node) => {
        throw new ExpressionError("EXPRESSION_UNSUPPORTED", "typeof needs a program", text, node);
      },
      integer: (node) => {
        if (node.kind === "number") return node.literal.value;
        throw new ExpressionError("EXPRESSION_UNSUPPORTED", "a length that is no number", text, node);
      },
    });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    if (error.cause !== undefined) throw error.cause;
    const shown = text.length > shownLength ? `${text.slice(0, shownLength)}...` : text;
    throw new UsageError(`type name "${shown}": ${error.message}`, "TYPE_NAME");
  }
}
