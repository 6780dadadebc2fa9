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
 *  16 32  SHA-256 of the header
 *  48     header: JSON, one object, UTF-8
 *   …     the BTF as one Brotli stream (RFC 7932) up to the end of the file
 * ```
 *
 * The checksums find damage. They prove no origin: whoever can write the file can write them too. That
 * a sidecar fits a dump is decided by the dump's own build id and BTF.
 */
export interface SidecarHeader {
  /** `uname -r`; undefined where it is not known. */
  release: string | undefined;
  /** Of the kernel image, lower-case hexadecimal. */
  buildId: string;
  /** The BTF that it is split from, the kernel's own; undefined for complete BTF. */
  base: Checksum | undefined;
  btf: Checksum;
  /** VARs in it. */
  variables: number;
  /** Sections of the image as linked, by which variables can be placed. */
  sections: readonly SectionPlace[];
  /** What wrote it, and from what: for people. */
  provenance: { tool: string; source: string };
}

export interface Checksum {
  byteSize: number;
  /** SHA-256, lower-case hexadecimal. */
  sha256: string;
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
/** A kernel has 2 to 8 MB of it. */
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

/** A whole file. `header.btf` is made of the bytes. */
export function writeSidecar(header: Omit<SidecarHeader, "btf">, btf: Uint8Array): Uint8Array {
  const { release, buildId, base, variables, sections, provenance } = header;
  const facts = {
    release: release ?? null,
    buildId,
    base: base ?? null,
    btf: checksumOf(btf),
    variables,
    sections: sections.map(({ name, address, byteSize }) => [name, `0x${address.toString(16)}`, byteSize]),
    provenance,
  };
  const text = Buffer.from(JSON.stringify(facts), "utf8");
  const fixed = Buffer.alloc(fixedByteSize);
  fixed.set(magic);
  fixed.writeUInt32LE(version, 8);
  fixed.writeUInt32LE(text.length, 12);
  createHash("sha256").update(text).digest().copy(fixed, 16);
  const compressed = brotliCompressSync(btf, {
    params: {
      [constants.BROTLI_PARAM_SIZE_HINT]: btf.length,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  });
  return Buffer.concat([fixed, text, compressed]);
}

/** @throws {FormatError} `SIDECAR_FORMAT` for damage; {@link LimitError} */
export function readSidecarHeader(bytes: Uint8Array, file: string): SidecarHeader {
  return headerIn(bytes, file).header;
}

/** Header and BTF, both checked. @throws as {@link readSidecarHeader} */
export function readSidecar(bytes: Uint8Array, file: string): { header: SidecarHeader; btf: Uint8Array } {
  const { header, end } = headerIn(bytes, file);
  const { byteSize, sha256 } = header.btf;
  if (byteSize > maximumBtf) throw new LimitError("SIDECAR_BYTES", `${byteSize} bytes of BTF`, { file });
  let btf: Uint8Array;
  try {
    btf = brotliDecompressSync(bytes.subarray(end), { maxOutputLength: Math.max(byteSize, 1) });
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? String(error);
    throw damaged(file, `its BTF does not decompress (${cause})`);
  }
  if (btf.length !== byteSize || checksumOf(btf).sha256 !== sha256) {
    throw damaged(file, "its BTF is not the one that was put in");
  }
  return { header, btf };
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
  if (!createHash("sha256").update(text).digest().equals(bytes.subarray(16, 48))) {
    throw damaged(file, "its header was changed");
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
  const { release, buildId, base, btf, variables, sections, provenance } = facts;
  if (!isBuildId(buildId) || !isChecksum(btf) || !(base === null || isChecksum(base))) return undefined;
  if (!(release === null || typeof release === "string") || !isCount(variables)) return undefined;
  if (!Array.isArray(sections) || !isRecord(provenance)) return undefined;
  const places = sections.map(placeOf);
  if (places.includes(undefined)) return undefined;
  const { tool, source } = provenance;
  if (typeof tool !== "string" || typeof source !== "string") return undefined;
  return {
    release: release ?? undefined,
    buildId,
    base: base ?? undefined,
    btf,
    variables,
    sections: places as SectionPlace[],
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
