import { Command } from "commander";
import { type Btf, distill, extractBtf, sortBtf } from "../btf/index.ts";
import { loadBtf } from "./btf-input.ts";
import { findAny } from "./btf-names.ts";
import { standardOutput, writeOutput } from "./output-file.ts";
import type { Streams } from "./streams.ts";

interface OutputFlags {
  base?: string;
  output: string;
}

/** `dwarfless btf extract`: some types and all that they need, as a BTF of their own. */
export function btfExtractCommand(streams: Streams): Command {
  return writing("extract", "write some types, and all that they refer to, as BTF of their own")
    .argument("<NAME...>", "types, variables and functions: NAME, 'struct NAME', or an id")
    .addHelpText("after", "\nExample:\n  $ dwarfless btf extract vmlinux task_struct init_task -o task.btf\n")
    .action(async (file: string, names: string[], flags: OutputFlags) => {
      const btf = await loadBtf(file, flags.base);
      write(flags.output, extractBtf(btf, findAny(btf, names)), streams);
    });
}

/** `dwarfless btf sort`: by name, as kernels from 7.2 on want it. */
export function btfSortCommand(streams: Streams): Command {
  return writing("sort", "write BTF with its types sorted by name, as kernels from 7.2 on search it")
    .addHelpText("after", "\nExample:\n  $ dwarfless btf sort vmlinux.btf -o sorted.btf\n")
    .action(async (file: string, flags: OutputFlags) => {
      const btf: Btf = await loadBtf(file, flags.base);
      write(flags.output, sortBtf(btf), streams);
    });
}

/** `dwarfless btf distill`: a module's BTF with what it needs of its base, in two files. */
export function btfDistillCommand(streams: Streams): Command {
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

function writing(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .requiredOption("-o, --output <OUT>", "where the BTF goes; - is standard output");
}

function write(path: string, bytes: Uint8Array, streams: Streams): void {
  if (path === standardOutput) streams.outBytes(bytes);
  else writeOutput(path, bytes);
}
