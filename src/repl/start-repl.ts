import { Console } from "node:console";
import { type REPLServer, start } from "node:repl";
import { PassThrough, type Readable, type Writable } from "node:stream";
import type { Program } from "../program/index.ts";
import { historyPath } from "./history.ts";
import { type Breakable, breakableAtTerminal, unbroken } from "./breakable.ts";
import type { ReplCommand } from "./commands.ts";
import { Interpreter, type ThroughShell } from "./interpreter.ts";
import { Line } from "./line.ts";
import { metaCommands } from "./meta-commands.ts";
import { runPiped, type Show } from "./piped-session.ts";
import { Printer } from "./printer.ts";
import { makeScope } from "./scope.ts";
import { runThroughShell } from "./shell-pipe.ts";
import { runTerminal } from "./terminal-session.ts";
import { errorText, valueText } from "./value-text.ts";

/** Where the prompt reads and writes. */
export interface ReplStreams {
  input: Readable & { isTTY?: boolean; isRaw?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  output: Writable & { isTTY?: boolean; columns?: number };
  /** Errors of piped lines; a terminal shows them where the values are. */
  error: Writable;
  environment: Readonly<Record<string, string | undefined>>;
}

export interface ReplOptions {
  /** Shown once before the first prompt of a terminal. */
  banner?: string;
  /** More names for JavaScript: values, and functions over objects. */
  scope?: Readonly<Record<string, unknown>>;
  /** Commands that lines may begin with, and that `.NAME` runs. */
  commands?: readonly ReplCommand[];
  /** File of lines typed before; by default in the XDG state directory, `false` for none. */
  history?: string | false;
}

const ownHelp = [
  "A line is C (init_task.mm->pgd, *(struct list_head *)&modules) or JavaScript (program.init_task.comm.string()).",
  "What both could be is C, unless a name in it is JavaScript's own.",
  ...metaCommands.map((command) => `.${command.name.padEnd(6)} ${command.help}`),
  ".exit   Leave",
];

/** What `.help` says. */
function helpText(commands: readonly ReplCommand[]): string {
  if (commands.length === 0) return ownHelp.join("\n");
  return [
    ...ownHelp,
    "Commands, with the options they have outside (NAME --help), and without the dump; `ps | less` and `log > FILE` go",
    "through the shell:",
    ...commands.map(({ name, description }) => `${name.padEnd(7)} ${description}`),
  ].join("\n");
}

/**
 * The interactive debugger over a program: JavaScript with `program` at hand, and C expressions.
 * Runs a prompt where input and output are terminals, else the lines of the input.
 * @returns the exit code: 0, or 1 where a line of a piped input failed
 */
export async function startRepl(
  program: Program,
  streams: ReplStreams,
  options: ReplOptions = {},
): Promise<number> {
  const { input, output, environment } = streams;
  const isTerminal = input.isTTY === true && output.isTTY === true;
  const hasColors = isTerminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  if (isTerminal && options.banner !== undefined) output.write(`${options.banner}\n`);
  const server = isTerminal ? terminalServer(streams, hasColors) : hiddenServer(streams);
  // A deprecated name of node:util, which warns when it is looked at; ours is a command.
  delete server.context["sys"];
  const breakable: Breakable = isTerminal ? breakableAtTerminal(input) : unbroken;
  const { commands = [] } = options;
  const scope = makeScope(program, options.scope);
  const throughShell: ThroughShell = (shell, text) => runThroughShell(shell, text, streams);
  const interpreter = new Interpreter(program, server.context, scope, breakable, commands, throughShell);
  const printer = new Printer(output);
  const show = shower(streams, printer, breakable, isTerminal, hasColors);
  if (!isTerminal) {
    try {
      return await runPiped(input, interpreter, show, helpText(commands));
    } finally {
      server.close();
    }
  }
  const history = options.history ?? historyPath(environment);
  if (typeof history === "string") {
    await new Promise<void>((resolve) => {
      server.setupHistory(history, () => resolve());
    });
  }
  return runTerminal(server, interpreter, show, printer);
}

function shower(
  { output, error }: ReplStreams,
  printer: Printer,
  breakable: Breakable,
  isTerminal: boolean,
  colors: boolean,
): Show {
  return async (outcome) => {
    if (outcome.kind === "incomplete") return;
    let problem: unknown;
    if (outcome.kind === "value") {
      const { value } = outcome;
      try {
        const columns = isTerminal ? output.columns : undefined;
        const text =
          value instanceof Line ? value.text : breakable(() => valueText(value, { columns, colors }));
        if (text !== undefined) await printer.print(text);
        return;
      } catch (thrown) {
        problem = thrown;
      }
    } else {
      problem = outcome.error;
    }
    const text = errorText(problem);
    if (isTerminal) await printer.print(text);
    else error.write(`${text}\n`);
  };
}

function terminalServer({ input, output }: ReplStreams, useColors: boolean): REPLServer {
  return start({
    prompt: "dwarfless> ",
    input,
    output,
    terminal: true,
    useColors,
    ignoreUndefined: true,
    // Previews would evaluate what is still being typed.
    preview: false,
  });
}

/** Has what JavaScript finds in Node's prompt, without being one. */
function hiddenServer({ output, error }: ReplStreams): REPLServer {
  const unused = new PassThrough();
  unused.resume();
  const server = start({ prompt: "", input: new PassThrough(), output: unused, terminal: false });
  server.context["console"] = new Console({ stdout: output, stderr: error });
  return server;
}
