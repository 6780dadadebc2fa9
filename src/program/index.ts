export {
  AbsentError,
  AmbiguousError,
  LookupError,
  type LookupKind,
  ObjectRangeError,
  ObjectTypeError,
} from "./errors.ts";
export { type PrimitiveName, primitiveOf, primitives, primitiveWords } from "./primitive.ts";
export { QUALIFIER_CONST, QUALIFIER_RESTRICT, QUALIFIER_VOLATILE, type Qualifiers } from "./type-spelling.ts";
export { pointerByteSize, type TypeKind } from "./type-parts.ts";
export { Type, type TypeEnumerator, type TypeMember, type TypeParameter } from "./type.ts";
export { typesCompatible } from "./type-compatible.ts";
export type { NameSpace } from "./type-search.ts";
export { type FoundEnumerator, type TypeSource, TypeTable } from "./type-table.ts";
export { type DesignatedPart, offsetOf, resolveDesignator } from "./designator.ts";
export type { Scalar } from "./scalar.ts";
export {
  basicType,
  commonType,
  convert,
  isArithmetic,
  isInteger,
  type Operand,
  type OperandType,
  promote,
} from "./conversions.ts";
export {
  binary,
  type BinaryOperator,
  compare,
  isTruthy,
  type Result,
  unary,
  type UnaryOperator,
} from "./arithmetic.ts";
export { type AbsenceReason, KernelObject, type ObjectContext } from "./object.ts";
export type { FormatOptions } from "./format-options.ts";
export { type FindSymbol, formatObject } from "./format.ts";
export {
  type Evaluator,
  Program,
  type ProgramParts,
  type ProgramSymbol,
  type SymbolAt,
  type Symbolizer,
  type Variable,
  type VariableSource,
  type VariableTable,
} from "./program.ts";
export { nearestNames } from "./near-names.ts";
export { type NamedPlace, oneOfSeveral } from "./one-of-several.ts";
export { type JsonOptions, type JsonValue, toJson } from "./json.ts";
