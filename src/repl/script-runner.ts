import vm from "node:vm";
import type { Breakable } from "./breakable.ts";

/** What became of a script. */
export type ScriptOutcome =
  | { kind: "value"; value: unknown }
  /** More lines may make it whole. */
  | { kind: "incomplete" }
  | { kind: "error"; error: unknown };

/** Options that let `await import("node:fs")` work; only where it is written, since Node warns of it. */
function optionsFor(code: string): vm.ScriptOptions {
  const loader = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return { filename: "repl", ...(/\bimport\s*\(/.test(code) && { importModuleDynamically: loader }) };
}

/** Evaluates JavaScript as a prompt does: what is declared stays, `{...}` is an object, `await` may stand at the top. */
export class ScriptRunner {
  readonly #context: vm.Context;
  readonly #breakable: Breakable;
  #interrupt: (() => void) | undefined;

  constructor(context: vm.Context, breakable: Breakable) {
    this.#context = context;
    this.#breakable = breakable;
  }

  /** Evaluate a script; waits for a promise only where the script says `await`. */
  async run(text: string): Promise<ScriptOutcome> {
    const compiled = compileScript(text);
    if ("error" in compiled) {
      return isIncomplete(text) ? { kind: "incomplete" } : { kind: "error", error: compiled.error };
    }
    try {
      const value: unknown = this.#breakable(() => compiled.script.runInContext(this.#context) as unknown);
      return { kind: "value", value: compiled.isAsynchronous ? await this.#waitFor(value) : value };
    } catch (error) {
      return { kind: "error", error };
    }
  }

  /** True while a promise is waited for. */
  get isWaiting(): boolean {
    return this.#interrupt !== undefined;
  }

  /** Stop waiting for the promise that a script waits for. */
  interrupt(): void {
    this.#interrupt?.();
  }

  async #waitFor(promise: unknown): Promise<unknown> {
    try {
      return await Promise.race([
        promise,
        new Promise((_, reject) => {
          this.#interrupt = () =>
            reject(Object.assign(new Error("interrupted"), { code: "ERR_SCRIPT_EXECUTION_INTERRUPTED" }));
        }),
      ]);
    } finally {
      this.#interrupt = undefined;
    }
  }
}

type Compiled = { script: vm.Script; isAsynchronous: boolean } | { error: unknown };

/** Compile a script in the first of the forms that it can be meant in; the error is that of the plain one. */
export function compileScript(text: string): Compiled {
  if (/^\s*\{/.test(text) && !/;\s*$/.test(text)) {
    const script = scriptIf(`(${text}\n)`);
    if (script !== undefined) return { script, isAsynchronous: false };
  }
  try {
    return { script: new vm.Script(text, optionsFor(text)), isAsynchronous: false };
  } catch (error) {
    if (!/\bawait\b/.test(text)) return { error };
    // A declaration within a function would be gone behind it: the commonest becomes an assignment.
    const kept =
      text.replace(/^\s*(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=/, "void (globalThis.$1 =") + "\n)";
    const expression = text.trim().replace(/;$/, "");
    for (const form of [
      `(async () => { return (${expression}\n) })()`,
      `(async () => { ${kept.replace(/;(\s*\))$/, "$1")} })()`,
      `(async () => { ${text}\n })()`,
    ]) {
      const script = scriptIf(form);
      if (script !== undefined) return { script, isAsynchronous: true };
    }
    return { error };
  }
}

function scriptIf(code: string): vm.Script | undefined {
  try {
    return new vm.Script(code, optionsFor(code));
  } catch {
    return undefined;
  }
}

/**
 * True for a script that only lacks its end. Then the engine reads to the end of the text, and stops
 * at what no program can have, put on a line behind it.
 */
function isIncomplete(text: string): boolean {
  const body = text.trimEnd();
  for (const start of /\bawait\b/.test(text) ? ["", "async () => { "] : [""]) {
    try {
      new vm.Script(`${start}${body}\n@`, { filename: "repl" });
    } catch (error) {
      const { message, stack } = error as Error;
      if (message === "Unterminated template literal") return true;
      const line = Number(/^repl:(\d+)/.exec(stack ?? "")?.[1]);
      if (line === body.split("\n").length + 1) return true;
    }
  }
  return false;
}
