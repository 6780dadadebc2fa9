import { Recoverable, type REPLServer } from "node:repl";
import type { CompleterResult } from "node:readline";
import { completeLine } from "./completion.ts";
import type { Interpreter, Outcome } from "./interpreter.ts";
import { metaCommands } from "./meta-commands.ts";
import type { Show } from "./piped-session.ts";
import type { Printer } from "./printer.ts";

type Callback = (error: Error | null, result?: unknown) => void;
type Complete = (line: string, callback: (error?: null | Error, result?: CompleterResult) => void) => void;

/** Puts our evaluation, commands, completion and interruption into Node's prompt; resolves when it is left. */
export function runTerminal(
  server: REPLServer,
  interpreter: Interpreter,
  show: Show,
  printer: Printer,
): Promise<number> {
  // Lines typed or pasted while one is still being evaluated or printed wait for it.
  let queue: Promise<void> = Promise.resolve();
  const enqueue = (act: () => Promise<void>): void => {
    queue = queue.then(act);
  };
  const take = async (text: string, callback: Callback): Promise<void> => {
    const outcome = await interpreter.run(text);
    if (outcome.kind === "incomplete") {
      callback(new Recoverable(new SyntaxError("incomplete")));
      return;
    }
    // What `_` gives next; assigning to `_` itself would take it from the prompt.
    if (outcome.kind === "value" && outcome.value !== undefined)
      Object.assign(server, { last: outcome.value });
    await show(outcome);
    callback(null);
  };
  const evaluateLine = (text: string, _context: unknown, _file: string, callback: Callback): void => {
    enqueue(() => take(text, callback));
  };
  Object.assign(server, { eval: evaluateLine });
  const define = (
    name: string,
    help: string,
    run: (argument: string) => Outcome | Promise<Outcome>,
  ): void => {
    server.defineCommand(name, {
      help,
      action(argument) {
        enqueue(async () => {
          await show(await run(argument));
          server.displayPrompt();
        });
      },
    });
  };
  for (const { name, description } of interpreter.commands.values()) {
    define(name, description, (rest) => interpreter.runCommand({ name, rest }));
  }
  for (const command of metaCommands) {
    define(command.name, command.help, (argument) => command.run(argument, interpreter));
  }
  const prompt = server as unknown as { completer: Complete };
  const completeScript = prompt.completer.bind(server) as Complete;
  prompt.completer = (line, callback) => {
    const result = completeLine(line, interpreter);
    if (result === undefined) completeScript(line, callback);
    else callback(null, result);
  };
  stopOnInterrupt(server, printer, interpreter);
  return new Promise((resolve) => {
    server.once("exit", () => resolve(0));
  });
}

/** While something is printed or waited for, Ctrl-C means that; else what it means to Node's prompt. */
function stopOnInterrupt(server: REPLServer, printer: Printer, interpreter: Interpreter): void {
  const usual = server.listeners("SIGINT") as (() => void)[];
  server.removeAllListeners("SIGINT");
  server.on("SIGINT", () => {
    if (printer.isPrinting) printer.stop();
    else if (interpreter.isWaiting) interpreter.interrupt();
    else for (const listener of usual) listener.call(server);
  });
}
