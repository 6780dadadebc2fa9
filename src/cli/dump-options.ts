import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { Command } from "commander";
import { isDwarflessError, UsageError } from "../io/index.ts";
import { findSidecars, Kernel, sidecarPassedOver } from "../kernel/index.ts";
import { defaultStore } from "../sidecar/index.ts";
import { kernelOf, sidecarFromDebuginfod } from "./debuginfod-sidecar.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** Options of every command that takes a dump. */
export interface DumpFlags {
  sidecar?: string;
  deadline?: string;
  modules: boolean;
  verbose?: boolean;
  json?: boolean;
}

/** Add what every command that takes a dump has. */
export function addDumpOptions(command: Command): Command {
  return command
    .option(
      "--sidecar <FILE>",
      "types of variables: a file, folder or URL, debuginfod, or none (default: beside the dump, then the store)",
    )
    .option("--deadline <SECONDS>", "give up searching memory after this long")
    .option("--no-modules", "leave modules out")
    .option("--json", "print as JSON")
    .option("-v, --verbose", "print warnings about the dump, and how long opening took");
}

/**
 * The files of the dump at the start of a command's arguments, and what is left: the first argument,
 * and as many more as are parts of a split kdump.
 */
export function splitArguments(args: readonly string[]): { files: string[]; rest: string[] } {
  let count = 1;
  if (args.length > 1 && isKdump(args[0]!)) while (count < args.length && isKdump(args[count]!)) count++;
  return { files: args.slice(0, count), rest: args.slice(count) };
}

/** Open the kernel of a dump, call `use`, close it. */
export async function withKernel<Result>(
  files: readonly string[],
  flags: DumpFlags,
  streams: Streams,
  use: (kernel: Kernel) => Result | Promise<Result>,
): Promise<Result> {
  if (streams.kernel !== undefined) return use(streams.kernel);
  const started = performance.now();
  const sidecar = await chosenSidecar(files, flags, streams);
  const kernel = await Kernel.open(files, {
    modules: flags.modules,
    ...(sidecar !== undefined && { sidecar }),
    ...(flags.deadline !== undefined && { deadline: Date.now() + seconds(flags.deadline) * 1000 }),
  });
  try {
    for (const { code, severity, text } of kernel.diagnostics) {
      if (code === sidecarPassedOver) streams.err(`dwarfless: ${oneLine(text)}\n`);
      else if (flags.verbose) streams.err(`${severity}: ${oneLine(text)}\n`);
    }
    if (flags.verbose) {
      streams.err(`opened in ${(performance.now() - started).toFixed(0)} ms\n`);
    }
    return await use(kernel);
  } catch (error) {
    throw isDwarflessError(error) ? error : addDump(error, files[0]!);
  } finally {
    kernel.close();
  }
}

/**
 * The sidecar to open, undefined to look in the usual places. `debuginfod` asks servers only when there
 * is none in those.
 */
async function chosenSidecar(
  files: readonly string[],
  flags: DumpFlags,
  streams: Streams,
): Promise<string | undefined> {
  const named = flags.sidecar ?? (process.env["DWARFLESS_SIDECAR"] || undefined);
  if (named !== "debuginfod") return named;
  const kernel = await kernelOf(files);
  if (findSidecars(files[0]!, kernel.buildId).length > 0) return undefined;
  const { encodeFile } = await import("../encode/encode-file.ts");
  const request = { kernel, servers: undefined, store: defaultStore(), functionStatics: true };
  const made = await sidecarFromDebuginfod(request, streams, encodeFile);
  if (made === undefined) streams.err(`dwarfless: no server has build id ${kernel.buildId}\n`);
  return made;
}

function addDump(error: unknown, file: string): unknown {
  if (error instanceof Error) error.message = `${file}: ${error.message}`;
  return error;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--deadline: '${text}' is no number of seconds`);
}

function isKdump(path: string): boolean {
  let descriptor: number | undefined;
  try {
    if (!statSync(path).isFile()) return false;
    descriptor = openSync(path, "r");
    const head = Buffer.alloc(16);
    readSync(descriptor, head, 0, 16, 0);
    const text = head.toString("latin1");
    return text.startsWith("KDUMP   ") || text.startsWith("makedumpfile\0");
  } catch {
    // Whatever is wrong with it is said when it is opened.
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
