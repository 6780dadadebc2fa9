import { type ExpressionNames, ExpressionError, expressionNames } from "../program/expression/index.ts";
import { AmbiguousError, type Program } from "../program/index.ts";
import { compileScript } from "./script-runner.ts";

/** How a line is to be read. */
export type Reading =
  | { language: "c" }
  | { language: "javascript" }
  /** Neither; `error` says why it is no C, where it looks like that. */
  | { language: "neither"; error: ExpressionError | undefined };

/**
 * Decides between C and JavaScript.
 *
 * What only one of them takes is that one's. What both take (`init_task.pid`, `jiffies / 250`) is
 * JavaScript if any of its names is defined there or if it has no names at all, else C: the kernel's
 * names are looked up as C has them, and one's own variables are never hidden by the kernel's.
 */
export function readLine(text: string, program: Program, isDefined: (name: string) => boolean): Reading {
  let inC: ExpressionNames | undefined;
  let error: ExpressionError | undefined;
  try {
    inC = expressionNames(program, text);
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    error = thrown;
  }
  const isJavaScript = "script" in compileScript(text);
  if (inC === undefined) {
    if (isJavaScript) return { language: "javascript" };
    return { language: "neither", error: looksLikeC(text, program) ? error : undefined };
  }
  if (!isJavaScript) return { language: "c" };
  const { names, hasTypes } = inC;
  // Back quotes hold a symbol's name in C, and in JavaScript any text.
  const isTemplate = text.includes("`") && !names.some((name) => isSymbol(name, program));
  const isOurs = isTemplate || names.some(isDefined) || (names.length === 0 && !hasTypes);
  return { language: isOurs ? "javascript" : "c" };
}

function isSymbol(name: string, program: Program): boolean {
  if (program.hasVariable(name)) return true;
  try {
    return program.symbolizer.find(name) !== undefined;
  } catch (error) {
    if (error instanceof AmbiguousError) return true;
    throw error;
  }
}

/** Which language's error is worth showing. */
function looksLikeC(text: string, program: Program): boolean {
  if (/->|^\s*[*&]|\(\s*(?:struct|union|enum)\b|^\s*(?:sizeof|offsetof|container_of|per_cpu)/.test(text))
    return true;
  const first = /^[\s(!~-]*([A-Za-z_$][\w$]*)/.exec(text)?.[1];
  return first !== undefined && program.hasVariable(first);
}
