import type { KernelObject } from "../object.ts";
import type { Program } from "../program.ts";
import type { Type } from "../type.ts";
import { Evaluation } from "./evaluator.ts";
import { parseExpression, parseTypeName } from "./parser.ts";
import { ProgramNames } from "./program-names.ts";

/**
 * The value of a C expression over a program: an object at its place if the expression has one, else
 * a value. Memory is read only as far as the expression needs it, so that what it gives may still
 * lie where memory has no answer.
 * @throws {ExpressionError} for text that cannot be read or evaluated, with the place in it
 */
export function evaluate(program: Program, text: string): KernelObject {
  const node = parseExpression(text, new ProgramNames(program));
  return new Evaluation(program, text).evaluate(node);
}

/**
 * The type that a type name means, with all that expressions allow in it: `struct x *[2]`,
 * `typeof(init_task.comm)`, `struct ext4::x`.
 * @throws {ExpressionError}
 */
export function evaluateType(program: Program, text: string): Type {
  const name = parseTypeName(text, new ProgramNames(program));
  return new Evaluation(program, text).type(name);
}
