import { Command, CommanderError } from "commander";
import { UsageError } from "../io/index.ts";
import { btfCommand } from "./btf-command.ts";
import { dumpCommands } from "./dump-commands.ts";
import { encodeCommand, type EncodeFile } from "./encode-command.ts";
import { exitDone, exitUsage } from "./exit-code.ts";
import { moduleCommand } from "./module-command.ts";
import { oneLine } from "./run-program.ts";
import { storeCommand } from "./store-command.ts";
import type { Streams } from "./streams.ts";
import { version } from "./version.ts";

/** What the commands call; tests put their own in. */
export interface Doors {
  encodeFile: EncodeFile;
}

/** Run `dwarfless` with these arguments; gives the exit code. Throws what the top level turns into a line. */
export async function runDwarfless(args: readonly string[], streams: Streams, doors: Doors): Promise<number> {
  let exitCode = exitDone;
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  const program = new Command("dwarfless")
    .description("Make the Linux kernel debuggable without DWARF")
    .version(version)
    .addCommand(encodeCommand(streams, doors.encodeFile, setExitCode))
    .addCommand(btfCommand(streams, setExitCode))
    .addCommand(moduleCommand(streams, doors.encodeFile, setExitCode))
    .addCommand(storeCommand(streams, doors.encodeFile, setExitCode))
    .showHelpAfterError(false);
  for (const command of dumpCommands(streams, setExitCode)) program.addCommand(command);
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

/** Make a command and those below it throw instead of exiting, and write where they are told. */
function prepare(command: Command, streams: Streams): void {
  command.exitOverride();
  command.configureOutput({ writeOut: streams.out, writeErr: streams.err, outputError: () => {} });
  for (const below of command.commands) prepare(below, streams);
}
