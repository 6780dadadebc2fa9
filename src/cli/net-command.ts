import { Command } from "commander";
import {
  listNeighbours,
  listNetdevs,
  listProcessSockets,
  listSockets,
  neighbourLines,
  netdevLines,
  socketLines,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { exitNegative } from "./exit-code.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface NetFlags extends DumpFlags {
  neighbours?: boolean;
  sockets?: boolean;
  statistics?: boolean;
}

interface Answer {
  document: object;
  lines: Iterable<string>;
  missing?: readonly string[];
}

/** `dwarfless net`: devices, sockets, neighbours. */
export function netCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addDumpOptions(new Command("net"))
    .description("network devices with their addresses; sockets with states and queues; of all namespaces")
    .argument("<DUMP...>", "a dump, or the parts of a split one; with -s then PIDs")
    .option("-a, --neighbours", "what ARP and IPv6 neighbour discovery know")
    .option("-s, --sockets", "sockets that the processes of these PIDs have open")
    .option("-S, --statistics", "what the devices counted")
    .addHelpText("after", "\nExample:\n  $ dwarfless net vmcore\n  $ dwarfless net vmcore -s 131\n")
    .action((args: string[], flags: NetFlags) => {
      const { files, rest } = splitArguments(args);
      const views = [flags.neighbours, flags.sockets, flags.statistics].filter(Boolean).length;
      if (views > 1) throw new UsageError("net: one of -a, -s, -S");
      if (flags.sockets !== true && rest.length > 0) throw new UsageError(`net: '${rest[0]}' is for -s`);
      return withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const { document, lines, missing = [] } = answer(kernel, gaps, rest, flags);
        const text = flags.json ? [] : [...lines];
        const warnings = gaps.diagnostics.map((each) => each.text);
        if (flags.json) streams.out(jsonDocument({ ...document, warnings }));
        else {
          writeLines(text.map(oneLine), streams);
          for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
        }
        for (const pid of missing) streams.err(`dwarfless: net: nothing fits ${pid}\n`);
        if (missing.length > 0) setExitCode(exitNegative);
      });
    });
}

function answer(kernel: Kernel, gaps: Gaps, pids: readonly string[], flags: NetFlags): Answer {
  if (flags.neighbours) {
    const { rows } = listNeighbours(kernel, gaps);
    return { document: { neighbours: rows }, lines: neighbourLines(rows) };
  }
  if (flags.sockets) {
    const { rows, missing } = listProcessSockets(kernel, gaps, pids);
    return { document: { sockets: rows }, lines: socketLines(rows), missing };
  }
  const devices = listNetdevs(kernel, gaps);
  if (flags.statistics) return { document: { devices }, lines: netdevLines(devices, true) };
  const sockets = listSockets(kernel, gaps);
  const lines = [...netdevLines(devices), "", ...socketLines(sockets)];
  return { document: { devices, sockets }, lines };
}
