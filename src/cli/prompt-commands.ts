import { type Command, CommanderError } from "commander";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { ReplCommand } from "../repl/index.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** Stands where a command line names the dump. */
const openedDump = "(this dump)";

/** The commands over a dump as the prompt has them: over the kernel that is open, with the options they have outside. */
export function promptCommands(
  kernel: Kernel,
  streams: Streams,
  makeCommands: (streams: Streams, setExitCode: (code: number) => void) => Command[],
): ReplCommand[] {
  const make = (into: Streams): Command[] =>
    makeCommands(into, () => {}).filter((command) => command.name() !== "debug");
  return make(streams).map((command) => ({
    name: command.name(),
    description: command.description(),
    run: async (words) => {
      let text = "";
      const gather = (more: string): void => {
        text += more;
      };
      const into: Streams = {
        ...streams,
        kernel,
        out: gather,
        outBytes: (bytes) => gather(Buffer.from(bytes).toString("latin1")),
        err: gather,
        errIsTerminal: false,
      };
      const own = make(into).find((each) => each.name() === command.name())!;
      own.exitOverride();
      own.configureOutput({ writeOut: gather, writeErr: gather, outputError: () => {} });
      try {
        await own.parseAsync([openedDump, ...words], { from: "user" });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        if (error.exitCode !== 0) throw new UsageError(oneLine(error.message.replace(/^error: /, "")));
      }
      return text;
    },
  }));
}
