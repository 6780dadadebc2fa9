import { Command } from "commander";
import { rcuInfo, rcuLines } from "../commands/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless rcu`: the grace period, and who holds it up. */
export function rcuCommand(streams: Streams): Command {
  return addDumpOptions(new Command("rcu"))
    .description("RCU: the grace period, what each CPU owes it, tasks it waits for")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless rcu vmcore\n")
    .action((files: string[], flags: DumpFlags) =>
      withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const info = rcuInfo(kernel, gaps);
        const warnings = gaps.diagnostics.map(({ text }) => text);
        if (flags.json) streams.out(jsonDocument({ ...info, warnings }));
        else {
          writeLines([...rcuLines(info)].map(oneLine), streams);
          for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
        }
      }),
    );
}
