import { statSync } from "node:fs";
import {
  FileError,
  FileSource,
  FormatError,
  UnsupportedError,
  UsageError,
  type ByteSource,
  type Diagnostic,
} from "../io/index.ts";
import { CachedSource } from "./cached-source.ts";
import { detect, detectByteSize, type Detected } from "./detect.ts";
import type { Dump } from "./dump.ts";
import { ElfDump } from "./elf-dump.ts";
import { readCoreHeader } from "./elf-segments.ts";
import { FlattenedSource } from "./flattened.ts";
import { KdumpDump } from "./kdump-dump.ts";

export interface OpenDumpOptions {
  /** Bytes of memory that each open file may keep of what was read, and again of decompressed pages. Default 16 MiB. */
  cacheByteSize?: number;
}

const defaultCacheByteSize = 16 << 20;

/**
 * Open a memory dump: one file, or all files of a split kdump in any order. What it is, its content says.
 *
 * Opening reads headers and notes only. Reading is synchronous; the returned promise is for codecs that
 * must be compiled.
 * @throws {FileError} when a file cannot be read
 * @throws {UnsupportedError} for something known that is no dump, or none that can be read
 * @throws {FormatError} when headers are broken
 * @throws {UsageError} for several files that are not parts of one dump
 */
export async function openDump(paths: readonly string[], options: OpenDumpOptions = {}): Promise<Dump> {
  const files: FileSource[] = [];
  const close = (): void => {
    for (const file of files.splice(0)) file.close();
  };
  try {
    for (const path of paths) {
      refuseSpecialFile(path);
      files.push(new FileSource(path));
    }
    return await openSources(files, options, close);
  } catch (error) {
    close();
    throw error;
  }
}

/** {@link openDump} for bytes that are not in a file of their own. Nothing is closed by the dump's `close`. */
export function openDumpSources(
  sources: readonly ByteSource[],
  options: OpenDumpOptions = {},
): Promise<Dump> {
  return openSources(sources, options, () => {});
}

async function openSources(
  sources: readonly ByteSource[],
  options: OpenDumpOptions,
  close: () => void,
): Promise<Dump> {
  const cacheByteSize = options.cacheByteSize ?? defaultCacheByteSize;
  if (sources.length === 0) throw new UsageError("no dump file given");
  const diagnostics: Diagnostic[] = [];
  const contents = sources.map((source) => peel(new CachedSource(source, cacheByteSize), diagnostics));
  const kinds = new Set(contents.map(({ kind }) => kind));
  if (contents.length > 1 && !(kinds.size === 1 && kinds.has("kdump"))) {
    const other = contents.find(({ kind }) => kind !== "kdump")!;
    throw new UsageError(`${other.source.name}: only the parts of a split kdump can be opened together`);
  }
  const { kind, source } = contents[0]!;
  const flattened = contents.some((content) => content.flattened);
  switch (kind) {
    case "elf":
      return new ElfDump(source, readCoreHeader(source), { flattened, diagnostics, close });
    case "kdump":
      return KdumpDump.open(
        contents.map((content) => content.source),
        { flattened, diagnostics, cacheByteSize, close },
      );
    case "lime":
    case "avml":
    case "raw":
      throw new UnsupportedError("DUMP_FORMAT", `${kind} dumps`, { file: source.name });
  }
}

interface Content {
  kind: Exclude<Detected["kind"], "refused" | "flattened">;
  source: ByteSource;
  flattened: boolean;
}

/** What a file is, with a flattened stream around it taken off. */
function peel(source: ByteSource, diagnostics: Diagnostic[]): Content {
  const outer = detectIn(source);
  if (outer !== "flattened") return { kind: outer, source, flattened: false };
  const inside = FlattenedSource.open(source, diagnostics);
  // No more than a magic number: in a stream that is cut off, what lies between two records is lost.
  const inner = inside.byteSize < 64 ? undefined : detect(inside.read(0, 16)).kind;
  if (inner !== "elf" && inner !== "kdump") {
    throw new FormatError(
      "DUMP_FLATTENED",
      "the flattened stream holds neither an ELF core nor a kdump file",
      {
        file: source.name,
      },
    );
  }
  return { kind: inner, source: inside, flattened: true };
}

function detectIn(source: ByteSource): Exclude<Detected["kind"], "refused"> {
  const detected = detect(source.read(0, Math.min(detectByteSize, source.byteSize)));
  if (detected.kind !== "refused") return detected.kind;
  throw new UnsupportedError("DUMP_NOT_A_DUMP", detected.what, { file: source.name });
}

/** A pipe has no positions; a device's end is unknown, and reading it may never end. */
function refuseSpecialFile(path: string): void {
  let stat;
  try {
    stat = statSync(path);
  } catch {
    return; // For the opening to report.
  }
  const what = stat.isBlockDevice()
    ? "a block device"
    : stat.isCharacterDevice()
      ? "a character device"
      : stat.isFIFO()
        ? "a pipe"
        : stat.isSocket()
          ? "a socket"
          : undefined;
  if (what !== undefined) throw new FileError(path, `${what}; copy the dump into a file first`, "open");
}
