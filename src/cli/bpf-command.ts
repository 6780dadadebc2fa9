import { Command } from "commander";
import {
  bpfLinkLines,
  bpfMapLines,
  bpfProgLines,
  listBpfLinks,
  listBpfMaps,
  listBpfProgs,
} from "../commands/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless bpf`: programs, maps and links. */
export function bpfCommand(streams: Streams): Command {
  return addDumpOptions(new Command("bpf"))
    .description("BPF programs, maps and links")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless bpf vmcore\n")
    .action((files: string[], flags: DumpFlags) =>
      withKernel(files, flags, streams, (kernel) => {
        const gaps = new Gaps();
        const list = <Row>(name: string, rows: () => { rows: Row[] }): Row[] =>
          gaps.column(name, rows)?.rows ?? [];
        const programs = list("programs", () => listBpfProgs(kernel, gaps));
        const maps = list("maps", () => listBpfMaps(kernel, gaps));
        const links = list("links", () => listBpfLinks(kernel, gaps));
        const warnings = gaps.diagnostics.map(({ text }) => text);
        if (flags.json) streams.out(jsonDocument({ programs, maps, links, warnings }));
        else {
          const lines = [...bpfProgLines(programs), "", ...bpfMapLines(maps), "", ...bpfLinkLines(links)];
          writeLines(lines.map(oneLine), streams);
          for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
        }
      }),
    );
}
