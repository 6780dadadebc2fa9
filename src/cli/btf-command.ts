import { Command } from "commander";
import { btfCheckCommand } from "./btf-check-command.ts";
import { btfDiffCommand } from "./btf-diff-command.ts";
import { btfDumpCommand } from "./btf-dump-command.ts";
import { btfLayoutCommand } from "./btf-layout-command.ts";
import { btfFindCommand, btfStatsCommand } from "./btf-query-commands.ts";
import {
  btfDedupCommand,
  btfDistillCommand,
  btfExtractCommand,
  btfMergeCommand,
  btfRelocateCommand,
  btfSortCommand,
  btfSplitCommand,
} from "./btf-write-commands.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless btf …` */
export function btfCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command("btf")
    .description("look at BTF: raw, or in an ELF file")
    .addCommand(btfDumpCommand(streams))
    .addCommand(btfLayoutCommand(streams, setExitCode))
    .addCommand(btfDiffCommand(streams, setExitCode))
    .addCommand(btfCheckCommand(streams, setExitCode))
    .addCommand(btfStatsCommand(streams))
    .addCommand(btfFindCommand(streams, setExitCode))
    .addCommand(btfExtractCommand(streams))
    .addCommand(btfSortCommand(streams))
    .addCommand(btfDedupCommand(streams))
    .addCommand(btfSplitCommand(streams))
    .addCommand(btfMergeCommand(streams))
    .addCommand(btfDistillCommand(streams))
    .addCommand(btfRelocateCommand(streams));
}
