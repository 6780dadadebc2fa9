import { loadCodec, type Codec } from "../compress/index.ts";
import { EM_386, EM_AARCH64, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64 } from "../elf/index.ts";
import { FormatError, type ByteSource, type Diagnostic } from "../io/index.ts";
import type { Dump, DumpNote, PhysicalRange, VirtualSegment } from "./dump.ts";
import { FrameBitmap } from "./frame-bitmap.ts";
import {
  DUMP_DH_COMPRESSED_INCOMPLETE,
  DUMP_DH_EXCLUDED_VMEMMAP,
  readKdumpHeader,
  type FilePart,
  type KdumpHeader,
} from "./kdump-header.ts";
import { KdumpMemory, type KdumpPart } from "./kdump-memory.ts";
import {
  codecNamesOf,
  descriptorByteSize,
  PageReader,
  sampleDescriptors,
  type DescriptorSample,
} from "./kdump-pages.ts";
import { hasHypervisorNote, NoteReader, textOf, vmcoreinfoOf } from "./notes.ts";
import { isTruncation } from "./run-memory.ts";

/** Longest text that is read as VMCOREINFO; the kernel's fits a page. */
const maximumVmcoreinfo = 1 << 20;

/** e_machine by utsname.machine; QEMU says "Unknown" on arm64. */
const machines: ReadonlyMap<string, number> = new Map([
  ["x86_64", EM_X86_64],
  ["aarch64", EM_AARCH64],
  ["riscv64", EM_RISCV],
  ["s390x", EM_S390],
  ["ppc64", EM_PPC64],
  ["ppc64le", EM_PPC64],
  ["i686", EM_386],
]);

/** A dump in makedumpfile's compressed format, which QEMU writes too; in one file or split over several. */
export class KdumpDump implements Dump {
  readonly format = "kdump";
  readonly name: string;
  readonly flattened: boolean;
  readonly machine: number | undefined;
  readonly littleEndian: boolean;
  readonly notes: readonly DumpNote[];
  readonly vmcoreinfo: string | undefined;
  readonly fromHypervisor: boolean;
  readonly virtualSegments: readonly VirtualSegment[] = [];
  readonly facts: readonly (readonly [string, string])[];
  readonly diagnostics: readonly Diagnostic[];
  readonly frozen = true;
  readonly #memory: KdumpMemory;
  readonly #close: () => void;

  private constructor(
    sources: readonly ByteSource[],
    headers: readonly KdumpHeader[],
    samples: readonly DescriptorSample[],
    codecs: readonly Codec[],
    compression: string,
    container: KdumpContainer,
  ) {
    const header = headers[0]!;
    const source = sources[0]!;
    this.name = source.name;
    this.flattened = container.flattened;
    this.littleEndian = header.littleEndian;
    this.machine = machines.get(header.utsname.machine);
    this.diagnostics = container.diagnostics;
    this.#close = container.close;

    const notes = new NoteReader(source, header.littleEndian, container.diagnostics);
    if (header.notes !== undefined) notes.read(header.notes.offset, header.notes.byteSize);
    this.notes = notes.notes;
    this.vmcoreinfo = readText(source, header.vmcoreinfo) ?? vmcoreinfoOf(this.notes);
    this.fromHypervisor =
      hasHypervisorNote(this.notes) || (header.utsname.release === "" && header.time === 0);
    const bitmap = (part: FilePart): FrameBitmap => new FrameBitmap(source, part.offset, header.frameCount);
    const dumped = bitmap(header.dumpedBitmap);
    this.#memory = new KdumpMemory({
      blockByteSize: header.blockByteSize,
      dumped,
      memory: header.memoryBitmap === undefined ? undefined : bitmap(header.memoryBitmap),
      parts: sources.map((each, i) => partOf(each, headers[i]!, codecs)),
      dumpLevel: header.dumpLevel,
      cacheByteSize: container.cacheByteSize,
    });
    checkTables(sources, headers, samples, dumped, container.diagnostics);
    this.facts = factsOf(header, headers.length, compression, this.fromHypervisor);
  }

  /**
   * @throws {FormatError} when a header is broken, or the files are not parts of one dump
   * @throws {UnsupportedError} when the header's version is unknown
   */
  static async open(sources: readonly ByteSource[], container: KdumpContainer): Promise<KdumpDump> {
    const headers = sources.map(readKdumpHeader);
    checkParts(sources, headers, container.diagnostics);
    const samples = headers.map((header, i) =>
      sampleDescriptors(sources[i]!, header.descriptorOffset, header.littleEndian),
    );
    let names = codecNamesOf(headers.reduce((flags, { status }) => flags | status, 0));
    if (names.length === 0) names = codecNamesOf(samples.reduce((flags, sample) => flags | sample.flags, 0));
    const codecs: Codec[] = [];
    for (const name of names) codecs.push(await loadCodec(name));
    return new KdumpDump(sources, headers, samples, codecs, names.join(", ") || "none", container);
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

/** What stands around the files. */
export interface KdumpContainer {
  flattened: boolean;
  diagnostics: Diagnostic[];
  cacheByteSize: number;
  close: () => void;
}

function partOf(source: ByteSource, header: KdumpHeader, codecs: readonly Codec[]): KdumpPart {
  return {
    pages: new PageReader(source, header, codecs),
    ...partOfFrames(header),
  };
}

/** Frames that a file is for, within those that there are. */
function partOfFrames({ split, frameCount }: KdumpHeader): { firstFrame: number; endFrame: number } {
  const clamp = (frame: number): number => Math.min(Math.max(0, frame), frameCount);
  return { firstFrame: clamp(split?.firstFrame ?? 0), endFrame: clamp(split?.endFrame ?? frameCount) };
}

/** A larger bitmap (of 128 GiB in 4 KiB pages) is not counted only to be checked. */
const largestCheckedBitmap = 4 << 20;

/**
 * Nothing in a descriptor says which frame it is for: a bit too many or too few in the bitmap moves all
 * pages behind it. Data begins where the table ends, with the page of zeros if there is one.
 */
function checkTables(
  sources: readonly ByteSource[],
  headers: readonly KdumpHeader[],
  samples: readonly DescriptorSample[],
  dumped: FrameBitmap,
  diagnostics: Diagnostic[],
): void {
  for (const [i, header] of headers.entries()) {
    const { dataOffset } = samples[i]!;
    if (dataOffset === undefined || header.dumpedBitmap.byteSize > largestCheckedBitmap) continue;
    const { firstFrame, endFrame } = partOfFrames(header);
    let counts: number[];
    try {
      // makedumpfile gives each file of a split dump a table for all of its pages.
      counts = [dumped.rank(header.frameCount), dumped.rank(endFrame) - dumped.rank(firstFrame)];
    } catch (error) {
      if (isTruncation(error)) continue; // What a cut stream has lost is reported already.
      throw error;
    }
    const fits = counts.some((count) => {
      const gap = dataOffset - (header.descriptorOffset + count * descriptorByteSize);
      return gap >= 0 && gap <= header.blockByteSize;
    });
    if (fits) continue;
    diagnostics.push({
      severity: "warning",
      code: "DUMP_KDUMP_BITMAP",
      text: `the bitmap counts ${counts[0]} pages, the table of pages is for another number: addresses may be wrong`,
      location: { file: sources[i]!.name, offset: header.dumpedBitmap.offset },
    });
  }
}

function readText(source: ByteSource, part: FilePart | undefined): string | undefined {
  if (
    part === undefined ||
    part.byteSize > maximumVmcoreinfo ||
    part.offset + part.byteSize > source.byteSize
  ) {
    return undefined;
  }
  try {
    return textOf(source.read(part.offset, part.byteSize));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Every file of a split dump has all bitmaps, so the first one's serve for all. */
function checkParts(
  sources: readonly ByteSource[],
  headers: readonly KdumpHeader[],
  diagnostics: Diagnostic[],
): void {
  const first = headers[0]!;
  for (const [i, header] of headers.entries()) {
    const file = sources[i]!.name;
    if (headers.length > 1 && header.split === undefined) {
      throw new FormatError("DUMP_SPLIT", "a whole dump, not a part of a split one: open it alone", { file });
    }
    if (
      header.blockByteSize !== first.blockByteSize ||
      header.frameCount !== first.frameCount ||
      header.littleEndian !== first.littleEndian ||
      header.time !== first.time ||
      header.utsname.release !== first.utsname.release
    ) {
      throw new FormatError("DUMP_SPLIT", `a part of another dump than ${sources[0]!.name}`, { file });
    }
    if ((header.status & DUMP_DH_COMPRESSED_INCOMPLETE) !== 0) {
      diagnostics.push({
        severity: "warning",
        code: "DUMP_INCOMPLETE",
        text: "the writer marked this dump as incomplete",
        location: { file },
      });
    }
  }
  checkCoverage(sources[0]!.name, headers, diagnostics);
}

function checkCoverage(file: string, headers: readonly KdumpHeader[], diagnostics: Diagnostic[]): void {
  if (headers[0]!.split === undefined) return;
  const warn = (first: number, end: number): void => {
    diagnostics.push({
      severity: "warning",
      code: "DUMP_SPLIT_PART_MISSING",
      text: `page frames 0x${first.toString(16)} to 0x${end.toString(16)} are in a file of the split dump that was not given`,
      location: { file },
    });
  };
  let covered = 0;
  for (const { split } of headers.toSorted((a, b) => a.split!.firstFrame - b.split!.firstFrame)) {
    if (split!.firstFrame > covered) warn(covered, split!.firstFrame);
    covered = Math.max(covered, split!.endFrame);
  }
  if (covered < headers[0]!.frameCount) warn(covered, headers[0]!.frameCount);
}

function factsOf(
  header: KdumpHeader,
  files: number,
  compression: string,
  fromHypervisor: boolean,
): (readonly [string, string])[] {
  const facts: (readonly [string, string])[] = [
    ["written by", fromHypervisor ? "a hypervisor" : "makedumpfile"],
    ["header version", String(header.version)],
    ["compression", compression],
    ["block size", String(header.blockByteSize)],
    ["dump level", String(header.dumpLevel)],
  ];
  if (header.split !== undefined) facts.push(["split files", String(files)]);
  if (header.utsname.release !== "") facts.push(["kernel in the header", header.utsname.release]);
  const time = new Date(header.time * 1000);
  if (header.time > 0 && !Number.isNaN(time.getTime())) facts.push(["time of the dump", time.toISOString()]);
  if ((header.status & DUMP_DH_EXCLUDED_VMEMMAP) !== 0)
    facts.push(["excluded", "struct pages of excluded memory"]);
  return facts;
}
