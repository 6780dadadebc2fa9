import { statSync } from "node:fs";
import { Command } from "commander";
import type * as CPrinting from "../btf/c/index.ts";
import { type Btf, bytesWithRoom, type CHeaderOptions, prepareRecordText, writeRaw } from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { writeLines } from "./line-writer.ts";
import { expectShortRun, expectShortWasm } from "./short-run.ts";
import type { Streams } from "./streams.ts";

const formats = ["raw", "c", "json", "decls"] as const;

interface DumpFlags {
  base?: string;
  root?: string[];
  unsorted?: boolean;
  pretty?: boolean;
  json?: boolean;
}

const example = `
Formats:
  raw    one type after the other, as bpftool prints them
  c      a C header with every type, as bpftool prints it: vmlinux.h
  json   the types as one JSON document, as bpftool -j prints it; --pretty for -p
  decls  every variable and function as a C declaration, one a line, sorted

Example:
  $ dwarfless btf dump /sys/kernel/btf/vmlinux decls | grep init_task
  $ dwarfless btf dump vmlinux c > vmlinux.h
  $ dwarfless btf dump vmlinux c --root task_struct
  $ dwarfless btf dump veth.ko decls --base vmlinux
`;

/** `dwarfless btf dump` */
export function btfDumpCommand(streams: Streams): Command {
  return new Command("dump")
    .description("print BTF")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .argument("[FORMAT]", formats.join(", "), "raw")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .option("--root <NAME...>", "c: only these types and what they need; a name, 'struct NAME', or an id")
    .option("--unsorted", "c: in the order of ids, not by kind and name")
    .option("--pretty", "json: indented")
    .option("--json", "print declarations as JSON; the same as json with every other format but c")
    .addHelpText("after", example)
    .action(async (file: string, format: string, flags: DumpFlags) => dump(file, format, flags, streams));
}

async function dump(file: string, formatName: string, flags: DumpFlags, streams: Streams): Promise<void> {
  let format = formats.find((name) => name === formatName);
  if (format === undefined)
    throw new UsageError(`format '${formatName}' is not one of ${formats.join(", ")}`);
  if (format === "raw" && flags.json) format = "json";
  if (flags.json && format === "c") throw new UsageError("--json goes with raw, json and decls, not with c");
  if (format !== "c" && (flags.root ?? flags.unsorted) !== undefined)
    throw new UsageError(`--root and --unsorted go with c, not with ${format}`);
  if (format !== "json" && flags.pretty) throw new UsageError(`--pretty goes with json, not with ${format}`);
  // What prints is loaded while the file is read.
  const [btf, printer] = await Promise.all([
    loadBtf(file, flags.base, format === "decls" ? undefined : bytesWithRoom),
    format === "c" ? loadCPrinter(file) : prepareRecordText(),
  ]);
  switch (format) {
    case "raw":
      writeRaw(btf, streams.outBytes);
      break;
    case "c":
      // Of an ELF file the size says nothing of its types.
      await expectShortWasm(btf.words.byteLength);
      printer!.writeCHeader(btf, streams.outBytes, await headerOptions(btf, flags));
      break;
    case "json": {
      const { writeJson } = await import("../btf/json.ts");
      writeJson(btf, streams.outBytes, flags.pretty);
      break;
    }
    default: {
      await expectShortRun();
      const { declarations } = await import("../btf/index.ts");
      const lines = declarations(btf);
      if (flags.json)
        streams.out(`${JSON.stringify({ schema: 1, file, declarations: [...lines] }, undefined, 1)}\n`);
      else writeLines(lines, streams);
    }
  }
}

/** Loaded when called for: what is loaded counts against what a dump takes. */
async function loadCPrinter(file: string): Promise<typeof CPrinting> {
  const printing = await import("../btf/c/index.ts");
  // After loading: bytecode is good only for the options of V8 that it was made with.
  await expectShortWasm(statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  await printing.prepareCHeader();
  return printing;
}

async function headerOptions(btf: Btf, flags: DumpFlags): Promise<CHeaderOptions> {
  const sorted = flags.unsorted !== true;
  if (flags.root === undefined) return { sorted };
  const { findRoots } = await import("./btf-names.ts");
  return { sorted, roots: findRoots(btf, flags.root) };
}
