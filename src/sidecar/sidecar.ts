import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Btf, BTF_KIND_VAR } from "../btf/index.ts";
import { ElfFile } from "../elf/index.ts";
import { errorCode, FileError, FileSource, FormatError, isDwarflessError, UsageError } from "../io/index.ts";
import { compareTypes } from "./agreement.ts";
import { readBtfFile } from "./btf-file.ts";
import { fetchSidecar, isUrl } from "./http.ts";
import type { SidecarModule } from "./module-part.ts";
import { checksumOf, isSidecarFile, readSidecar, type SidecarHeader, sidecarName } from "./sidecar-file.ts";
import { defaultStore, readSidecarBytes } from "./store.ts";
import { firstMisfit } from "./variable-sizes.ts";

/** A file with the types of a kernel's variables, checked against the dump that they are to explain. */
export interface Sidecar {
  path: string;
  /** Holds the VARs; its ids are its own unless {@link Sidecar.overDump}. */
  btf: Btf;
  /** True when it is split from the very BTF that the dump carries. */
  overDump: boolean;
  /** What it has for modules, each to be checked against the one in the dump. */
  modules: readonly SidecarModule[];
  /** How it was found to belong to the dump: a sentence for people. */
  check: string;
}

/** What is known about the dumped kernel. */
export interface SidecarSubject {
  /** BTF of the kernel image; undefined where the kernel has none. */
  btf: Btf | undefined;
  /** Lower-case hexadecimal. */
  buildId: string | undefined;
  /** The bytes of {@link SidecarSubject.btf}, read when asked for. */
  btfBytes?: () => Uint8Array;
}

/** Files looked at in a folder, at most. */
const maximumCandidates = 4096;

/**
 * Open a sidecar: a sidecar file of a store, raw BTF or ELF with `.BTF`; complete (as
 * `encode --vars=all` writes it) or split (as `encode --split-vars` does). A sidecar file says which
 * build id and which base it is for; raw split BTF does not: the dump's own BTF is tried, then the BTF
 * files beside it. A folder is searched for the build id, then for what agrees; a URL is asked for the
 * build id, and what it gives is kept in the user's store.
 * @throws {FormatError} `SIDECAR_DISAGREES` naming the first type that differs; {@link FileError}
 */
export async function openSidecar(path: string, subject: SidecarSubject): Promise<Sidecar> {
  const { buildId } = subject;
  if (isUrl(path)) {
    if (buildId === undefined)
      throw new FormatError("SIDECAR_BUILD_ID", "the dump's build id is not known", { file: path });
    const fetched = await fetchSidecar(path, buildId, defaultStore());
    if (fetched === undefined)
      throw new FormatError("SIDECAR_ABSENT", `no sidecar for build id ${buildId}`, { file: path });
    return openFile(fetched.path, subject);
  }
  if (!isDirectory(path)) return openFile(path, subject);
  if (buildId !== undefined && isFile(join(path, sidecarName(buildId)))) {
    return openFile(join(path, sidecarName(buildId)), subject);
  }
  const candidates = btfFilesIn(path);
  if (buildId !== undefined) {
    for (const name of [`${buildId}.btf`, join(buildId.slice(0, 2), `${buildId.slice(2)}.btf`)]) {
      if (isFile(join(path, name))) candidates.unshift(join(path, name));
    }
  }
  let firstError: unknown;
  for (const candidate of candidates) {
    try {
      const sidecar = await openFile(candidate, subject);
      if (hasVariables(sidecar.btf)) return sidecar;
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
      firstError ??= error;
    }
  }
  if (firstError !== undefined) throw firstError;
  throw new FormatError("SIDECAR_ABSENT", "no BTF file with variables in this folder", { file: path });
}

async function openFile(path: string, subject: SidecarSubject): Promise<Sidecar> {
  if (isSidecarFile(startOf(path))) return openStored(path, subject);
  const bytes = await readBtfFile(path);
  const id = buildIdOf(path);
  if (id !== undefined && subject.buildId !== undefined && id !== subject.buildId) {
    throw new FormatError(
      "SIDECAR_BUILD_ID",
      `of another kernel: its build id is ${id}, the dump's ${subject.buildId}`,
      { file: path },
    );
  }
  const complete = parseComplete(bytes, path);
  if (complete instanceof Btf) {
    return {
      path,
      btf: complete,
      overDump: false,
      modules: [],
      check: checkTypes(path, complete, subject, id),
    };
  }
  return openSplit(path, bytes, subject, complete);
}

/** A sidecar file: nothing is tried, it says what it is for. */
function openStored(path: string, subject: SidecarSubject): Sidecar {
  const { header, btf: bytes, modules: ofModules } = readSidecar(readSidecarBytes(path), path);
  const refuse = (code: string, problem: string): FormatError =>
    new FormatError(code, problem, { file: path });
  if (header.btf.byteSize === 0) {
    throw refuse(
      "SIDECAR_MODULE",
      "of a module alone: name the folder that it is in, or put it into the store",
    );
  }
  if (subject.buildId !== undefined && header.buildId !== subject.buildId) {
    const problem = `of another kernel: its build id is ${header.buildId}, the dump's ${subject.buildId}`;
    throw refuse("SIDECAR_BUILD_ID", problem);
  }
  if (header.base === undefined) {
    const btf = Btf.parse(bytes, { name: path });
    const id = subject.buildId === undefined ? undefined : header.buildId;
    return { path, btf, overDump: false, modules: [], check: checkTypes(path, btf, subject, id) };
  }
  if (subject.btf === undefined) {
    throw refuse("SIDECAR_DISAGREES", "split from the kernel's own BTF, which this dump does not have");
  }
  const proof = baseProof(header, subject);
  if (proof === undefined) {
    throw refuse("SIDECAR_DISAGREES", "split from another BTF than the dump's: their checksums differ");
  }
  const btf = Btf.parse(bytes, { base: subject.btf, name: path });
  const misfit = firstMisfit(btf);
  if (misfit !== undefined) throw refuse("SIDECAR_DISAGREES", misfit);
  const same = subject.buildId === undefined ? "" : "equal build id; ";
  const check = `${same}${proof}: all ${countVariables(btf)} variables fit their types`;
  const modules = sidecarModules(header, ofModules, path);
  return { path, btf, overDump: true, modules, check };
}

/**
 * What sidecar files in folders have for a module, by its build id: the first that is there.
 * @throws {FormatError} when that is damaged
 */
export function findModuleSidecar(buildId: string, folders: readonly string[]): SidecarModule | undefined {
  const path = folders.map((folder) => join(folder, sidecarName(buildId))).find(isFile);
  if (path === undefined) return undefined;
  const { header, modules } = readSidecar(readSidecarBytes(path), path);
  return sidecarModules(header, modules, path).find(({ part }) => part.buildId === buildId);
}

function sidecarModules(header: SidecarHeader, bytes: readonly Uint8Array[], path: string): SidecarModule[] {
  return header.modules.map((part, index) => ({ part, bytes: bytes[index]!, path, kernelBase: header.base }));
}

/** What says that a sidecar's base is the dump's BTF; undefined when it is not. */
function baseProof({ base }: SidecarHeader, { btfBytes }: SidecarSubject): string | undefined {
  // Without the bytes only the sizes of the variables are left to compare.
  if (btfBytes === undefined || base === undefined) return "split BTF over the dump's own";
  const found = checksumOf(btfBytes());
  if (found.byteSize !== base.byteSize || found.sha256 !== base.sha256) return undefined;
  return "split from the dump's own BTF by its checksum";
}

function startOf(path: string): Uint8Array {
  const source = new FileSource(path);
  try {
    return source.read(0, Math.min(8, source.byteSize));
  } finally {
    source.close();
  }
}

async function openSplit(
  path: string,
  bytes: Uint8Array,
  subject: SidecarSubject,
  notComplete: FormatError,
): Promise<Sidecar> {
  let problem = notComplete.problem;
  if (subject.btf !== undefined) {
    const split = trySplit(bytes, subject.btf, path);
    if (split instanceof Btf) {
      const check = `split from the dump's own BTF: all ${countVariables(split)} variables fit their types`;
      return { path, btf: split, overDump: true, modules: [], check };
    }
    problem = split;
  }
  const folder = dirname(path);
  for (const other of btfFilesIn(folder)) {
    if (other === path || statSync(other).size < bytes.length / 8) continue;
    const base = await tryBase(other);
    if (base === undefined) continue;
    const split = trySplit(bytes, base, path);
    if (!(split instanceof Btf)) continue;
    return {
      path,
      btf: split,
      overDump: false,
      modules: [],
      check: `over ${other}: ${checkTypes(other, base, subject)}`,
    };
  }
  throw new FormatError(
    "SIDECAR_DISAGREES",
    `split from another BTF than the dump's (${problem}), and no BTF file in ${folder} is its base`,
    { file: path },
  );
}

/** Parsed BTF, or why its variables do not belong over this base. */
function trySplit(bytes: Uint8Array, base: Btf, name: string): Btf | string {
  try {
    const split = Btf.parse(bytes, { base, name });
    return firstMisfit(split) ?? split;
  } catch (error) {
    if (error instanceof FormatError) return error.problem;
    throw error;
  }
}

async function tryBase(path: string): Promise<Btf | undefined> {
  try {
    return Btf.parse(await readBtfFile(path), { name: path });
  } catch (error) {
    if (isDwarflessError(error)) return undefined;
    throw error;
  }
}

function parseComplete(bytes: Uint8Array, path: string): Btf | FormatError {
  try {
    return Btf.parse(bytes, { name: path });
  } catch (error) {
    if (error instanceof FormatError && splitSigns.has(error.code)) return error;
    throw error;
  }
}

/** What reading split BTF without its base ends with. */
const splitSigns: ReadonlySet<string> = new Set(["BTF_STRINGS", "BTF_TYPE_ID", "BTF_STRING_OFFSET"]);

function checkTypes(path: string, btf: Btf, subject: SidecarSubject, buildId?: string): string {
  if (subject.btf === undefined) {
    if (buildId !== undefined && buildId === subject.buildId) return "equal build id";
    return "the dump has no BTF to compare with: by its symbols only";
  }
  const { equal, missing, firstDifference } = compareTypes(subject.btf, btf);
  if (firstDifference !== undefined || equal <= missing) {
    const first = firstDifference ?? `it lacks ${missing} of the dump's ${equal + missing} named types`;
    throw new FormatError("SIDECAR_DISAGREES", `of another kernel than the dump: ${first}`, { file: path });
  }
  const same = buildId !== undefined && buildId === subject.buildId ? "equal build id; " : "";
  const lacking = missing === 0 ? "" : `, ${missing} are not in it`;
  return `${same}${equal} named types equal the dump's${lacking}`;
}

function buildIdOf(path: string): string | undefined {
  const source = new FileSource(path);
  try {
    if (source.byteSize < 64 || source.read(0, 1)[0] !== 0x7f) return undefined;
    const id = ElfFile.open(source).buildId();
    return id && Buffer.from(id).toString("hex");
  } finally {
    source.close();
  }
}

function countVariables(btf: Btf): number {
  let count = 0;
  for (let id = btf.startId; id < btf.typeCount; id++) if (btf.kind(id) === BTF_KIND_VAR) count++;
  return count;
}

function hasVariables(btf: Btf): boolean {
  return countVariables(btf) > 0;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // Opening it as a file says what is wrong.
    return false;
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Raw BTF in a folder, known by its magic: names mean nothing. */
function btfFilesIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    throw new FileError(folder, errorCode(error), "read");
  }
  if (names.length > maximumCandidates) {
    throw new UsageError(`${folder}: more than ${maximumCandidates} entries: name the one to use`);
  }
  return names.map((name) => join(folder, name)).filter((path) => isFile(path) && beginsLikeBtf(path));
}

function beginsLikeBtf(path: string): boolean {
  let source: FileSource | undefined;
  try {
    source = new FileSource(path);
    if (source.byteSize < 24) return false;
    const [first, second] = source.read(0, 2);
    return (first === 0x9f && second === 0xeb) || (first === 0xeb && second === 0x9f);
  } catch (error) {
    if (isDwarflessError(error)) return false;
    throw error;
  } finally {
    source?.close();
  }
}
