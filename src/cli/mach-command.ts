import { Command } from "commander";
import { machineInfo, machineLines } from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless mach`: the hardware. */
export function machCommand(streams: Streams): Command {
  return addDumpOptions(new Command("mach"))
    .description("the hardware: machine, CPUs and what they are, memory, page size, ticks a second")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless mach vmcore\n")
    .action((args: string[], flags: DumpFlags) => {
      const { files, rest } = splitArguments(args);
      if (rest.length > 0) throw new UsageError(`mach: one dump, and nothing else: '${rest[0]}'`);
      return withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const info = machineInfo(kernel, gaps);
        const warnings = gaps.diagnostics.map(({ text }) => text);
        if (flags.json) streams.out(jsonDocument({ ...info, warnings }));
        else {
          writeLines([...machineLines(info)].map(oneLine), streams);
          for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
        }
      });
    });
}
