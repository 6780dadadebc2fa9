import { statfsSync, statSync } from "node:fs";
import { loadCodec } from "../compress/index.ts";
import {
  FileError,
  FileSource,
  FormatError,
  UnsupportedError,
  UsageError,
  type ByteSource,
  type Diagnostic,
} from "../io/index.ts";
import { AvmlMemory } from "./avml.ts";
import { CachedSource } from "./cached-source.ts";
import { detect, detectByteSize, type Detected } from "./detect.ts";
import type { Dump } from "./dump.ts";
import { ElfDump, readCoreNotes } from "./elf-dump.ts";
import { readCoreHeader } from "./elf-segments.ts";
import { FlattenedSource } from "./flattened.ts";
import { isKcore, KcoreDump } from "./kcore-dump.ts";
import { KdumpDump } from "./kdump-dump.ts";
import { limeMemory, PlainDump, rawMemory } from "./plain-dump.ts";
import { openPositions, positionsOf, type PositionReader } from "./position-reader.ts";

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
    return await openSources(files, options, close, ({ name }) => ({
      file: openPositions(name),
      live: isOnProcfs(name),
    }));
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
  const positions: OpenPositions = (source) => ({ file: positionsOf(source), live: false });
  return openSources(sources, options, () => {}, positions);
}

async function openSources(
  sources: readonly ByteSource[],
  options: OpenDumpOptions,
  close: () => void,
  openPositionsOf: OpenPositions,
): Promise<Dump> {
  const cacheByteSize = options.cacheByteSize ?? defaultCacheByteSize;
  if (sources.length === 0) throw new UsageError("no dump file given");
  const diagnostics: Diagnostic[] = [];
  const contents = sources.map((source) => peel(source, cacheByteSize, diagnostics));
  const kinds = new Set(contents.map(({ kind }) => kind));
  if (contents.length > 1 && !(kinds.size === 1 && kinds.has("kdump"))) {
    const other = contents.find(({ kind }) => kind !== "kdump")!;
    throw new UsageError(`${other.source.name}: only the parts of a split kdump can be opened together`);
  }
  const { kind, source } = contents[0]!;
  const flattened = contents.some((content) => content.flattened);
  switch (kind) {
    case "elf":
      return openCore(source, { flattened, diagnostics, close }, openPositionsOf);
    case "kdump":
      return KdumpDump.open(
        contents.map((content) => content.source),
        { flattened, diagnostics, cacheByteSize, close },
      );
    case "lime":
      return new PlainDump(source.name, kind, limeMemory(source, diagnostics), [], { diagnostics, close });
    case "avml": {
      const memory = new AvmlMemory(source, await loadCodec("snappy"), cacheByteSize, diagnostics);
      return new PlainDump(source.name, kind, memory, [["compression", "snappy"]], { diagnostics, close });
    }
    case "raw":
      return new PlainDump(source.name, kind, rawMemory(source), [], { diagnostics, close });
  }
}

/** What stands around the files of a dump. */
interface Container {
  flattened: boolean;
  diagnostics: Diagnostic[];
  close: () => void;
}

/** The file again, for the positions that only /proc/kcore has. */
type OpenPositions = (source: ByteSource) => { file: PositionReader; live: boolean };

function openCore(source: ByteSource, container: Container, openPositionsOf: OpenPositions): Dump {
  const header = readCoreHeader(source);
  const notes = readCoreNotes(source, header, container.diagnostics);
  if (!isKcore(notes)) return new ElfDump(source, header, notes, container);
  const { file, live } = openPositionsOf(source);
  const close = (): void => {
    file.close();
    container.close();
  };
  return new KcoreDump(source.name, file, header, notes, { live, diagnostics: container.diagnostics, close });
}

/** f_type of procfs (linux/magic.h). */
const PROC_SUPER_MAGIC = 0x9fa0;

function isOnProcfs(path: string): boolean {
  try {
    return statfsSync(path).type === PROC_SUPER_MAGIC;
  } catch {
    return false;
  }
}

interface Content {
  kind: Exclude<Detected["kind"], "refused" | "flattened">;
  source: ByteSource;
  flattened: boolean;
}

/** What a file is, with a flattened stream around it taken off. */
function peel(file: ByteSource, cacheByteSize: number, diagnostics: Diagnostic[]): Content {
  const source = new CachedSource(file, cacheByteSize);
  const outer = detectIn(source);
  if (outer !== "flattened") return { kind: outer, source, flattened: false };
  const inside = FlattenedSource.open(source, file, diagnostics);
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
