import { Command } from "commander";
import { findLocks, lockLines, stackLines, stackRow } from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless locks`: who waits for whom. */
export function locksCommand(streams: Streams): Command {
  return addDumpOptions(new Command("locks"))
    .description("who waits for whom: cycles and root holders first, with their stacks")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless locks vmcore\n")
    .action((args: string[], flags: DumpFlags) => {
      const { files, rest } = splitArguments(args);
      if (rest.length > 0) throw new UsageError(`locks: one dump, and nothing else: '${rest[0]}'`);
      const started = Date.now();
      return withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const { report, stacks, found } = findLocks(kernel, gaps, {
          ...(flags.deadline !== undefined && { deadline: started + Number(flags.deadline) * 1000 }),
        });
        const warnings = gaps.diagnostics.map(({ text }) => text);
        if (flags.json) {
          const rows = found.map((each) => stackRow(stacks, each, {}));
          streams.out(jsonDocument({ ...report, stacks: rows, warnings }));
          return;
        }
        const lines = [...lockLines(report)];
        for (const each of found) lines.push("", ...stackLines(stacks, each, {}));
        writeLines(lines.map(oneLine), streams);
        for (const text of warnings) streams.err(`dwarfless: ${oneLine(text)}\n`);
      });
    });
}
