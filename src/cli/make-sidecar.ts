import { basename } from "node:path";
import { Btf, BTF_KIND_VAR } from "../btf/index.ts";
import { ElfFile } from "../elf/index.ts";
import { FileSource, FormatError } from "../io/index.ts";
import { checksumOf, type SectionPlace, writeSidecar } from "../sidecar/index.ts";
import type { EncodeFile } from "./encode-command.ts";
import { planEncode } from "./encode-arguments.ts";
import { startProgress } from "./progress.ts";
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
  functionStatics: boolean;
  jobs?: string;
}

const SHF_ALLOC = 2;

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
  if (request.buildId !== undefined && request.buildId !== buildId) {
    const problem = `its build id is ${buildId}, not ${request.buildId}`;
    throw new FormatError("SIDECAR_BUILD_ID", problem, { file });
  }
  const base = request.base ?? ownBtf;
  const flags = base === undefined ? { vars: "all" } : { splitVars: "-", base: "own" };
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
  const parsed = Btf.parse(btf, base === undefined ? {} : { base: Btf.parse(base) });
  let variables = 0;
  for (let id = parsed.startId; id < parsed.typeCount; id++)
    if (parsed.kind(id) === BTF_KIND_VAR) variables++;
  return writeSidecar(
    {
      release,
      buildId,
      base: base && checksumOf(base),
      variables,
      sections,
      provenance: { tool: `dwarfless ${version}`, source: basename(file) },
    },
    btf,
  );
}

interface Image {
  buildId: string;
  release: string | undefined;
  sections: SectionPlace[];
  ownBtf: Uint8Array | undefined;
}

async function readImage(file: string): Promise<Image> {
  const source = new FileSource(file);
  try {
    const elf = ElfFile.open(source);
    const id = elf.buildId();
    if (id === undefined) throw new FormatError("SIDECAR_BUILD_ID", "it has no build id", { file });
    const btf = elf.section(".BTF");
    // In a file of nothing but debug information the section may be there without contents.
    const bytes = btf && (await elf.sectionBytes(btf));
    return {
      buildId: Buffer.from(id).toString("hex"),
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
