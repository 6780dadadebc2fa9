import { Command } from "commander";
import { systemInfo, systemLines } from "../commands/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless sys`: the machine and its state. */
export function sysCommand(streams: Streams): Command {
  return addDumpOptions(new Command("sys"))
    .description("the machine: release, CPUs, uptime, load, memory, command line, taints")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless sys vmcore\n")
    .action((files: string[], flags: DumpFlags) =>
      withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const info = systemInfo(kernel, gaps);
        const warnings = gaps.diagnostics.map(({ text }) => text);
        if (flags.json) streams.out(jsonDocument({ ...info, warnings }));
        else {
          writeLines([...systemLines(info)].map(oneLine), streams);
          for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
        }
      }),
    );
}
