import type { NumberLiteral, Range } from "./tokens.ts";

/** An expression as parsed. Ranges are of its text, for errors. */
export type Expression =
  | NumberNode
  | CharacterNode
  | StringNode
  | NameNode
  | MemberNode
  | IndexNode
  | UnaryNode
  | BinaryNode
  | ConditionalNode
  | CastNode
  | SizeofNode
  | SizeofTypeNode
  | OffsetofNode
  | ContainerOfNode
  | PerCpuNode;

interface Node extends Range {
  /** Where an error about this node points: its operator, or its name. */
  readonly at: Range;
}

export interface NumberNode extends Node {
  readonly kind: "number";
  readonly literal: NumberLiteral;
}

export interface CharacterNode extends Node {
  readonly kind: "character";
  readonly byte: number;
}

export interface StringNode extends Node {
  readonly kind: "string";
  /** Without the final NUL. */
  readonly bytes: Uint8Array;
}

/** Which of several things with one name is meant. */
export interface NameChoice {
  readonly name: string;
  /** `module::name`; `vmlinux` for the kernel itself. */
  readonly module?: string;
  /** `name@0xaddress`. */
  readonly address?: bigint;
}

export interface NameNode extends Node, NameChoice {
  readonly kind: "name";
}

export interface MemberNode extends Node {
  readonly kind: "member";
  readonly base: Expression;
  readonly name: string;
  /** `->` and not `.`. */
  readonly isArrow: boolean;
}

export interface IndexNode extends Node {
  readonly kind: "index";
  readonly base: Expression;
  readonly index: Expression;
}

export type UnaryOperator = "+" | "-" | "~" | "!" | "*" | "&";

export interface UnaryNode extends Node {
  readonly kind: "unary";
  readonly operator: UnaryOperator;
  readonly operand: Expression;
}

export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>";
export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | "&&" | "||" | ",";

export interface BinaryNode extends Node {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export interface ConditionalNode extends Node {
  readonly kind: "conditional";
  readonly condition: Expression;
  /** undefined for GNU C's `a ?: b`. */
  readonly whenTrue: Expression | undefined;
  readonly whenFalse: Expression;
}

export interface CastNode extends Node {
  readonly kind: "cast";
  readonly type: TypeName;
  readonly operand: Expression;
}

export interface SizeofNode extends Node {
  readonly kind: "sizeof";
  readonly operand: Expression;
}

export interface SizeofTypeNode extends Node {
  readonly kind: "sizeof-type";
  readonly type: TypeName;
}

/** One step of `offsetof(type, a.b[1].c)`. */
export type DesignatorStep =
  | { readonly kind: "member"; readonly name: string; readonly at: Range }
  | { readonly kind: "index"; readonly index: Expression; readonly at: Range };

export interface OffsetofNode extends Node {
  readonly kind: "offsetof";
  readonly type: TypeName;
  readonly designator: readonly DesignatorStep[];
}

export interface ContainerOfNode extends Node {
  readonly kind: "container-of";
  readonly pointer: Expression;
  readonly type: TypeName;
  readonly designator: readonly DesignatorStep[];
}

export interface PerCpuNode extends Node {
  readonly kind: "per-cpu";
  /** The variable for `per_cpu`, the pointer for `per_cpu_ptr`. */
  readonly operand: Expression;
  readonly cpu: Expression;
  readonly isPointer: boolean;
}

/** A type as written, to be found in a program: `const struct page *(*)[4]`. */
export type TypeName =
  NamedType | PointerTypeName | ArrayTypeName | FunctionTypeName | TypeofExpressionNode | QualifiedTypeName;

export type TypeQualifier = "const" | "volatile" | "restrict";

export interface NamedType extends Range {
  readonly kind: "named";
  /** undefined: a typedef or base type. */
  readonly tag: "struct" | "union" | "enum" | undefined;
  /** Base types as written, words apart by one space: `unsigned long int`. */
  readonly name: string;
  readonly module?: string;
}

export interface PointerTypeName extends Range {
  readonly kind: "pointer";
  readonly target: TypeName;
}

export interface ArrayTypeName extends Range {
  readonly kind: "array";
  readonly element: TypeName;
  /** undefined for `[]`. */
  readonly length: Expression | undefined;
}

export interface FunctionTypeName extends Range {
  readonly kind: "function";
  readonly result: TypeName;
  readonly parameters: readonly TypeName[];
  readonly isVariadic: boolean;
}

export interface TypeofExpressionNode extends Range {
  readonly kind: "typeof";
  readonly operand: Expression;
}

export interface QualifiedTypeName extends Range {
  readonly kind: "qualified";
  readonly qualifiers: readonly TypeQualifier[];
  readonly target: TypeName;
}
