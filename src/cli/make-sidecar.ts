import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Btf, BTF_KIND_VAR } from "../btf/index.ts";
import { ElfFile } from "../elf/index.ts";
import { FileError, FileSource, FormatError, isDwarflessError, UsageError } from "../io/index.ts";
import { checksumOf, type ModuleInput, type SectionPlace, writeSidecar } from "../sidecar/index.ts";
import type { EncodeFile } from "./encode-command.ts";
import { planEncode } from "./encode-arguments.ts";
import { startProgress } from "./progress.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";
import { version } from "./version.ts";

/** What to make a sidecar of. */
export interface SidecarRequest {
  /** A `vmlinux` with DWARF. */
  file: string;
  /** The kernel's own BTF, to split from; the file's `.BTF` by default. */
  base?: Uint8Array;
  /** Its build id must be this one. */
  buildId?: string;
  /** A folder of the kernel's modules with DWARF, to put theirs in too. */
  modules?: string;
  functionStatics: boolean;
  jobs?: string;
}

/** A module's sidecar to make. */
export interface ModuleSidecarRequest {
  /** A `.ko` with DWARF. */
  file: string;
  /** The BTF of its kernel. */
  base: Uint8Array;
  functionStatics: boolean;
  jobs?: string;
}

const SHF_ALLOC = 2;
const ET_REL = 1;

/**
 * The bytes of a sidecar with the variables of a kernel: split BTF over the kernel's own where it has
 * one, else complete BTF.
 * @throws {FormatError} `SIDECAR_BUILD_ID`, `BTF_ABSENT`
 */
export async function makeSidecar(
  request: SidecarRequest,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<Uint8Array> {
  const { file } = request;
  const { buildId, release, sections, ownBtf } = await readImage(file);
  if (buildId === undefined) throw new FormatError("SIDECAR_BUILD_ID", "it has no build id", { file });
  if (request.buildId !== undefined && request.buildId !== buildId) {
    const problem = `its build id is ${buildId}, not ${request.buildId}`;
    throw new FormatError("SIDECAR_BUILD_ID", problem, { file });
  }
  const base = request.base ?? ownBtf;
  const flags = base === undefined ? { vars: "all" } : { splitVars: "-", base: ["own"] };
  const { options } = planEncode(file, {
    ...flags,
    ...(base !== undefined && { functionStatics: request.functionStatics }),
    ...(request.jobs !== undefined && { jobs: request.jobs }),
  });
  const progress = startProgress(streams, file);
  let btf: Uint8Array | undefined;
  try {
    const result = await encodeFile(file, {
      ...options,
      ...(base && { base }),
      ...(progress.onProgress && { onProgress: progress.onProgress }),
    });
    btf = base === undefined ? result.btf : result.splitVariables;
  } finally {
    progress.stop();
  }
  if (btf === undefined) throw new FormatError("BTF_ABSENT", "no DWARF to take variables from", { file });
  const variables = countVariables(Btf.parse(btf, base === undefined ? {} : { base: Btf.parse(base) }));
  const provenance = { tool: `dwarfless ${version}`, source: basename(file) };
  const header = { release, buildId, base: base && checksumOf(base), variables, sections, provenance };
  if (request.modules === undefined) return writeSidecar(header, btf);
  if (base === undefined)
    throw new UsageError(`--modules: ${file} has no BTF that modules' could be split from`);
  return writeSidecar(header, btf, await encodeModules(request.modules, base, request, streams, encodeFile));
}

/**
 * The bytes of a sidecar with the variables of one module: split BTF over its kernel's BTF and its own.
 * @throws {FormatError} `SIDECAR_BUILD_ID`, `BTF_ABSENT`
 */
export async function makeModuleSidecar(
  request: ModuleSidecarRequest,
  encodeFile: EncodeFile,
): Promise<Uint8Array> {
  const { file, base } = request;
  const module = await encodeModule(file, base, request, encodeFile);
  if (module === undefined)
    throw new FormatError("BTF_ABSENT", "no variable in its DWARF that its BTF lacks", { file });
  const provenance = { tool: `dwarfless ${version}`, source: basename(file) };
  const header = { release: undefined, buildId: module.buildId, base: checksumOf(base) };
  return writeSidecar({ ...header, variables: 0, sections: [], provenance }, new Uint8Array(0), [module]);
}

/** True for a file that is a module by its kind: a relocatable ELF file. */
export function isModuleFile(file: string): boolean {
  const source = new FileSource(file);
  try {
    const [first, second] = source.read(0, Math.min(2, source.byteSize));
    return first === 0x7f && second === 0x45 && ElfFile.open(source).type === ET_REL;
  } finally {
    source.close();
  }
}

type Making = Pick<SidecarRequest, "functionStatics" | "jobs">;

/** Every module of a folder, by its path; what cannot be read is named and left out. */
async function encodeModules(
  folder: string,
  base: Uint8Array,
  making: Making,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<ModuleInput[]> {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    throw new FileError(folder, (error as NodeJS.ErrnoException).code ?? String(error), "read");
  }
  const files = names.filter((name) => /\.ko(\.debug)?$/.test(name)).sort();
  if (files.length === 0) throw new UsageError(`--modules: no .ko file in ${folder}`);
  const progress = startProgress(streams, folder);
  const modules: ModuleInput[] = [];
  try {
    for (const [index, name] of files.entries()) {
      progress.onProgress?.(index, files.length);
      const file = join(folder, name);
      try {
        const module = await encodeModule(file, base, making, encodeFile);
        if (module !== undefined) modules.push(module);
      } catch (error) {
        if (!isDwarflessError(error)) throw error;
        streams.err(`dwarfless: ${oneLine(error.message)}: left out\n`);
      }
    }
  } finally {
    progress.stop();
  }
  return modules;
}

/** Undefined for a module without DWARF, or without a variable that its BTF lacks. */
async function encodeModule(
  file: string,
  base: Uint8Array,
  { functionStatics, jobs = "1" }: Making,
  encodeFile: EncodeFile,
): Promise<ModuleInput | undefined> {
  const { buildId, ownBtf } = await readImage(file);
  if (buildId === undefined) throw new FormatError("SIDECAR_BUILD_ID", "it has no build id", { file });
  const { options } = planEncode(file, { splitVars: "-", base: ["own"], functionStatics, jobs });
  const over = { ...options, base, ...(ownBtf && { ownBase: ownBtf }) };
  const { splitVariables: bytes, statistics } = await encodeFile(file, over);
  if (bytes === undefined || statistics.variables === 0) return undefined;
  const name = basename(file)
    .replace(/\.ko(\.debug)?$/, "")
    .replaceAll("-", "_");
  return { name, buildId, base: ownBtf && checksumOf(ownBtf), bytes, variables: statistics.variables };
}

function countVariables(btf: Btf): number {
  let count = 0;
  for (let id = btf.startId; id < btf.typeCount; id++) if (btf.kind(id) === BTF_KIND_VAR) count++;
  return count;
}

interface Image {
  buildId: string | undefined;
  release: string | undefined;
  sections: SectionPlace[];
  ownBtf: Uint8Array | undefined;
}

async function readImage(file: string): Promise<Image> {
  const source = new FileSource(file);
  try {
    const elf = ElfFile.open(source);
    const id = elf.buildId();
    const btf = elf.section(".BTF");
    // In a file of nothing but debug information the section may be there without contents.
    const bytes = btf && (await elf.sectionBytes(btf));
    return {
      buildId: id && Buffer.from(id).toString("hex"),
      release: await releaseIn(elf),
      sections: elf.sections
        .filter(({ flags, byteSize }) => (flags & SHF_ALLOC) !== 0 && byteSize > 0)
        .map(({ name, address, byteSize }) => ({ name, address, byteSize })),
      ownBtf: bytes === undefined || bytes.length === 0 ? undefined : bytes.slice(),
    };
  } finally {
    source.close();
  }
}

/** The release from the banner that every kernel has in its read-only data. */
async function releaseIn(elf: ElfFile): Promise<string | undefined> {
  const rodata = elf.section(".rodata");
  if (rodata === undefined || elf.isCompressed(rodata)) return undefined;
  const bytes = Buffer.from(await elf.sectionBytes(rodata));
  const at = bytes.indexOf("Linux version ");
  return at < 0 ? undefined : /^Linux version (\S{1,128}) /.exec(bytes.toString("latin1", at, at + 160))?.[1];
}
