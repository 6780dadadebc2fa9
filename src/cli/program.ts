import { Command, CommanderError } from "commander";
import { UsageError } from "../io/index.ts";
import { addCommands, type CommandGroup } from "./command-group.ts";
import type { EncodeFile } from "./encode-command.ts";
import { exitDone, exitUsage } from "./exit-code.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";
import { version } from "./version.ts";

/** What the commands call; tests put their own in. */
export interface Doors {
  encodeFile: EncodeFile;
}

/** Commands that open a dump; one that is missing here is found too, only not as soon. */
const dumpCommandNames =
  "info vars sym eval read struct union list tree search rd vtop whatis bt ps log mod mount files fuser vm irq kmem swap runq timer dev locks sys mach net workqueue waitq rcu bpf ipc lsns cgroup sig sysctl triage debug".split(
    " ",
  );

/** Run `dwarfless` with these arguments; gives the exit code. Throws what the top level turns into a line. */
export async function runDwarfless(args: readonly string[], streams: Streams, doors: Doors): Promise<number> {
  let exitCode = exitDone;
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  const program = new Command("dwarfless")
    .description("Make the Linux kernel debuggable without DWARF")
    .version(version)
    .showHelpAfterError(false);
  await addCommands(program, commandGroups(streams, doors, setExitCode, args[1]), args[0]);
  prepare(program, streams);
  if (args.length === 0) {
    streams.err(program.helpInformation());
    return exitUsage;
  }
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitDone;
    if (error.code === "commander.help") return exitUsage;
    throw new UsageError(oneLine(error.message.replace(/^error: /, "")));
  }
  return exitCode;
}

/** All commands, in the order of the help. @param below the command that is asked for below one of them */
export function commandGroups(
  streams: Streams,
  { encodeFile }: Doors,
  setExitCode: (code: number) => void,
  below?: string,
): CommandGroup[] {
  return [
    {
      names: ["encode"],
      load: async () => [
        (await import("./encode-command.ts")).encodeCommand(streams, encodeFile, setExitCode),
      ],
    },
    {
      names: ["btf"],
      load: async () => [await (await import("./btf-command.ts")).btfCommand(streams, setExitCode, below)],
    },
    {
      names: ["module"],
      load: async () => [
        (await import("./module-command.ts")).moduleCommand(streams, encodeFile, setExitCode),
      ],
    },
    {
      names: ["store"],
      load: async () => [(await import("./store-command.ts")).storeCommand(streams, encodeFile, setExitCode)],
    },
    {
      names: ["oops"],
      load: async () => [(await import("./oops-command.ts")).oopsCommand(streams)],
    },
    {
      names: ["export"],
      load: async () => [(await import("./export-command.ts")).exportCommand(streams)],
    },
    {
      names: dumpCommandNames,
      load: async () => (await import("./dump-commands.ts")).dumpCommands(streams, setExitCode),
    },
  ];
}

/** Make a command and those below it throw instead of exiting, and write where they are told. */
function prepare(command: Command, streams: Streams): void {
  command.exitOverride();
  command.configureOutput({ writeOut: streams.out, writeErr: streams.err, outputError: () => {} });
  for (const below of command.commands) prepare(below, streams);
}
