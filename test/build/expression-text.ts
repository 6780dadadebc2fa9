import type { DesignatorStep, Expression, TypeName } from "../../src/program/expression/syntax-tree.ts";

/** An expression as a reader of Lisp would write it, for tests of the parser. */
export function sexpr(node: Expression): string {
  switch (node.kind) {
    case "number":
      return `${node.literal.value}${node.literal.isUnsigned ? "u" : ""}${"l".repeat(node.literal.longCount)}`;
    case "character":
      return `'${node.byte}'`;
    case "string":
      return `"${[...node.bytes].join(",")}"`;
    case "name": {
      const module = node.module === undefined ? "" : `${node.module}::`;
      return `${module}${node.name}${node.address === undefined ? "" : `@0x${node.address.toString(16)}`}`;
    }
    case "member":
      return `(${node.isArrow ? "->" : "."} ${sexpr(node.base)} ${node.name})`;
    case "index":
      return `([] ${sexpr(node.base)} ${sexpr(node.index)})`;
    case "unary":
      return `(${node.operator}u ${sexpr(node.operand)})`;
    case "binary":
      return `(${node.operator} ${sexpr(node.left)} ${sexpr(node.right)})`;
    case "conditional": {
      const whenTrue = node.whenTrue === undefined ? "-" : sexpr(node.whenTrue);
      return `(? ${sexpr(node.condition)} ${whenTrue} ${sexpr(node.whenFalse)})`;
    }
    case "cast":
      return `(cast ${typeText(node.type)} ${sexpr(node.operand)})`;
    case "sizeof":
      return `(sizeof ${sexpr(node.operand)})`;
    case "sizeof-type":
      return `(sizeof-type ${typeText(node.type)})`;
    case "offsetof":
      return `(offsetof ${typeText(node.type)} ${designatorText(node.designator)})`;
    case "container-of":
      return `(container_of ${sexpr(node.pointer)} ${typeText(node.type)} ${designatorText(node.designator)})`;
    case "per-cpu":
      return `(per_cpu${node.isPointer ? "_ptr" : ""} ${sexpr(node.operand)} ${sexpr(node.cpu)})`;
  }
}

export function typeText(type: TypeName): string {
  switch (type.kind) {
    case "named": {
      const module = type.module === undefined ? "" : `${type.module}::`;
      return `${type.tag === undefined ? "" : `${type.tag} `}${module}${type.name}`;
    }
    case "pointer":
      return `${typeText(type.target)} *`.replace(/ \*(\*+|) \*$/, " *$1*");
    case "array":
      return `[${type.length === undefined ? "" : sexpr(type.length)}]${typeText(type.element)}`;
    case "function": {
      const parameters = type.parameters.map(typeText);
      if (type.isVariadic) parameters.push("...");
      return `fn(${parameters.join(", ")})->${typeText(type.result)}`;
    }
    case "typeof":
      return `typeof(${sexpr(type.operand)})`;
    case "qualified":
      return `${type.qualifiers.join(" ")}(${typeText(type.target)})`;
  }
}

function designatorText(steps: readonly DesignatorStep[]): string {
  return steps
    .map((step) => (step.kind === "member" ? `.${step.name}` : `[${sexpr(step.index)}]`))
    .join("")
    .slice(1);
}
