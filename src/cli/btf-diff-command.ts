import { Command } from "commander";
import { diffBtf, formatDiff } from "../btf/index.ts";
import { loadBtf } from "./btf-input.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { writeLines } from "./line-writer.ts";
import type { Streams } from "./streams.ts";

interface DiffFlags {
  base?: string;
  baseB?: string;
  offsets: boolean;
  json?: boolean;
}

const example = `
Types are compared by name and use, never by id. Exit code 0: no difference, 1: they differ.

Example:
  $ dwarfless btf diff vmlinux.btf vmlinux-all.btf
  $ dwarfless btf diff old/veth.ko new/veth.ko --base old/vmlinux --base-b new/vmlinux --no-offsets
`;

/** `dwarfless btf diff`: exit 1 when they differ. */
export function btfDiffCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command("diff")
    .description("compare two BTFs by name and use")
    .argument("<A>", "raw BTF, or an ELF file with .BTF")
    .argument("<B>", "the same")
    .option("--base <BTF>", "what A and B were split from")
    .option("--base-b <BTF>", "what B was split from, if that is another")
    .option("--no-offsets", "leave out where variables lie, which differs between builds")
    .option("--json", "print the differences as JSON")
    .addHelpText("after", example)
    .action(async (a: string, b: string, flags: DiffFlags) => setExitCode(await diff(a, b, flags, streams)));
}

async function diff(a: string, b: string, flags: DiffFlags, streams: Streams): Promise<number> {
  const before = await loadBtf(a, flags.base);
  const after = await loadBtf(b, flags.baseB ?? flags.base);
  const found = diffBtf(before, after, { offsets: flags.offsets });
  if (flags.json) {
    const entries = found.entries.map(({ category, status, name, changes }) => ({
      category,
      status,
      name,
      changes,
    }));
    const document = { schema: 1, before: a, after: b, counts: found.counts, entries };
    streams.out(`${JSON.stringify(document, undefined, 1)}\n`);
  } else {
    writeLines(formatDiff(found), streams);
  }
  return found.entries.length === 0 ? exitDone : exitNegative;
}
