import { Command } from "commander";
import { addCommands, type CommandGroup } from "./command-group.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless btf …`. @param wanted the command below it that is asked for, if that is known */
export async function btfCommand(
  streams: Streams,
  setExitCode: (code: number) => void,
  wanted: string | undefined,
): Promise<Command> {
  const command = new Command("btf").description("look at BTF: raw, or in an ELF file");
  await addCommands(command, btfCommandGroups(streams, setExitCode), wanted);
  return command;
}

/** All commands below `btf`, in the order of the help. */
export function btfCommandGroups(streams: Streams, setExitCode: (code: number) => void): CommandGroup[] {
  return [
    {
      names: ["dump"],
      load: async () => [(await import("./btf-dump-command.ts")).btfDumpCommand(streams)],
    },
    {
      names: ["layout"],
      load: async () => [(await import("./btf-layout-command.ts")).btfLayoutCommand(streams, setExitCode)],
    },
    {
      names: ["diff"],
      load: async () => [(await import("./btf-diff-command.ts")).btfDiffCommand(streams, setExitCode)],
    },
    {
      names: ["check"],
      load: async () => [(await import("./btf-check-command.ts")).btfCheckCommand(streams, setExitCode)],
    },
    {
      names: ["stats", "find"],
      load: async () => {
        const { btfFindCommand, btfStatsCommand } = await import("./btf-query-commands.ts");
        return [btfStatsCommand(streams), btfFindCommand(streams, setExitCode)];
      },
    },
    {
      names: ["extract", "sort", "dedup", "split", "merge", "distill", "relocate"],
      load: async () => (await import("./btf-write-commands.ts")).btfWriteCommands(streams),
    },
  ];
}
