import { Command } from "commander";
import type { EncodeOptions } from "../encode/options.ts";
import type { EncodeResult } from "../encode/result.ts";
import type { Diagnostic } from "../io/index.ts";
import { readBtfFile } from "../sidecar/index.ts";
import { countOf } from "./count.ts";
import { diagnosticLines, nothingLeft, summarizeDiagnostics } from "./diagnostics.ts";
import { embedBtf } from "./embed-btf.ts";
import { planEncode, type EncodeFlags, type EncodePlan } from "./encode-arguments.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { checkWritable, standardOutput, writeOutput } from "./output-file.ts";
import { startProgress } from "./progress.ts";
import { expectShortEncode } from "./short-run.ts";
import type { Streams } from "./streams.ts";

/** The encoder's door; tests put their own in. */
export type EncodeFile = (path: string, options: EncodeOptions) => Promise<EncodeResult>;

/** A file that an encode wrote. */
interface WrittenFile {
  path: string;
  kind: "btf" | "split-variables" | "distilled-base" | "report" | "elf";
  byteSize: number;
}

const example = `
Example:
  $ dwarfless encode vmlinux -o vmlinux.btf --vars=all
  $ dwarfless encode drivers/net/veth.ko --base vmlinux --in-place
  $ dwarfless encode vmlinux --base own --split-vars vmlinux-vars.btf
  $ dwarfless encode veth.ko --base vmlinux --base own --split-vars veth-vars.btf
`;

/** `dwarfless encode`. @param setExitCode is called once, when the work is done */
export function encodeCommand(
  streams: Streams,
  encodeFile: EncodeFile,
  setExitCode: (code: number) => void,
): Command {
  return new Command("encode")
    .description("DWARF to BTF")
    .argument("<FILE>", "vmlinux, .ko, .o: any ELF file with DWARF")
    .option("-o, --output <OUT>", "write raw BTF to OUT, - for standard output (default: FILE.btf)")
    .option("--in-place", "put the BTF into FILE as section .BTF instead")
    .option("--vars <SELECTION>", "variables: percpu, all or none (default: percpu)")
    .option("--encode_all_btf_vars", "the same as --vars=all")
    .option(
      "--split-vars <OUT2>",
      "also write split BTF over OUT with every variable that OUT has not; with --base: only that, over the base",
    )
    .option("--no-function-statics", "leave statics of functions and names like __func__.1 out of OUT2")
    .option(
      "--base <BTF>",
      "encode as split BTF over this base: raw BTF, ELF with .BTF, or own: FILE's .BTF; for a module's variables both",
      (value: string, earlier: string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      "--features <LIST>",
      "features by name, as pahole's --btf_features: a,b,c or +a (default: default)",
    )
    .option("-j, --jobs <N>", "threads (default: as many as there are processors)")
    .option("--lang <LIST>", "take only units in these languages")
    .option("--lang_exclude <LIST>", "leave out units in these languages, or none (default: rust)")
    .option(
      "--array-rule <RULE>",
      "dimensions of arrays: nested, flat or auto, as in the base (default: auto)",
    )
    .option("--report <FILE.json>", "list everything that was left out, and by which rule")
    .option("--strict", "fail when there is a warning, and write nothing")
    .option("--json", "print what was done as JSON")
    .option("-v, --verbose", "print notes too, not only warnings")
    .addHelpText("after", example)
    .action(async (file: string, flags: EncodeFlags) => {
      setExitCode(await runEncode(file, flags, streams, encodeFile));
    });
}

/** Encode one file; gives the exit code. */
export async function runEncode(
  file: string,
  flags: EncodeFlags,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<number> {
  const plan = planEncode(file, flags);
  for (const path of [plan.output ?? (flags.inPlace ? file : undefined), plan.splitOutput, plan.report]) {
    if (path !== undefined) checkWritable(path);
  }
  await expectShortEncode([file]);
  if (plan.base !== undefined) plan.options.base = await readBtfFile(plan.base);
  if (plan.overOwn) plan.options.ownBase = await readBtfFile(file);

  const progress = startProgress(streams, file);
  if (progress.onProgress !== undefined) plan.options.onProgress = progress.onProgress;
  let result: EncodeResult;
  try {
    result = await encodeFile(file, plan.options);
  } finally {
    progress.stop();
  }

  for (const line of diagnosticLines(result.diagnostics, flags.verbose === true)) {
    streams.err(`dwarfless: ${line.includes(file) ? line : `${file}: ${line}`}\n`);
  }
  if (result.btf === undefined || result.statistics.types === 0) {
    const reason = result.btf === undefined ? "no DWARF to encode" : nothingLeft;
    streams.err(`dwarfless: ${file}: ${reason}\n`);
    return exitNegative;
  }
  if (flags.strict && result.diagnostics.some(({ severity }) => severity === "warning")) {
    streams.err(`dwarfless: ${file}: nothing written: there were warnings, and --strict was given\n`);
    return exitNegative;
  }
  const { written, remarks } = writeResult(file, plan, result, flags.inPlace === true);
  for (const line of diagnosticLines(remarks, true)) streams.err(`dwarfless: ${line}\n`);
  printDone(file, flags, result, result.btf, written, streams);
  return exitDone;
}

function writeResult(
  file: string,
  plan: EncodePlan,
  result: EncodeResult,
  inPlace: boolean,
): { written: WrittenFile[]; remarks: Diagnostic[] } {
  const written: WrittenFile[] = [];
  let remarks: Diagnostic[] = [];
  const write = (path: string, kind: WrittenFile["kind"], bytes: Uint8Array): void => {
    writeOutput(path, bytes);
    written.push({ path, kind, byteSize: bytes.length });
  };
  const btf = result.btf!;
  if (inPlace) {
    remarks = embedBtf(file, btf, result);
    written.push({ path: file, kind: "elf", byteSize: btf.length });
  } else if (plan.output !== undefined) {
    write(plan.output, "btf", btf);
    if (result.distilledBase !== undefined && plan.output !== standardOutput) {
      write(`${plan.output}.base`, "distilled-base", result.distilledBase);
    }
  }
  if (plan.splitOutput !== undefined && result.splitVariables !== undefined) {
    write(plan.splitOutput, "split-variables", result.splitVariables);
  }
  if (plan.report !== undefined && result.report !== undefined) {
    const { schema, ...facts } = result.report;
    const text = JSON.stringify({ schema, file, ...facts }, undefined, 1);
    write(plan.report, "report", Buffer.from(`${text}\n`));
  }
  return { written, remarks };
}

function printDone(
  file: string,
  flags: EncodeFlags,
  result: EncodeResult,
  btf: Uint8Array,
  written: readonly WrittenFile[],
  streams: Streams,
): void {
  // With the BTF itself on standard output there is no place for words.
  const print = written.some(({ path }) => path === standardOutput) ? streams.err : streams.out;
  const { statistics, diagnostics } = result;
  if (flags.json) {
    const document = {
      schema: 1,
      file,
      byteSize: btf.length,
      littleEndian: result.littleEndian,
      statistics,
      ...(result.report && { counts: result.report.counts }),
      written,
      diagnostics: summarizeDiagnostics(diagnostics),
    };
    print(`${JSON.stringify(document, undefined, 1)}\n`);
    return;
  }
  const counts = [
    countOf(statistics.types, "type"),
    countOf(statistics.functions, "function"),
    countOf(statistics.variables, "variable"),
  ];
  const where = written.map(({ path, kind, byteSize }) =>
    kind === "elf" ? `.BTF of ${path} (${byteSize} bytes)` : `${placeName(path)} (${byteSize} bytes)`,
  );
  print(`${file}: ${counts.join(", ")} -> ${where.join(", ")}\n`);
}

function placeName(path: string): string {
  return path === standardOutput ? "standard output" : path;
}
