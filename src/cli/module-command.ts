import { basename } from "node:path";
import { Command } from "commander";
import { Btf, BTF_KIND_VAR, formatProblem, validateBtf } from "../btf/index.ts";
import { unpackFile } from "../compress/index.ts";
import { ElfFile } from "../elf/index.ts";
import {
  FileSource,
  FormatError,
  isDwarflessError,
  LimitError,
  MemorySource,
  UsageError,
} from "../io/index.ts";
import { Kernel } from "../kernel/index.ts";
import {
  elfImage,
  factsOfKernel,
  factsOfModule,
  type KernelImage,
  type ModuleFacts,
  moduleLayout,
  releaseOf,
  writeModule,
} from "../module/index.ts";
import { firstMisfit, readBtfFile } from "../sidecar/index.ts";
import { countOf } from "./count.ts";
import type { EncodeFile } from "./encode-command.ts";
import { planEncode } from "./encode-arguments.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { jsonDocument } from "./json.ts";
import { checkWritable, standardOutput, writeOutput } from "./output-file.ts";
import { startProgress } from "./progress.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface ModuleFlags {
  output?: string;
  vars?: string;
  like?: string;
  name?: string;
  functionStatics: boolean;
  modinfo?: string[];
  jobs?: string;
  json?: boolean;
}

/** What is known of the kernel that the module is for. */
interface Subject {
  /** The kernel's own BTF. */
  btf: Btf;
  bytes: Uint8Array;
  /** Lower-case hexadecimal. */
  buildId: string | undefined;
  /** Undefined for a file of nothing but BTF. */
  image: KernelImage | undefined;
  hasDwarf: boolean;
  close(): void;
}

const example = `
Example:
  $ dwarfless module vmlinux -o vmlinux_vars.ko
  $ dwarfless module vmcore -o vmlinux_vars.ko --vars vmlinux-vars.btf
`;

/** `dwarfless module`: a loadable module that carries the types of all variables. */
export function moduleCommand(
  streams: Streams,
  encodeFile: EncodeFile,
  setExitCode: (code: number) => void,
): Command {
  return new Command("module")
    .description("write a kernel module that publishes the types of all variables as BTF")
    .argument("<FILE>", "the kernel: vmlinux with .BTF, a dump of it, or its raw BTF with --like")
    .option(
      "-o, --output <NAME.ko>",
      "the module to write; its name is the module's (default: vmlinux_vars.ko)",
    )
    .option(
      "--vars <SPLIT>",
      "split BTF over the kernel's own to put in (default: encoded from FILE's DWARF)",
    )
    .option(
      "--like <MODULE.ko>",
      "a module of that kernel (.ko, .ko.xz, .ko.zst, .ko.gz), for vermagic and checksum (default: from FILE)",
    )
    .option("--name <NAME>", "the module's name")
    .option("--no-function-statics", "leave statics of functions and names like __func__.1 out")
    .option("--modinfo <KEY=VALUE...>", "more of .modinfo, such as intree=Y of a distribution's own build")
    .option("-j, --jobs <N>", "threads (default: as many as there are processors)")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", example)
    .action(async (file: string, flags: ModuleFlags) => {
      setExitCode(await runModule(file, flags, streams, encodeFile));
    });
}

async function runModule(
  file: string,
  flags: ModuleFlags,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<number> {
  const output = flags.output ?? "vmlinux_vars.ko";
  checkWritable(output);
  const information = parseInformation(flags.modinfo ?? []);
  if (output === standardOutput && flags.name === undefined) {
    throw new UsageError("a module on standard output needs a --name");
  }
  const name = flags.name ?? basename(output).replace(/\.ko$/, "").replaceAll("-", "_");
  const subject = await openSubject(file);
  try {
    const facts = await factsFor(file, subject, flags.like);
    const layout = moduleLayout(subject.btf);
    const bytes = await variablesFor(file, flags, subject, streams, encodeFile);
    if (bytes === undefined) {
      streams.err(`dwarfless: ${file}: no variable that its BTF lacks\n`);
      return exitNegative;
    }
    const variables = checkSplit(flags.vars ?? file, bytes, subject.btf);
    const release = releaseOf(facts);
    const module = writeModule({
      name,
      facts,
      layout,
      btf: bytes,
      information: [
        ["description", `BTF of ${countOf(variables, "variable")} of Linux ${release}`],
        ["kernel", release],
        ...(subject.buildId === undefined ? [] : ([["build_id", subject.buildId]] as const)),
        ["variables", String(variables)],
        ...information,
      ],
    });
    writeOutput(output, module);
    const print = output === standardOutput ? streams.err : streams.out;
    if (flags.json) {
      const { machine, vermagic, moduleLayoutCrc } = facts;
      print(
        jsonDocument({
          file: output,
          byteSize: module.length,
          name,
          kernel: release,
          buildId: subject.buildId ?? null,
          vermagic,
          machine,
          moduleLayoutCrc: moduleLayoutCrc === undefined ? null : `0x${moduleLayoutCrc.toString(16)}`,
          variables,
          btfByteSize: bytes.length,
        }),
      );
    } else {
      const size = `${module.length} bytes, ${bytes.length} of them BTF`;
      print(
        `${output}: module ${name} for ${oneLine(release)}: ${countOf(variables, "variable")} (${size})\n`,
      );
    }
    return exitDone;
  } finally {
    subject.close();
  }
}

function parseInformation(entries: readonly string[]): [string, string][] {
  return entries.map((entry) => {
    const match = /^([A-Za-z0-9_.]+)=([^\0]*)$/.exec(entry);
    if (match === null) throw new UsageError(`--modinfo: '${entry}' is not KEY=VALUE`);
    return [match[1]!, match[2]!];
  });
}

/** A vmlinux, raw BTF, or whatever else opens as a dump. */
async function openSubject(file: string): Promise<Subject> {
  const kind = kindOf(file);
  if (kind === "dump") return openDumped(file);
  const bytes = await readBtfFile(file);
  const btf = Btf.parse(bytes, { name: file });
  const nothing = { btf, bytes, buildId: undefined, image: undefined, hasDwarf: false, close: () => {} };
  if (kind === "btf") return nothing;
  const source = new FileSource(file);
  const elf = ElfFile.open(source);
  const id = elf.buildId();
  return {
    ...nothing,
    buildId: id && Buffer.from(id).toString("hex"),
    image: elf.symbolTable() === undefined ? undefined : elfImage(elf),
    hasDwarf: (elf.section(".debug_info") ?? elf.section(".zdebug_info")) !== undefined,
    close: () => source.close(),
  };
}

const ET_CORE = 4;

function kindOf(file: string): "elf" | "btf" | "dump" {
  const source = new FileSource(file);
  try {
    const start = source.read(0, Math.min(20, source.byteSize));
    const [first, second, third, fourth] = start;
    if ((first === 0x9f && second === 0xeb) || (first === 0xeb && second === 0x9f)) return "btf";
    const isElf = first === 0x7f && second === 0x45 && third === 0x4c && fourth === 0x46;
    return isElf && start.length === 20 && start[16]! + start[17]! !== ET_CORE ? "elf" : "dump";
  } finally {
    source.close();
  }
}

async function openDumped(file: string): Promise<Subject> {
  const kernel = await Kernel.open([file], { sidecar: "none", modules: false });
  try {
    const { kernelBtf } = kernel;
    if (kernelBtf === undefined) throw new FormatError("BTF_ABSENT", "this kernel has no BTF", { file });
    const { memory, symbols } = kernel.foundation;
    return {
      btf: kernelBtf.btf,
      bytes: memory.read(kernelBtf.address, kernelBtf.byteSize),
      buildId: kernel.buildId?.text,
      image: {
        name: file,
        machine: memory.translation.architecture.machine,
        flags: 0,
        is64: true,
        littleEndian: memory.littleEndian,
        addressOf: (symbol) => {
          const indexes = symbols.indexesOf(symbol);
          const address = indexes[0] === undefined ? undefined : symbols.address(indexes[0]);
          return indexes.every((index) => symbols.address(index) === address) ? address : undefined;
        },
        read: (address, byteSize) => memory.read(address, byteSize),
      },
      hasDwarf: false,
      close: () => kernel.close(),
    };
  } catch (error) {
    kernel.close();
    throw error;
  }
}

/** Debian's largest with DWARF has 60 MB. */
const maximumModule = 1 << 29;

async function factsFor(file: string, subject: Subject, like: string | undefined): Promise<ModuleFacts> {
  const { image } = subject;
  if (like === undefined) {
    if (image !== undefined) return factsOfKernel(image);
    throw new FormatError("MODULE_VERMAGIC", "no symbols in it: name a module of that kernel (--like)", {
      file,
    });
  }
  const facts = await factsOfModule(ElfFile.open(new MemorySource(await readModule(like), like)));
  if (image !== undefined && image.machine !== facts.machine) {
    throw new FormatError("MODULE_LIKE", `for another kind of processor than ${file}`, { file: like });
  }
  return facts;
}

/** A module as it is, or as distributions pack it. */
async function readModule(path: string): Promise<Uint8Array> {
  const source = new FileSource(path);
  try {
    if (source.byteSize > maximumModule) {
      throw new LimitError("MODULE_LIKE", `${source.byteSize} bytes: too large for a module`, { file: path });
    }
    return await unpackFile(source.read(0, source.byteSize));
  } catch (error) {
    // Codecs do not know of files.
    if (!(error instanceof FormatError) || error.location.file !== undefined) throw error;
    throw new FormatError("MODULE_LIKE", error.problem, { file: path });
  } finally {
    source.close();
  }
}

/** The split BTF to carry: as given, or encoded now. Undefined when there is nothing to carry. */
async function variablesFor(
  file: string,
  flags: ModuleFlags,
  subject: Subject,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<Uint8Array | undefined> {
  if (flags.vars !== undefined) return readBtfFile(flags.vars);
  if (!subject.hasDwarf) {
    throw new FormatError("BTF_ABSENT", "no DWARF to take variables from: give their BTF with --vars", {
      file,
    });
  }
  const { options } = planEncode(file, {
    splitVars: "-",
    base: ["own"],
    functionStatics: flags.functionStatics,
    ...(flags.jobs !== undefined && { jobs: flags.jobs }),
  });
  const progress = startProgress(streams, file);
  try {
    const base = { base: subject.bytes, ...(progress.onProgress && { onProgress: progress.onProgress }) };
    const result = await encodeFile(file, { ...options, ...base });
    return result.statistics.variables === 0 ? undefined : result.splitVariables;
  } finally {
    progress.stop();
  }
}

/** Number of variables. @throws {FormatError} when the kernel would not take it as split BTF over its own */
function checkSplit(path: string, bytes: Uint8Array, base: Btf): number {
  let btf: Btf;
  try {
    btf = Btf.parse(bytes, { base, name: path });
  } catch (error) {
    if (!(isDwarflessError(error) && error instanceof FormatError)) throw error;
    throw new FormatError("MODULE_BTF", `not split from this kernel's BTF: ${error.problem}`, { file: path });
  }
  const problem = validateBtf(btf, { maximumProblems: 1, resolve: true })[0];
  if (problem !== undefined) {
    throw new FormatError(
      "MODULE_BTF",
      `not split from this kernel's BTF, or broken: ${formatProblem(problem)}`,
      {
        file: path,
      },
    );
  }
  // Over a base that only resembles its own, types are there but not those that were meant.
  const misfit = firstMisfit(btf);
  if (misfit !== undefined) {
    throw new FormatError("MODULE_BTF", `not split from this kernel's BTF: ${misfit}`, { file: path });
  }
  let variables = 0;
  for (let id = btf.startId; id < btf.typeCount; id++) if (btf.kind(id) === BTF_KIND_VAR) variables++;
  if (variables === 0) throw new FormatError("MODULE_BTF", "no variable in it", { file: path });
  return variables;
}
