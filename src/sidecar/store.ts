import { mkdirSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import {
  errorCode,
  FileError,
  FileSource,
  FormatError,
  isDwarflessError,
  LimitError,
  writeFileAtomic,
} from "../io/index.ts";
import {
  isBuildId,
  readSidecar,
  readSidecarHeader,
  type SidecarHeader,
  sidecarName,
} from "./sidecar-file.ts";

/** A sidecar file beyond this is not read, from wherever it comes. */
export const maximumSidecarBytes: number = 64 << 20;

/** A sidecar in a folder. */
export interface StoredSidecar {
  path: string;
  byteSize: number;
  /** Or why it cannot be used. */
  header: SidecarHeader | string;
}

/** The user's own: `$DWARFLESS_STORE`, else `dwarfless` in the XDG data folder. */
export function defaultStore(): string {
  const named = process.env["DWARFLESS_STORE"];
  if (named) return named;
  return join(process.env["XDG_DATA_HOME"] || join(homedir(), ".local/share"), "dwarfless");
}

/**
 * Put a sidecar into a store, under its build id.
 * @returns where it is now
 * @throws {FormatError} when it is damaged; {@link FileError}
 */
export function addToStore(store: string, bytes: Uint8Array, name: string): string {
  const { header } = readSidecar(bytes, name);
  try {
    mkdirSync(store, { recursive: true });
  } catch (error) {
    throw new FileError(store, errorCode(error), "make");
  }
  const path = join(store, sidecarName(header.buildId));
  writeFileAtomic(path, [bytes], 0o644);
  return path;
}

/** Every file of a store that is named as a sidecar, by name. @throws {FileError} */
export function listStore(store: string): StoredSidecar[] {
  let names: string[];
  try {
    names = readdirSync(store);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw new FileError(store, errorCode(error), "read");
  }
  return names
    .filter((name) => name.endsWith(".sidecar") && isBuildId(name.slice(0, -".sidecar".length)))
    .sort()
    .map((name) => describe(join(store, name), name));
}

function describe(path: string, name: string): StoredSidecar {
  let byteSize = 0;
  try {
    const bytes = readSidecarBytes(path);
    byteSize = bytes.length;
    const header = readSidecarHeader(bytes, path);
    const isNamed = sidecarName(header.buildId) === name;
    return { path, byteSize, header: isNamed ? header : `holds build id ${header.buildId}` };
  } catch (error) {
    if (!isDwarflessError(error)) throw error;
    return { path, byteSize, header: error instanceof FormatError ? error.problem : error.message };
  }
}

/** @throws {FileError} {@link LimitError} */
export function readSidecarBytes(path: string): Uint8Array {
  const source = new FileSource(path);
  try {
    const { byteSize } = source;
    if (byteSize > maximumSidecarBytes)
      throw new LimitError("SIDECAR_BYTES", `${byteSize} bytes: too large for a sidecar`, { file: path });
    return source.read(0, byteSize);
  } finally {
    source.close();
  }
}
