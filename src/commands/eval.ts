import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type FormatOptions, type JsonValue, toJson } from "../program/index.ts";
import { caretLines, ExpressionError } from "../program/expression/index.ts";
import { hex } from "./hex.ts";

/** A row of `eval`. */
export interface ValueRow {
  expression: string;
  /** As C writes it. */
  type: string;
  /** `"0x…"`; null for a value that is nowhere in memory. */
  address: string | null;
  value: JsonValue;
  /** What a person reads: as C would initialise it. */
  text: string;
}

/** An expression without a value, and why. */
export interface FailedRow {
  expression: string;
  error: string;
  /** Stable, for programs. */
  code: string;
  /** Where in the expression, from 1; null where the whole is meant. */
  column: number | null;
  /** The expression and a mark below the place, for people. */
  caret: readonly string[];
}

/** Evaluate C expressions, each on its own: one that fails leaves the others alone. */
export function evaluateAll(
  kernel: Kernel,
  expressions: readonly string[],
  format: FormatOptions = {},
): (ValueRow | FailedRow)[] {
  const { program } = kernel;
  return expressions.map((expression) => {
    try {
      const object = program.eval(expression);
      const { address } = object;
      return {
        expression,
        type: object.type.typeName(),
        address: address === undefined ? null : hex(address),
        value: toJson(object),
        text: program.format(object, format),
      };
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      const { message, code } = error;
      if (!(error instanceof ExpressionError)) {
        return { expression, error: message, code, column: null, caret: [] };
      }
      return { expression, error: message, code, column: error.column, caret: caretLines(error).split("\n") };
    }
  });
}
