import type { Program } from "../program.ts";
import { parseExpression } from "./parser.ts";
import { ProgramNames } from "./program-names.ts";
import type { Expression, TypeName } from "./syntax-tree.ts";

/** What an expression refers to. */
export interface ExpressionNames {
  /** Variables, enumerators and functions, each once, in order of appearance. */
  names: string[];
  /** True if it names a type, or uses `sizeof` and the like: what only C has. */
  hasTypes: boolean;
}

/**
 * The names in an expression, without evaluating it.
 * @throws {ExpressionError} for text that is no expression
 */
export function expressionNames(program: Program, text: string): ExpressionNames {
  const names = new Set<string>();
  let hasTypes = false;
  const rest: Expression[] = [parseExpression(text, new ProgramNames(program))];
  const addType = (type: TypeName): void => {
    hasTypes = true;
    for (let at: TypeName | undefined = type; at !== undefined;) {
      if (at.kind === "typeof") rest.push(at.operand);
      if (at.kind === "array" && at.length !== undefined) rest.push(at.length);
      at =
        at.kind === "pointer" || at.kind === "qualified"
          ? at.target
          : at.kind === "array"
            ? at.element
            : undefined;
    }
  };
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    switch (node.kind) {
      case "name":
        names.add(node.name);
        break;
      case "member":
        rest.push(node.base);
        break;
      case "index":
        rest.push(node.index, node.base);
        break;
      case "unary":
      case "sizeof":
        rest.push(node.operand);
        break;
      case "binary":
        rest.push(node.right, node.left);
        break;
      case "conditional":
        rest.push(node.whenFalse, node.condition);
        if (node.whenTrue !== undefined) rest.push(node.whenTrue);
        break;
      case "cast":
        addType(node.type);
        rest.push(node.operand);
        break;
      case "sizeof-type":
      case "offsetof":
        addType(node.type);
        break;
      case "container-of":
        addType(node.type);
        rest.push(node.pointer);
        break;
      case "per-cpu":
        rest.push(node.cpu, node.operand);
        break;
      default:
        break;
    }
  }
  return { names: [...names], hasTypes };
}
