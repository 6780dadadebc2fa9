import { closeSync, openSync } from "node:fs";
import { availableParallelism, constants } from "node:os";
import type { EncodeOptions } from "../../encode/options.ts";
import { featuresOf } from "../../encode/options.ts";
import type { EncodeResult } from "../../encode/result.ts";
import { FileError, FormatError, isDwarflessError } from "../../io/index.ts";
import { readBtfFile } from "../../sidecar/index.ts";
import { diagnosticLines, nothingLeft } from "../diagnostics.ts";
import { embedBtf } from "../embed-btf.ts";
import { writeOutput } from "../output-file.ts";
import { expectShortEncode } from "../short-run.ts";
import { errnoOf } from "../write-all.ts";
import { errorLine } from "../run-program.ts";
import type { Streams } from "../streams.ts";
import { encodeFiles, type Encode } from "./encode-files.ts";
import { parsePaholeArguments, PaholeExit, type PaholeSettings } from "./settings.ts";

/** Permission bits of a new detached file: pahole's, which scripts may rely on. */
const detachedMode = 0o640;

/**
 * pahole with `-J` or `--btf_encode_detached`: exit code and messages are pahole 1.32's.
 *
 * A file that is absent, is not ELF, holds no DWARF or holds DWARF that cannot be read gives exit
 * code 0 and no output, as kernel builds expect. Only the last of these says anything without `-V`.
 */
export async function runPahole(args: readonly string[], streams: Streams, encode: Encode): Promise<number> {
  try {
    const settings = parsePaholeArguments(args, streams.environment);
    return await encodeAsPahole(settings, streams, encode);
  } catch (error) {
    if (!(error instanceof PaholeExit)) throw error;
    streams.out(error.stdout);
    streams.err(error.stderr);
    return error.exitCode;
  }
}

async function encodeAsPahole(settings: PaholeSettings, streams: Streams, encode: Encode): Promise<number> {
  const note = (text: string): void => {
    if (settings.verbose) streams.err(`${text}\n`);
  };
  for (const text of settings.notes) note(text);
  const options = encodeOptions(settings);
  await expectShortEncode(settings.files);
  if (settings.base !== undefined) options.base = await readBase(settings.base);
  const [file, ...otherFiles] = settings.files;
  if (file === undefined || !settings.readsDwarf) {
    note("nothing to encode");
    return 0;
  }
  let result: EncodeResult;
  try {
    result = await encodeFiles([file, ...otherFiles], options, encode);
  } catch (error) {
    return encodeFailed(error, streams, note);
  }
  for (const line of diagnosticLines(result.diagnostics, true)) note(`${file}: ${line}`);
  if (result.btf === undefined || result.statistics.types === 0) {
    const reason = result.btf === undefined ? "no DWARF to encode" : nothingLeft;
    note(`${settings.files.join(", ")}: ${reason}`);
    return 0;
  }
  try {
    if (settings.detached === undefined) embedBtf(file, result.btf, result);
    else writeOutput(settings.detached, result.btf, detachedMode);
  } catch (error) {
    if (!isDwarflessError(error)) throw error;
    throw new PaholeExit(1, { stderr: `dwarfless-pahole: ${errorLine(error)}\nFailed to encode BTF\n` });
  }
  return 0;
}

function encodeOptions(settings: PaholeSettings): EncodeOptions {
  return {
    features: featuresOf(settings.features),
    jobs: settings.jobs === 0 ? availableParallelism() : settings.jobs,
    ...(settings.languages && { languages: settings.languages }),
    ...(settings.excludedLanguages && { excludedLanguages: settings.excludedLanguages }),
    ...(settings.excludedUnitPrefix && { excludedUnitPrefixes: [settings.excludedUnitPrefix] }),
    ...(settings.kabiPrefix && { kabiPrefix: settings.kabiPrefix }),
    ...(settings.base !== undefined && { baseName: settings.base }),
  };
}

/** Exit 0 without output, as pahole; in DWARF that is there but broken, with the reason. */
function encodeFailed(error: unknown, streams: Streams, note: (text: string) => void): number {
  if (!isDwarflessError(error)) throw error;
  const inSection = error instanceof FormatError && error.location.section !== undefined;
  if (error instanceof FileError || !inSection) note(errorLine(error));
  else streams.err(`dwarfless-pahole: ${errorLine(error)}\nError while encoding BTF.\n`);
  return 0;
}

async function readBase(path: string): Promise<Uint8Array> {
  try {
    return await readBtfFile(path);
  } catch (error) {
    if (!isDwarflessError(error)) throw error;
    const reason = `dwarfless-pahole: ${errorLine(error)}`;
    throw new PaholeExit(1, {
      stderr: `${reason}\nFailed to parse base BTF '${path}': ${-baseErrno(path, error)}\n`,
    });
  }
}

/** The error number libbpf gives for a base that cannot be used. */
function baseErrno(path: string, error: unknown): number {
  if (error instanceof FormatError) {
    if (error.code === "BTF_ABSENT") return constants.errno.ENODATA;
    return error.problem === "empty file" ? constants.errno.EIO : libbpfFormatError;
  }
  try {
    closeSync(openSync(path, "r"));
  } catch (openError) {
    const errno = (constants.errno as Record<string, number>)[errnoOf(openError)];
    if (errno !== undefined) return errno;
  }
  return constants.errno.EIO;
}

/** libbpf's LIBBPF_ERRNO__FORMAT. */
const libbpfFormatError = 4001;
