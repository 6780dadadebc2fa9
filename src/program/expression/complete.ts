import type { Program } from "../program.ts";
import type { Type } from "../type.ts";
import { Evaluation } from "./evaluator.ts";
import { ExpressionError } from "./expression-error.ts";
import { maximumLength } from "./lexer.ts";
import { parseExpression, parseTypeName } from "./parser.ts";
import { ProgramNames } from "./program-names.ts";

/** What may stand where the cursor is. */
export interface Completions {
  /** Where the name begins that is being written; the completions go from here to the cursor. */
  from: number;
  /** Whole names, sorted, each once. */
  names: string[];
  /** True if there are more than are told. */
  isTruncated: boolean;
}

/** Most names told at once. */
const maximumNames = 2000;

const words = [
  "sizeof",
  "offsetof",
  "container_of",
  "per_cpu",
  "per_cpu_ptr",
  "typeof",
  "struct",
  "union",
  "enum",
];
const tagBefore = /(?:^|[^\w$])(struct|union|enum)\s+$/;

/**
 * Names that can go on at a place in an expression: members behind `.` and `->` and in the
 * designators of `offsetof` and `container_of`, tags behind `struct`, `union` and `enum`, else
 * variables, typedefs and the words of the language. Reads no memory.
 */
export function complete(program: Program, text: string, cursor: number = text.length): Completions {
  const before = text.slice(0, cursor);
  if (before.length > maximumLength) return { from: cursor, names: [], isTruncated: false };
  const from = wordStart(before, before.length);
  const partial = before.slice(from);
  const context = before.slice(0, from);
  // The end of a number.
  if (/^[0-9]/.test(partial)) return { from, names: [], isTruncated: false };
  return { from, ...choose(candidates(program, context, partial), partial) };
}

function candidates(program: Program, context: string, partial: string): Iterable<string> {
  const designated = designatedType(program, context);
  if (designated !== undefined) return designated.memberNames();
  const access = /(\.|->)\s*$/.exec(context);
  if (access !== null) return typeBefore(program, context.slice(0, access.index))?.memberNames() ?? [];
  const tag = tagBefore.exec(context)?.[1];
  if (tag !== undefined) return program.types.names(tag as "struct" | "union" | "enum");
  // All names of a kernel are no help.
  return partial === "" ? [] : ordinaryNames(program);
}

function* ordinaryNames(program: Program): Generator<string> {
  yield* words;
  yield* program.variables.names();
  yield* program.types.names("ordinary");
}

function choose(names: Iterable<string>, partial: string): { names: string[]; isTruncated: boolean } {
  const chosen = new Set<string>();
  for (const name of names) {
    if (name.startsWith(partial) && /^[A-Za-z_$][\w$.]*$/.test(name)) chosen.add(name);
  }
  const sorted = [...chosen].sort();
  return { names: sorted.slice(0, maximumNames), isTruncated: sorted.length > maximumNames };
}

/** The struct or union whose members follow what ends here, a pointer gone through. */
function typeBefore(program: Program, text: string): Type | undefined {
  const start = postfixStart(text);
  return memberedType(program, () => {
    const names = new ProgramNames(program);
    const expression = text.slice(start);
    return new Evaluation(program, expression, true).typeOf(parseExpression(expression, names));
  });
}

function memberedType(program: Program, find: () => Type): Type | undefined {
  let type: Type;
  try {
    type = find().underlying;
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
  if (type.kind === "pointer" || type.kind === "array") type = type.target!.underlying;
  return type.isComposite ? type : undefined;
}

/** Where the postfix expression begins that ends at the end of the text: `a.b[1]` of `1 + a.b[1]`. */
function postfixStart(text: string): number {
  let at = text.trimEnd().length;
  for (;;) {
    let hasOperand = false;
    while (at > 0 && (text[at - 1] === "]" || text[at - 1] === ")")) {
      const open = matchingOpen(text, at - 1);
      if (open === undefined) return at;
      hasOperand = true;
      at = open;
      if (text[at] === "(") break;
    }
    const end = at;
    at = text[at - 1] === "`" ? Math.max(0, text.lastIndexOf("`", at - 2)) : wordStart(text, at);
    if (at < end) hasOperand = true;
    const link = hasOperand ? /\s*(?:\.|->|::)\s*$/.exec(text.slice(Math.max(0, at - 16), at)) : null;
    if (link === null) return at;
    at -= link[0].length;
  }
}

/** Where the word begins that ends before `end`; `end` if there is none. */
function wordStart(text: string, end: number): number {
  let at = end;
  while (at > 0 && /[\w$]/.test(text[at - 1]!)) at--;
  return at;
}

function matchingOpen(text: string, close: number): number | undefined {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    const character = text[at]!;
    if (character === ")" || character === "]") depth++;
    else if ((character === "(" || character === "[") && --depth === 0) return at;
  }
  return undefined;
}

/** Inside of the designator of `offsetof(type, ` or `container_of(pointer, type, `: the type so far. */
function designatedType(program: Program, context: string): Type | undefined {
  let depth = 0;
  let open = context.length - 1;
  const commas: number[] = [];
  for (; open >= 0; open--) {
    const character = context[open]!;
    if (character === ")" || character === "]") depth++;
    else if (character === "[" && depth-- === 0) return undefined;
    else if (character === "(" && depth-- === 0) break;
    else if (character === "," && depth === 0) commas.unshift(open);
  }
  const macro =
    open < 0 ? undefined : /(?:^|[^\w$])(offsetof|container_of)\s*$/.exec(context.slice(0, open))?.[1];
  if (macro === undefined || commas.length !== (macro === "offsetof" ? 1 : 2)) return undefined;
  const typeText = context.slice((macro === "offsetof" ? open : commas[0]!) + 1, commas.at(-1));
  const designator = context.slice(commas.at(-1)! + 1).trim();
  if (designator !== "" && !designator.endsWith(".")) return undefined;
  const names = new ProgramNames(program);
  return memberedType(program, () => {
    const evaluation = new Evaluation(program, typeText, true);
    const type = evaluation.type(parseTypeName(typeText, names));
    if (designator === "") return type;
    const access = `((${type.typeName()} *)0)->${designator.slice(0, -1)}`;
    return new Evaluation(program, access, true).typeOf(parseExpression(access, names));
  });
}
