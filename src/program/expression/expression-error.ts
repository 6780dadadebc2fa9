import { DwarflessError, isDwarflessError } from "../../io/index.ts";
import type { Range } from "./tokens.ts";

/** Characters of the expression shown around the place of an error. */
const shownWidth = 100;

/**
 * A C expression that cannot be read or evaluated, and where.
 *
 * `code` is one of
 * - `EXPRESSION_SYNTAX`: not an expression this reader knows
 * - `EXPRESSION_UNSUPPORTED`: C, but not here (assignments, calls)
 * - `EXPRESSION_NAME`: a variable, member or type that is not there, or that several things are named
 * - `EXPRESSION_TYPE`: operands that C does not allow for the operator
 * - `EXPRESSION_VALUE`: a value without an answer (division by zero, a bad index)
 * - `EXPRESSION_LIMIT`: longer or deeper than the limits
 * - or the code of `cause`, where the kernel's memory or types gave no answer (`FAULT`, ...).
 */
export class ExpressionError extends DwarflessError {
  /** What is wrong, without the place. */
  readonly problem: string;
  /** The whole expression. */
  readonly text: string;
  /** Where in `text`, in UTF-16 units from 0; `text.length` for its end. */
  readonly offset: number;
  /** Units that the error is about, at least 1. */
  readonly length: number;
  /** Line and column of `offset`, both from 1. */
  readonly line: number;
  readonly column: number;

  constructor(code: string, problem: string, text: string, range: Range, cause?: unknown) {
    const offset = Math.min(range.start, text.length);
    const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
    const column = offset - lineStart + 1;
    let line = 1;
    for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
    super(code, `${line === 1 ? "" : `line ${line}, `}column ${column}: ${problem}`);
    this.problem = problem;
    this.text = text;
    this.offset = offset;
    this.length = Math.max(1, Math.min(range.end, text.length) - offset);
    this.line = line;
    this.column = column;
    if (cause !== undefined) this.cause = cause;
  }

  /** True where the text ends too early, so that more of it may make it right. */
  get isIncomplete(): boolean {
    return this.code === "EXPRESSION_SYNTAX" && this.offset >= this.text.trimEnd().length;
  }
}

/** Codes of objects and types by what they mean in an expression; others stay. */
const codes: ReadonlyMap<string, string> = new Map([
  ["LOOKUP", "EXPRESSION_NAME"],
  ["AMBIGUOUS", "EXPRESSION_NAME"],
  ["TYPE", "EXPRESSION_TYPE"],
  ["RANGE", "EXPRESSION_VALUE"],
]);

/** Gives an error of memory, types or objects a place; others pass as they are. */
export function errorAt(error: unknown, text: string, range: Range): unknown {
  if (error instanceof ExpressionError || !isDwarflessError(error)) return error;
  return new ExpressionError(codes.get(error.code) ?? error.code, error.message, text, range, error);
}

/**
 * The line of the expression that an error is in, and below it a caret under its place:
 *
 *     init_task.conm
 *               ^~~~
 *
 * Of a long line only the part around the place is shown. Control characters show as `?`.
 */
export function caretLines(error: ExpressionError): string {
  const lineStart = error.offset - (error.column - 1);
  const newline = error.text.indexOf("\n", lineStart);
  const lineEnd = newline < 0 ? error.text.length : newline;
  let start = lineStart;
  let end = lineEnd;
  if (end - start > shownWidth) {
    start = Math.max(lineStart, Math.min(error.offset - shownWidth / 2, lineEnd - shownWidth));
    end = Math.min(lineEnd, start + shownWidth);
  }
  const head = start > lineStart ? "..." : "";
  const tail = end < lineEnd ? "..." : "";
  const before = printable(error.text.slice(start, error.offset));
  const after = printable(error.text.slice(error.offset, end));
  const marked = Math.max(1, Math.min(error.length, end - error.offset));
  const width = characterCount(printable(error.text.slice(error.offset, error.offset + marked)));
  const underline = `${" ".repeat(characterCount(head + before))}^${"~".repeat(Math.max(0, width - 1))}`;
  return `${head}${before}${after}${tail}\n${underline}`;
}

function characterCount(text: string): number {
  return Array.from(text).length;
}

/** One character for one: tabs become spaces, so that the caret stands right. */
function printable(text: string): string {
  return text.replace(/\t/g, " ").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
