import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Interpreter, Outcome } from "./interpreter.ts";
import { Line } from "./line.ts";
import { metaCommands } from "./meta-commands.ts";

/** Shows what came of a line. */
export type Show = (outcome: Outcome) => Promise<void>;

/**
 * Runs the lines of an input that is no terminal, without prompts; a line that fails does not stop
 * the next.
 * @returns 0, or 1 where a line failed
 */
export async function runPiped(
  input: Readable,
  interpreter: Interpreter,
  show: Show,
  help: string,
): Promise<number> {
  const lines = createInterface({ input, crlfDelay: Infinity, terminal: false });
  let pending = "";
  let hasFailed = false;
  const conclude = async (outcome: Outcome): Promise<void> => {
    hasFailed ||= outcome.kind === "error";
    await show(outcome);
  };
  for await (const line of lines) {
    const command = pending === "" ? /^\s*\.([a-z]+)\s*(.*)$/.exec(line) : null;
    if (command !== null) {
      const name = command[1]!;
      if (name === "exit") break;
      await conclude(await runCommand(name, command[2]!, interpreter, help));
      continue;
    }
    pending += `${line}\n`;
    const outcome = await interpreter.run(pending);
    if (outcome.kind === "incomplete") continue;
    pending = "";
    await conclude(outcome);
  }
  lines.close();
  if (pending.trim() !== "") {
    await conclude({ kind: "error", error: new SyntaxError("the input ends within an expression") });
  }
  return hasFailed ? 1 : 0;
}

async function runCommand(
  name: string,
  argument: string,
  interpreter: Interpreter,
  help: string,
): Promise<Outcome> {
  if (name === "help") return { kind: "value", value: new Line(help) };
  const command = metaCommands.find((each) => each.name === name);
  if (command !== undefined) return command.run(argument, interpreter);
  return interpreter.runCommand({ name, rest: argument });
}
