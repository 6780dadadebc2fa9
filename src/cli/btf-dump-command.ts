import { Command } from "commander";
import { declarations, rawLines } from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { writeLines } from "./line-writer.ts";
import type { Streams } from "./streams.ts";

const formats = ["raw", "decls"] as const;
type Format = (typeof formats)[number];

interface DumpFlags {
  base?: string;
  json?: boolean;
}

const example = `
Formats:
  raw    one type after the other, as bpftool prints them
  decls  every variable and function as a C declaration, one a line, sorted

Example:
  $ dwarfless btf dump /sys/kernel/btf/vmlinux decls | grep init_task
  $ dwarfless btf dump veth.ko decls --base vmlinux
`;

/** `dwarfless btf dump` */
export function btfDumpCommand(streams: Streams): Command {
  return new Command("dump")
    .description("print BTF")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .argument("[FORMAT]", "raw or decls", "raw")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .option("--json", "print declarations as JSON")
    .addHelpText("after", example)
    .action(async (file: string, format: string, flags: DumpFlags) => dump(file, format, flags, streams));
}

async function dump(file: string, formatName: string, flags: DumpFlags, streams: Streams): Promise<void> {
  const format = formats.find((name) => name === formatName);
  if (format === undefined)
    throw new UsageError(`format '${formatName}' is not one of ${formats.join(", ")}`);
  if (flags.json && format !== "decls") throw new UsageError(`--json goes with decls, not with ${format}`);
  const btf = await loadBtf(file, flags.base);
  if (flags.json) {
    const document = { schema: 1, file, declarations: [...declarations(btf)] };
    streams.out(`${JSON.stringify(document, undefined, 1)}\n`);
    return;
  }
  writeLines(linesOf(format)(btf), streams);
}

function linesOf(format: Format): typeof rawLines {
  return format === "raw" ? rawLines : declarations;
}
