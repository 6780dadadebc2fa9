import { Command } from "commander";
import { bootTime, listLog, logLines, logRow, parseLevels } from "../commands/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface LogFlags extends DumpFlags {
  ctime?: boolean;
  level?: string;
}

/** `dwarfless log`: the kernel's messages. */
export function logCommand(streams: Streams): Command {
  return addDumpOptions(new Command("log"))
    .description("the kernel's messages, as dmesg prints them (--json: an object a line)")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .option("-T, --ctime", "wall-clock time instead of seconds since boot")
    .option("-l, --level <LIST>", "only these levels: err,warn or 3,4; err+ is err and graver")
    .addHelpText("after", "\nExample:\n  $ dwarfless log vmcore -T --level warn+\n")
    .action((files: string[], flags: LogFlags) => {
      const levels = flags.level === undefined ? undefined : parseLevels(flags.level);
      return withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const boot = flags.ctime === true ? bootTime(kernel, gaps) : undefined;
        const records = listLog(kernel, gaps, levels);
        if (flags.json) writeLines(json(), streams);
        else writeLines(text(), streams);
        for (const { text: why } of gaps.diagnostics) streams.err(`dwarfless: ${oneLine(why)}\n`);

        function* json(): Generator<string> {
          for (const record of records) yield JSON.stringify(logRow(record, boot));
        }
        function* text(): Generator<string> {
          for (const record of records) yield* logLines(record, boot);
        }
      });
    });
}
