import { FormatError, UnsupportedError, type ByteSource, type Diagnostic } from "../io/index.ts";
import type { Dump, DumpFormat, DumpNote, PhysicalMemory, PhysicalRange, VirtualSegment } from "./dump.ts";
import { cutAtEnd, RunMemory, type MemoryRun } from "./run-memory.ts";
import { physicalLimit } from "./physical-limit.ts";
import { readUnsignedLongAt, viewOf } from "./words.ts";

/** Memory and nothing else: no notes, no registers, no word about the machine. */
export class PlainDump implements Dump {
  readonly name: string;
  readonly format: DumpFormat;
  readonly flattened = false;
  readonly machine: number | undefined = undefined;
  readonly littleEndian = true;
  readonly notes: readonly DumpNote[] = [];
  readonly vmcoreinfo: string | undefined = undefined;
  readonly fromHypervisor = false;
  readonly virtualSegments: readonly VirtualSegment[] = [];
  readonly facts: readonly (readonly [string, string])[];
  readonly diagnostics: readonly Diagnostic[];
  readonly frozen = true;
  readonly #memory: PhysicalMemory;
  readonly #close: () => void;

  constructor(
    name: string,
    format: DumpFormat,
    memory: PhysicalMemory,
    facts: readonly (readonly [string, string])[],
    container: { diagnostics: Diagnostic[]; close: () => void },
  ) {
    this.name = name;
    this.format = format;
    this.facts = facts;
    this.diagnostics = container.diagnostics;
    this.#memory = memory;
    this.#close = container.close;
  }

  get ranges(): readonly PhysicalRange[] {
    return this.#memory.ranges;
  }

  readInto(target: Uint8Array, address: number): void {
    this.#memory.readInto(target, address);
  }

  close(): void {
    this.#close();
  }
}

/** The file is the memory: the offset is the physical address. */
export function rawMemory(source: ByteSource): RunMemory {
  return new RunMemory(source, [{ kind: "bytes", address: 0, byteSize: source.byteSize, fileOffset: 0 }]);
}

/** Head of a range of memory, for LiME and AVML. All little-endian. */
export interface RangeHeader {
  /** First address. */
  start: number;
  byteSize: number;
}

export const rangeHeaderByteSize = 32;

/**
 * `u32 magic; u32 version; u64 start; u64 last; u8 zero[8]`: undefined for anything else.
 * @throws {UnsupportedError} for the right magic number with another version
 */
export function parseRangeHeader(
  bytes: Uint8Array,
  magic: string,
  version: number,
  place: { file: string; offset: number },
): RangeHeader | undefined {
  if (Buffer.from(bytes.subarray(0, 4)).toString("latin1") !== magic) return undefined;
  const view = viewOf(bytes);
  const found = view.getUint32(4, true);
  if (found !== version) {
    throw new UnsupportedError(
      "DUMP_RANGE_VERSION",
      `${magic === "AVML" ? "AVML" : "LiME"} header version ${found}: version ${version} is supported`,
      place,
    );
  }
  const start = readUnsignedLongAt(view, 8, true);
  const last = readUnsignedLongAt(view, 16, true);
  if (last < start || last >= physicalLimit) {
    throw new FormatError(
      "DUMP_RANGE",
      `memory from 0x${start.toString(16)} to 0x${last.toString(16)}`,
      place,
    );
  }
  return { start, byteSize: last - start + 1 };
}

/**
 * LiME: head and bytes, range by range (LiME, lime.h). A head that is broken ends it, with a warning.
 * @throws {FormatError} when the first head is broken
 */
export function limeMemory(source: ByteSource, diagnostics: Diagnostic[]): RunMemory {
  const runs: MemoryRun[] = [];
  const warn = (text: string, offset: number): void => {
    diagnostics.push({
      severity: "warning",
      code: "DUMP_TRUNCATED",
      text,
      location: { file: source.name, offset },
    });
  };
  let offset = 0;
  while (offset < source.byteSize) {
    if (offset + rangeHeaderByteSize > source.byteSize) {
      warn("the file ends inside the head of a range", offset);
      break;
    }
    const place = { file: source.name, offset };
    const header = parseRangeHeader(source.read(offset, rangeHeaderByteSize), "EMiL", 1, place);
    if (header === undefined) {
      warn("what follows is no range of memory and is left out", offset);
      break;
    }
    offset += rangeHeaderByteSize;
    const { start, byteSize } = header;
    runs.push(...cutAtEnd({ kind: "bytes", address: start, byteSize, fileOffset: offset }, source.byteSize));
    offset += byteSize;
    if (offset > source.byteSize) warn("the file ends inside a range of memory", source.byteSize);
  }
  return new RunMemory(source, runs);
}
