import { createHash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { FormatError, LimitError } from "../io/index.ts";

/**
 * The file that carries a sidecar: what it is for, and the BTF, compressed.
 *
 * ```
 *   0  8  magic: 89 "dwfsc" 0d 0a (not text, and damaged by whatever changes line ends)
 *   8  4  version, little-endian: 1
 *  12  4  bytes of the header, little-endian
 *  16 32  SHA-256 of everything that follows
 *  48     header: JSON, one object, UTF-8
 *   …     the BTF as one Brotli stream (RFC 7932) up to the end of the file: the kernel's, then one of
 *         each module, in the order of the header
 * ```
 *
 * The checksums find damage. They prove no origin: whoever can write the file can write them too. That
 * a sidecar fits a dump is decided by the dump's own build id and BTF.
 */
export interface SidecarHeader {
  /** `uname -r`; undefined where it is not known. */
  release: string | undefined;
  /** Of the kernel image, or of the module in a file of that alone; lower-case hexadecimal. */
  buildId: string;
  /** The BTF that it is split from, the kernel's own; undefined for complete BTF. */
  base: Checksum | undefined;
  /** Of no bytes in a file of a module alone. */
  btf: Checksum;
  /** VARs in it. */
  variables: number;
  /** Sections of the image as linked. */
  sections: readonly SectionPlace[];
  modules: readonly ModulePart[];
  /** What wrote it, and from what: for people. */
  provenance: { tool: string; source: string };
}

export interface Checksum {
  byteSize: number;
  /** SHA-256, lower-case hexadecimal. */
  sha256: string;
}

/** What a sidecar has for one module. */
export interface ModulePart {
  /** As the kernel lists it. */
  name: string;
  /** Lower-case hexadecimal. */
  buildId: string;
  /** The module's own BTF, from which it is split; undefined where it is split from the kernel's. */
  base: Checksum | undefined;
  btf: Checksum;
  variables: number;
}

export interface SectionPlace {
  name: string;
  /** Where it was linked to. */
  address: bigint;
  byteSize: number;
}

const magic = Uint8Array.of(0x89, 0x64, 0x77, 0x66, 0x73, 0x63, 0x0d, 0x0a);
const version = 1;
const fixedByteSize = 48;
const maximumHeader = 1 << 20;
/** A kernel has 2 to 8 MB of it, its modules as much together. */
const maximumBtf = 256 << 20;

/** File name of a build id's sidecar in a store. */
export function sidecarName(buildId: string): string {
  return `${buildId}.sidecar`;
}

export function isSidecarFile(start: Uint8Array): boolean {
  return magic.every((byte, index) => start[index] === byte);
}

export function checksumOf(bytes: Uint8Array): Checksum {
  return { byteSize: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** What a sidecar carries, unpacked. */
export interface SidecarContents {
  header: SidecarHeader;
  /** The kernel's. */
  btf: Uint8Array;
  /** Of each of `header.modules`. */
  modules: Uint8Array[];
}

/** A module to put in. */
export interface ModuleInput extends Omit<ModulePart, "btf"> {
  bytes: Uint8Array;
}

/** A whole file. Checksums of what is put in are made of the bytes. */
export function writeSidecar(
  header: Omit<SidecarHeader, "btf" | "modules">,
  btf: Uint8Array,
  modules: readonly ModuleInput[] = [],
): Uint8Array {
  const { release, buildId, base, variables, sections, provenance } = header;
  const facts = {
    release: release ?? null,
    buildId,
    base: base ?? null,
    btf: checksumOf(btf),
    variables,
    sections: sections.map(({ name, address, byteSize }) => [name, `0x${address.toString(16)}`, byteSize]),
    modules: modules.map((module) => ({
      name: module.name,
      buildId: module.buildId,
      base: module.base ?? null,
      btf: checksumOf(module.bytes),
      variables: module.variables,
    })),
    provenance,
  };
  const text = Buffer.from(JSON.stringify(facts), "utf8");
  const contents = Buffer.concat([btf, ...modules.map(({ bytes }) => bytes)]);
  const compressed = brotliCompressSync(contents, {
    params: {
      [constants.BROTLI_PARAM_SIZE_HINT]: contents.length,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  });
  const fixed = Buffer.alloc(fixedByteSize);
  fixed.set(magic);
  fixed.writeUInt32LE(version, 8);
  fixed.writeUInt32LE(text.length, 12);
  createHash("sha256").update(text).update(compressed).digest().copy(fixed, 16);
  return Buffer.concat([fixed, text, compressed]);
}

/** @throws {FormatError} `SIDECAR_FORMAT` for damage anywhere in the file; {@link LimitError} */
export function readSidecarHeader(bytes: Uint8Array, file: string): SidecarHeader {
  return headerIn(bytes, file).header;
}

/** Everything in it, checked. @throws as {@link readSidecarHeader} */
export function readSidecar(bytes: Uint8Array, file: string): SidecarContents {
  const { header, end } = headerIn(bytes, file);
  const parts = [header.btf, ...header.modules.map(({ btf }) => btf)];
  const byteSize = parts.reduce((sum, part) => sum + part.byteSize, 0);
  if (byteSize > maximumBtf) throw new LimitError("SIDECAR_BYTES", `${byteSize} bytes of BTF`, { file });
  let contents: Uint8Array;
  try {
    contents = brotliDecompressSync(bytes.subarray(end), { maxOutputLength: Math.max(byteSize, 1) });
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? String(error);
    throw damaged(file, `its BTF does not decompress (${cause})`);
  }
  if (contents.length !== byteSize) throw damaged(file, "its BTF is not the one that was put in");
  let at = 0;
  const [btf, ...modules] = parts.map((part) => {
    const piece = contents.subarray(at, (at += part.byteSize));
    if (checksumOf(piece).sha256 !== part.sha256)
      throw damaged(file, "its BTF is not the one that was put in");
    return piece;
  });
  return { header, btf: btf!, modules };
}

function headerIn(bytes: Uint8Array, file: string): { header: SidecarHeader; end: number } {
  if (!isSidecarFile(bytes)) throw damaged(file, "no sidecar file");
  if (bytes.length < fixedByteSize) throw damaged(file, "it ends within its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = view.getUint32(8, true);
  if (found !== version) throw damaged(file, `version ${found}: only ${version} is known`);
  const byteSize = view.getUint32(12, true);
  const end = fixedByteSize + byteSize;
  if (byteSize > maximumHeader || end > bytes.length) throw damaged(file, "it ends within its header");
  const text = bytes.subarray(fixedByteSize, end);
  const digest = createHash("sha256").update(bytes.subarray(fixedByteSize)).digest();
  if (!digest.equals(bytes.subarray(16, fixedByteSize))) {
    throw damaged(file, "it was cut or changed: its checksum is another");
  }
  let facts: unknown;
  try {
    facts = JSON.parse(Buffer.from(text).toString("utf8"));
  } catch {
    throw damaged(file, "its header is no JSON");
  }
  const header = headerOf(facts);
  if (header === undefined) throw damaged(file, "its header lacks what it must have");
  return { header, end };
}

function damaged(file: string, problem: string): FormatError {
  return new FormatError("SIDECAR_FORMAT", `damaged sidecar: ${problem}`, { file });
}

export function isBuildId(text: unknown): text is string {
  return typeof text === "string" && /^(?:[0-9a-f]{2}){4,64}$/.test(text);
}

function headerOf(facts: unknown): SidecarHeader | undefined {
  if (!isRecord(facts)) return undefined;
  const { release, buildId, base, btf, variables, sections, modules, provenance } = facts;
  if (!isBuildId(buildId) || !isChecksum(btf) || !(base === null || isChecksum(base))) return undefined;
  if (!(release === null || typeof release === "string") || !isCount(variables)) return undefined;
  if (!Array.isArray(sections) || !Array.isArray(modules) || !isRecord(provenance)) return undefined;
  const places = sections.map(placeOf);
  const parts = modules.map(partOf);
  if (places.includes(undefined) || parts.includes(undefined)) return undefined;
  const { tool, source } = provenance;
  if (typeof tool !== "string" || typeof source !== "string") return undefined;
  return {
    release: release ?? undefined,
    buildId,
    base: base ?? undefined,
    btf,
    variables,
    sections: places as SectionPlace[],
    modules: parts as ModulePart[],
    provenance: { tool, source },
  };
}

function placeOf(entry: unknown): SectionPlace | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [name, address, byteSize] = entry as unknown[];
  if (typeof name !== "string" || typeof address !== "string" || !/^0x[0-9a-f]{1,16}$/.test(address))
    return undefined;
  return isCount(byteSize) ? { name, address: BigInt(address), byteSize } : undefined;
}

function partOf(entry: unknown): ModulePart | undefined {
  if (!isRecord(entry)) return undefined;
  const { name, buildId, base, btf, variables } = entry;
  if (typeof name !== "string" || !isBuildId(buildId) || !isChecksum(btf)) return undefined;
  if (!(base === null || isChecksum(base)) || !isCount(variables)) return undefined;
  return { name, buildId, base: base ?? undefined, btf, variables };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isChecksum(value: unknown): value is Checksum {
  if (!isRecord(value)) return false;
  return (
    isCount(value["byteSize"]) &&
    typeof value["sha256"] === "string" &&
    /^[0-9a-f]{64}$/.test(value["sha256"])
  );
}
