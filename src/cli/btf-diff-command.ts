import { Command } from "commander";
import {
  breakingChanges,
  diffBtf,
  formatDiff,
  formatDiffMarkdown,
  type NearDuplicate,
  nearDuplicates,
  printableName,
} from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface DiffFlags {
  base?: string;
  baseB?: string;
  offsets: boolean;
  abi?: boolean;
  duplicates?: boolean;
  markdown?: boolean;
  json?: boolean;
}

const example = `
Types are compared by name and use, never by id. Exit code 0: no difference, 1: they differ.
With --abi only what breaks users of A that meet B counts: programs compiled with A's definitions (header),
BPF programs with CO-RE (core). With --duplicates, A alone: its types of one name, and why they are not one.

Example:
  $ dwarfless btf diff vmlinux.btf vmlinux-all.btf
  $ dwarfless btf diff old/veth.ko new/veth.ko --base old/vmlinux --base-b new/vmlinux --no-offsets
  $ dwarfless btf diff 6.1/vmlinux 7.2/vmlinux --abi --markdown
  $ dwarfless btf diff vmlinux.btf --duplicates
`;

/** `dwarfless btf diff`: exit 1 when they differ. */
export function btfDiffCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command("diff")
    .description("compare two BTFs by name and use")
    .argument("<A>", "raw BTF, or an ELF file with .BTF")
    .argument("[B]", "the same")
    .option("--base <BTF>", "what A and B were split from")
    .option("--base-b <BTF>", "what B was split from, if that is another")
    .option("--no-offsets", "leave out where variables lie, which differs between builds")
    .option("--abi", "only what breaks users of A")
    .option("--duplicates", "without B: types of A that have a name in common, and how they differ")
    .option("--markdown", "print Markdown")
    .option("--json", "print the differences as JSON")
    .addHelpText("after", example)
    .action(async (a: string, b: string | undefined, flags: DiffFlags) => {
      if (flags.markdown && flags.json) throw new UsageError("--markdown and --json exclude each other");
      if (flags.duplicates) {
        if (b !== undefined) throw new UsageError("--duplicates takes one file");
        if (flags.markdown || flags.abi) throw new UsageError("--duplicates goes with --json only");
        setExitCode(await duplicates(a, flags, streams));
      } else if (b === undefined) throw new UsageError("missing required argument 'B'");
      else setExitCode(await diff(a, b, flags, streams));
    });
}

async function diff(a: string, b: string, flags: DiffFlags, streams: Streams): Promise<number> {
  const before = await loadBtf(a, flags.base);
  const after = await loadBtf(b, flags.baseB ?? flags.base);
  const all = diffBtf(before, after, { offsets: flags.offsets });
  const found = flags.abi ? breakingChanges(all) : all;
  if (flags.json) {
    const entries = found.entries.map(({ category, status, name, newName, breaks, changes }) => ({
      category,
      status,
      name,
      newName,
      breaks,
      changes,
    }));
    const document = { schema: 1, before: a, after: b, counts: found.counts, entries };
    streams.out(`${JSON.stringify(document, undefined, 1)}\n`);
  } else {
    writeLines(flags.markdown ? formatDiffMarkdown(found, a, b) : formatDiff(found), streams);
  }
  return found.entries.length === 0 ? exitDone : exitNegative;
}

async function duplicates(file: string, flags: DiffFlags, streams: Streams): Promise<number> {
  const found = nearDuplicates(await loadBtf(file, flags.base));
  if (flags.json) {
    streams.out(`${JSON.stringify({ schema: 1, file, duplicates: found }, undefined, 1)}\n`);
  } else {
    const line = ({ name, first, id, reason }: NearDuplicate): string =>
      oneLine(`${printableName(name)} [${id}] differs from [${first}]: ${printableName(reason)}`);
    writeLines(found.map(line), streams);
  }
  return found.length === 0 ? exitDone : exitNegative;
}
