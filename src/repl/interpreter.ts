import { isBuiltin } from "node:module";
import vm from "node:vm";
import type { Breakable } from "./breakable.ts";
import { type ScriptOutcome, ScriptRunner } from "./script-runner.ts";
import type { Program } from "../program/index.ts";
import { evaluate, evaluateType, ExpressionError } from "../program/expression/index.ts";
import { type Reading, readLine } from "./language.ts";
import { viewOf } from "./object-view.ts";
import { type CommandLine, readCommandLine, type ReplCommand, splitWords } from "./commands.ts";
import { Line } from "./line.ts";
import { findByName } from "./scope.ts";
import { splitPipe } from "./shell-pipe.ts";

/** Brings a text to a command of the shell. */
export type ThroughShell = (shell: string, text: string) => Promise<void>;

/** What came of a line. */
export type Outcome = ScriptOutcome;

const identifier = /(?<![\w$.])[A-Za-z_$][\w$]*/g;
const spread = /(?<=\.\.\.)[A-Za-z_$][\w$]*/g;
/** Stands for a kernel's variable while names are looked up. */
const kernelMark = Symbol("kernel");

/** Evaluates lines, each in the language it is written in. */
export class Interpreter {
  readonly program: Program;
  readonly #context: vm.Context;
  readonly #scripts: ScriptRunner;
  readonly #breakable: Breakable;
  /** Names given to JavaScript at the start. */
  readonly ownNames: readonly string[];
  #isProbing = false;
  #kernelNames: ReadonlySet<string> | undefined;

  /** Commands by name, beside the prompt's own. */
  readonly commands: ReadonlyMap<string, ReplCommand>;

  /** Gives what a command printed to a command of the shell. */
  readonly #throughShell: ThroughShell;

  /** @param context where JavaScript runs */
  constructor(
    program: Program,
    context: vm.Context,
    scope: Record<string, unknown>,
    breakable: Breakable,
    commands: readonly ReplCommand[],
    throughShell: ThroughShell,
  ) {
    this.#throughShell = throughShell;
    this.program = program;
    this.commands = new Map(commands.map((command) => [command.name, command]));
    this.#context = context;
    this.#scripts = new ScriptRunner(context, breakable);
    this.#breakable = breakable;
    this.ownNames = Object.keys(scope);
    for (const [name, value] of Object.entries(scope)) {
      Object.defineProperty(context, name, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
  }

  /** Evaluate a line, or several that belong together. */
  async run(text: string): Promise<Outcome> {
    if (text.trim() === "") return { kind: "value", value: undefined };
    const command = readCommandLine(text, this.commands, (name) => this.isDefined(name));
    if (command !== undefined && !this.#isOnlyType(command, text)) return this.runCommand(command);
    let reading: Reading;
    try {
      reading = readLine(text, this.program, (name) => this.isDefined(name));
    } catch (error) {
      return { kind: "error", error };
    }
    if (reading.language === "c") return this.runC(text);
    if (reading.language === "javascript") return this.runScript(text);
    const type = this.#type(text);
    if (type.kind === "value" || (/^\s*(?:struct|union|enum)\s+\w/.test(text) && !isIncomplete(type)))
      return type;
    const { error } = reading;
    if (error?.isIncomplete === true) return { kind: "incomplete" };
    const outcome = await this.runScript(text);
    return outcome.kind === "error" && error !== undefined ? { kind: "error", error } : outcome;
  }

  /** Run a command by its name; what it prints goes to the shell where the words say so. */
  async runCommand({ name, rest }: CommandLine): Promise<Outcome> {
    try {
      const command = this.commands.get(name);
      if (command === undefined) throw new SyntaxError(`no command .${name}; .help lists them`);
      const { words, shell } = splitPipe(rest);
      const text = await command.run(splitWords(words));
      if (shell === undefined) return { kind: "value", value: new Line(text.trimEnd()) };
      await this.#throughShell(shell, text);
      return { kind: "value", value: undefined };
    } catch (error) {
      return { kind: "error", error };
    }
  }

  /** Evaluate C, whatever JavaScript would make of it. A type's name gives the type. */
  runC(text: string): Outcome {
    try {
      return { kind: "value", value: viewOf(this.#breakable(() => evaluate(this.program, text))) };
    } catch (error) {
      const type = this.#type(text);
      return type.kind === "value" ? type : { kind: "error", error };
    }
  }

  /** Evaluate JavaScript; the kernel's variables stand behind its own names. */
  runScript(text: string): Promise<Outcome> {
    this.#lendVariables(text);
    return this.#scripts.run(text);
  }

  /** True while a promise is waited for, which {@link Interpreter.interrupt} ends. */
  get isWaiting(): boolean {
    return this.#scripts.isWaiting;
  }

  interrupt(): void {
    this.#scripts.interrupt();
  }

  /** True for a name that JavaScript has of its own: not from the kernel, and no module of Node that the kernel hides. */
  isDefined(name: string): boolean {
    if (isBuiltin(name) && name !== "process" && name !== "console" && this.#isKernels(name)) return false;
    // A symbol's name may hold anything; only a name of JavaScript's own may be run.
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return false;
    this.#isProbing = true;
    try {
      return vm.runInContext(name, this.#context) !== kernelMark;
    } catch {
      return false;
    } finally {
      this.#isProbing = false;
    }
  }

  #isKernels(name: string): boolean {
    // A script has many names that are nobody's, and looking each up in the kernel takes milliseconds.
    this.#kernelNames ??= new Set(this.program.variables.names());
    return this.#kernelNames.has(name);
  }

  /** Make the kernel's variables that a script names readable in it, where it has none of that name. */
  #lendVariables(text: string): void {
    const names = new Set([...(text.match(identifier) ?? []), ...(text.match(spread) ?? [])]);
    for (const name of names) {
      const isDeclared = new RegExp(
        `\\b(?:var|let|const|function|class)\\s+${name.replaceAll("$", "\\$")}\\b`,
      ).test(text);
      if (isDeclared || !this.#isKernels(name) || this.isDefined(name)) continue;
      Object.defineProperty(this.#context, name, {
        get: () => (this.#isProbing ? kernelMark : viewOf(findByName(this.program, name))),
        set: () => {
          throw new TypeError(`${name} is the kernel's, which is only read; declare your own with let`);
        },
        configurable: true,
        enumerable: false,
      });
    }
  }

  /** `struct page` alone, and `struct page *`, name a type, which C shows. */
  #isOnlyType({ name }: CommandLine, text: string): boolean {
    if (name !== "struct" && name !== "union") return false;
    return /^\s*\w+\s+\w+\s*$/.test(text) || this.#type(text).kind === "value";
  }

  /** The type that a line names, for lines that are a type and nothing else. */
  #type(text: string): Outcome {
    try {
      return { kind: "value", value: evaluateType(this.program, text.trim()) };
    } catch (error) {
      return { kind: "error", error };
    }
  }
}

function isIncomplete(outcome: Outcome): boolean {
  return outcome.kind === "error" && outcome.error instanceof ExpressionError && outcome.error.isIncomplete;
}
