import { Command } from "commander";
import {
  type Btf,
  BTF_KIND_VAR,
  type IsfSymbol,
  isfPieces,
  type ScriptVariable,
  scriptTypes,
  prepareCHeader,
  prepareRecordText,
  writeCHeader,
  writeJson,
} from "../btf/index.ts";
import { isfSymbols, kernelElf, kernelTypes, scriptVariables } from "../commands/index.ts";
import { ElfFile } from "../elf/index.ts";
import { FileSource, UsageError } from "../io/index.ts";
import { parseProcKallsyms } from "../kallsyms/index.ts";
import { elfImage } from "../module/index.ts";
import { loadBtf } from "./btf-input.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { checkWritable, standardOutput, writeOutput } from "./output-file.ts";
import type { Streams } from "./streams.ts";
import { version } from "./version.ts";

const formats = ["header", "isf", "types", "json", "elf"] as const;
type TypeFormat = Exclude<(typeof formats)[number], "elf">;

interface ExportFlags extends DumpFlags {
  output?: string;
  base?: string;
  symbols?: string;
  linked?: boolean;
}

/** What is exported: types, and what is known of the symbols. */
interface Subject {
  btf: Btf;
  symbols: () => Iterable<IsfSymbol>;
  variables: () => Iterable<ScriptVariable>;
}

const example = `
WHAT:
  header  vmlinux.h, as 'btf dump c'
  isf     Volatility 3's symbol table: types, symbols with their types, the banner
  types   TypeScript declarations (.d.ts) of structs and variables
  json    as 'btf dump json'
  elf     an ELF file with the symbols, types, code and build id of the kernel in a dump

FILE is a dump; or, but for elf, a vmlinux with .BTF, or raw BTF (for isf then with --symbols).

Example:
  $ dwarfless export isf vmcore -o linux-6.1.json
  $ dwarfless export isf vmlinux.btf --symbols System.map -o linux-6.1.json
  $ dwarfless export types vmcore -o kernel.d.ts
  $ dwarfless export elf vmcore -o vmlinux.elf && gdb -batch -ex 'info symbol 0xffffffff94236350' vmlinux.elf
`;

/** `dwarfless export` */
export function exportCommand(streams: Streams): Command {
  return addDumpOptions(new Command("export"))
    .description("types and symbols in other tools' formats")
    .argument("<WHAT>", formats.join(", "))
    .argument("<FILE...>", "a dump, or the parts of a split one; or an ELF file with .BTF, or raw BTF")
    .requiredOption("-o, --output <OUT>", "where to, - for standard output")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .option("--symbols <FILE>", "isf: symbols of the kernel, as System.map or /proc/kallsyms has them")
    .option("--linked", "elf: addresses that the kernel was linked at, without modules")
    .addHelpText("after", example)
    .action(async (what: string, files: string[], flags: ExportFlags) => {
      const format = formats.find((name) => name === what);
      if (format === undefined) throw new UsageError(`'${what}' is not one of ${formats.join(", ")}`);
      const output = flags.output ?? standardOutput;
      if (flags.linked && format !== "elf") throw new UsageError("--linked goes with elf");
      checkWritable(output);
      const pieces: Uint8Array[] = [];
      if (format === "header") await prepareCHeader();
      if (format === "json") await prepareRecordText();
      const keep = (subject: Subject): void => {
        if (format === "elf") throw new UsageError(`export elf: no dump: '${files[0]}'`);
        exportTo(format, subject, (piece) => pieces.push(piece));
      };
      const file = files[0]!;
      if (!(await holdsBtf(file))) {
        if (flags.base !== undefined || flags.symbols !== undefined)
          throw new UsageError("--base and --symbols go with BTF, not with a dump");
        await withKernel(files, flags, streams, (kernel) => {
          if (format === "elf") {
            const { bytes, missing } = kernelElf(kernel, { linked: flags.linked ?? false });
            for (const text of missing) streams.err(`dwarfless: ${text}\n`);
            pieces.push(bytes);
            return;
          }
          const btf = kernelTypes(kernel);
          keep({
            btf,
            symbols: () => isfSymbols(kernel, btf),
            variables: () => scriptVariables(kernel, btf),
          });
        });
      } else if (files.length > 1) {
        throw new UsageError(`export: one file: '${files[1]}'`);
      } else {
        const btf = await loadBtf(file, flags.base);
        keep({
          btf,
          symbols: () => symbolsOf(file, flags.symbols, btf),
          variables: () => variablesOf(btf),
        });
      }
      if (output === standardOutput) for (const piece of pieces) streams.outBytes(piece);
      else writeOutput(output, Buffer.concat(pieces));
    });
}

function exportTo(format: TypeFormat, subject: Subject, write: (piece: Uint8Array) => void): void {
  const { btf } = subject;
  const writeText = (pieces: Iterable<string>): void => {
    for (const piece of pieces) write(Buffer.from(piece));
  };
  switch (format) {
    case "header":
      writeCHeader(btf, (piece) => write(piece.slice()));
      break;
    case "isf": {
      const producer = { name: "dwarfless", version };
      writeText(isfPieces(btf, { symbols: subject.symbols(), producer }));
      break;
    }
    case "types":
      writeText(scriptTypes(btf, subject.variables()));
      break;
    case "json":
      writeJson(btf, (piece) => write(piece.slice()));
  }
}

/** Raw BTF, or an ELF file with a section of it: no dump has one. */
async function holdsBtf(file: string): Promise<boolean> {
  const source = new FileSource(file);
  try {
    const start = source.read(0, Math.min(4, source.byteSize));
    const [first, second] = start;
    if ((first === 0x9f && second === 0xeb) || (first === 0xeb && second === 0x9f)) return true;
    if (first !== 0x7f || second !== 0x45) return false;
    return ElfFile.open(source).section(".BTF") !== undefined;
  } finally {
    source.close();
  }
}

function* variablesOf(btf: Btf): Generator<ScriptVariable> {
  for (let id = 1; id < btf.typeCount; id++)
    if (btf.kind(id) === BTF_KIND_VAR) yield { name: btf.name(id), type: btf.sizeOrType(id) };
}

/** Symbols of a file beside the BTF, or of the ELF file that holds it; typed by the variables of their name. */
function* symbolsOf(file: string, symbolFile: string | undefined, btf: Btf): Generator<IsfSymbol> {
  const types = new Map<string, number | undefined>();
  // Of two variables of a name neither is told from the other by a symbol.
  for (const { name, type } of variablesOf(btf)) types.set(name, types.has(name) ? undefined : type);
  const typed = (name: string, address: bigint): IsfSymbol => {
    const type = types.get(name);
    return { name, address, ...(type !== undefined && { type }) };
  };
  if (symbolFile !== undefined) {
    const source = new FileSource(symbolFile);
    try {
      const { kernel } = parseProcKallsyms(source.read(0, source.byteSize));
      for (let index = 0; index < kernel.count; index++)
        yield typed(kernel.name(index), kernel.address(index));
    } finally {
      source.close();
    }
    return;
  }
  const source = new FileSource(file);
  try {
    const elf = isElf(source) ? ElfFile.open(source) : undefined;
    const table = elf?.symbolTable();
    if (elf === undefined || table === undefined)
      throw new UsageError(`${file}: no symbols: give them with --symbols (System.map, or /proc/kallsyms)`);
    for (const wantGlobal of [true, false]) {
      for (let index = 1; index < table.length; index++) {
        const isFile = table.type(index) === 4 || table.type(index) === 3;
        if (isFile || table.sectionIndex[index] === 0 || (table.binding(index) !== 0) !== wantGlobal)
          continue;
        const symbol = typed(table.name(index), table.value(index));
        if (symbol.name === "") continue;
        const byteSize = Number(table.byteSize(index));
        if (symbol.name === "linux_banner" && byteSize < 4096)
          symbol.constantData = elfImage(elf).read(symbol.address, byteSize);
        yield symbol;
      }
    }
  } finally {
    source.close();
  }
}

function isElf(source: FileSource): boolean {
  return source.byteSize >= 4 && source.read(0, 4)[0] === 0x7f;
}
