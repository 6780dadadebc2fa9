import { Command } from "commander";
import { listNetdevs, listSockets, netLines } from "../commands/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless net`: devices and sockets. */
export function netCommand(streams: Streams): Command {
  return addDumpOptions(new Command("net"))
    .description("network devices with their addresses; TCP, UDP and Unix sockets with states and queues")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless net vmcore\n")
    .action((files: string[], flags: DumpFlags) =>
      withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const devices = listNetdevs(kernel, gaps);
        const sockets = listSockets(kernel, gaps);
        const warnings = gaps.diagnostics.map(({ text }) => text);
        if (flags.json) streams.out(jsonDocument({ devices, sockets, warnings }));
        else {
          writeLines([...netLines(devices, sockets)].map(oneLine), streams);
          for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
        }
      }),
    );
}
