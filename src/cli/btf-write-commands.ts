import { Command } from "commander";
import {
  Btf,
  dedupBtf,
  distill,
  extractBtf,
  mergeBtf,
  relocateBtf,
  sortBtf,
  splitBtf,
} from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { readBtfFile } from "../sidecar/index.ts";
import { loadBtf } from "./btf-input.ts";
import { findAny } from "./btf-names.ts";
import { standardOutput, writeOutput } from "./output-file.ts";
import type { Streams } from "./streams.ts";

interface OutputFlags {
  base?: string;
  output: string;
}

/** The commands below `dwarfless btf` that write BTF. */
export function btfWriteCommands(streams: Streams): Command[] {
  return [
    btfExtractCommand(streams),
    btfSortCommand(streams),
    btfDedupCommand(streams),
    btfSplitCommand(streams),
    btfMergeCommand(streams),
    btfDistillCommand(streams),
    btfRelocateCommand(streams),
  ];
}

/** `dwarfless btf extract`: some types and all that they need, as a BTF of their own. */
function btfExtractCommand(streams: Streams): Command {
  return writing("extract", "write some types, and all that they refer to, as BTF of their own")
    .argument("<NAME...>", "types, variables and functions: NAME, 'struct NAME', or an id")
    .addHelpText("after", "\nExample:\n  $ dwarfless btf extract vmlinux task_struct init_task -o task.btf\n")
    .action(async (file: string, names: string[], flags: OutputFlags) => {
      const btf = await loadBtf(file, flags.base);
      write(flags.output, extractBtf(btf, findAny(btf, names)), streams);
    });
}

/** `dwarfless btf sort`: by name, as kernels from 7.2 on want it. */
function btfSortCommand(streams: Streams): Command {
  return writing("sort", "write BTF with its types sorted by name, as kernels from 7.2 on search it")
    .addHelpText("after", "\nExample:\n  $ dwarfless btf sort vmlinux.btf -o sorted.btf\n")
    .action(async (file: string, flags: OutputFlags) => {
      const btf: Btf = await loadBtf(file, flags.base);
      write(flags.output, sortBtf(btf), streams);
    });
}

/** `dwarfless btf distill`: a module's BTF with what it needs of its base, in two files. */
function btfDistillCommand(streams: Streams): Command {
  return writing("distill", "make split BTF independent of the exact bytes of its base")
    .requiredOption("--base-output <FILE>", "where the distilled base goes, for .BTF.base")
    .addHelpText(
      "after",
      "\nExample:\n  $ dwarfless btf distill veth.ko --base vmlinux -o veth.btf --base-output veth.base.btf\n",
    )
    .action(async (file: string, flags: OutputFlags & { baseOutput: string }) => {
      const { base, split } = distill(await loadBtf(file, flags.base));
      write(flags.baseOutput, base, streams);
      write(flags.output, split, streams);
    });
}

/** `dwarfless btf dedup`: each type once. */
function btfDedupCommand(streams: Streams): Command {
  return writing("dedup", "write BTF with each type once, forward declarations resolved")
    .addHelpText("after", "\nExample:\n  $ dwarfless btf dedup veth.ko --base vmlinux -o veth.btf\n")
    .action(async (file: string, flags: OutputFlags) => {
      write(flags.output, dedupBtf(await loadBtf(file, flags.base)), streams);
    });
}

/** `dwarfless btf split`: what a BTF has beyond another. */
function btfSplitCommand(streams: Streams): Command {
  return new Command("split")
    .description("write what BTF that stands alone has beyond a base, as split BTF over it")
    .argument("<FILE>", fileHelp)
    .requiredOption("--base <BTF>", "what the result is to be split from: raw BTF, or ELF with .BTF")
    .requiredOption("-o, --output <OUT>", outputHelp)
    .addHelpText(
      "after",
      "\nExample:\n  $ dwarfless btf split vmlinux-all.btf --base vmlinux -o variables.btf\n",
    )
    .action(async (file: string, flags: OutputFlags & { base: string }) => {
      write(flags.output, splitBtf(await loadBtf(file), await loadBtf(flags.base)), streams);
    });
}

/** `dwarfless btf merge`: several BTFs in one. */
function btfMergeCommand(streams: Streams): Command {
  return new Command("merge")
    .description("write several BTFs as one, each type once")
    .argument("<FILE...>", `two or more: ${fileHelp}`)
    .option("--base <BTF>", "what all of them were split from, and the result is")
    .requiredOption("-o, --output <OUT>", outputHelp)
    .addHelpText("after", "\nExample:\n  $ dwarfless btf merge net.o trace.o -o both.btf\n")
    .action(async (files: string[], flags: OutputFlags) => {
      if (files.length < 2) throw new UsageError("merge: one file alone has nothing to be merged with");
      const base =
        flags.base === undefined ? undefined : Btf.parse(await readBtfFile(flags.base), { name: flags.base });
      const inputs: Btf[] = [];
      for (const file of files) inputs.push(await loadBtf(file, base));
      write(flags.output, mergeBtf(inputs), streams);
    });
}

/** `dwarfless btf relocate`: from a distilled base onto a kernel's own. */
function btfRelocateCommand(streams: Streams): Command {
  return new Command("relocate")
    .description("put BTF with a distilled base over a kernel's own BTF, as that kernel would")
    .argument("<FILE>", "a module with .BTF.base; or raw BTF, with --distilled-base")
    .requiredOption("--base <BTF>", "the kernel's: raw BTF, or ELF with .BTF")
    .option("--distilled-base <BTF>", "what FILE was split from, where FILE does not hold it")
    .requiredOption("-o, --output <OUT>", outputHelp)
    .addHelpText("after", "\nExample:\n  $ dwarfless btf relocate extra.ko --base vmlinux -o extra.btf\n")
    .action(async (file: string, flags: OutputFlags & { base: string; distilledBase?: string }) => {
      const btf = await loadBtf(file, flags.distilledBase);
      write(flags.output, relocateBtf(btf, await loadBtf(flags.base)), streams);
    });
}

const fileHelp = "raw BTF, or an ELF file with .BTF";
const outputHelp = "where the BTF goes; - is standard output";

function writing(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument("<FILE>", fileHelp)
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .requiredOption("-o, --output <OUT>", outputHelp);
}

function write(path: string, bytes: Uint8Array, streams: Streams): void {
  if (path === standardOutput) streams.outBytes(bytes);
  else writeOutput(path, bytes);
}
