import { PT_LOAD, PT_NOTE } from "../elf/index.ts";
import { UnsupportedError, type ByteSource, type Diagnostic } from "../io/index.ts";
import type { Dump, DumpNote, PhysicalRange, VirtualSegment } from "./dump.ts";
import { noAddress, type CoreHeader, type CoreSegment } from "./elf-segments.ts";
import { hasHypervisorNote, NoteReader, vmcoreinfoOf } from "./notes.ts";
import { physicalLimit } from "./physical-limit.ts";
import { cutAtEnd, RunMemory, type MemoryRun } from "./run-memory.ts";

/** An ELF core of a whole machine in a file: /proc/vmcore, `makedumpfile -E`, QEMU, VirtualBox. */
export class ElfDump implements Dump {
  readonly format = "elf";
  readonly name: string;
  readonly flattened: boolean;
  readonly machine: number;
  readonly littleEndian: boolean;
  readonly notes: readonly DumpNote[];
  readonly vmcoreinfo: string | undefined;
  readonly fromHypervisor: boolean;
  readonly virtualSegments: readonly VirtualSegment[];
  readonly facts: readonly (readonly [string, string])[];
  readonly diagnostics: readonly Diagnostic[];
  readonly frozen = true;
  readonly #memory: RunMemory;
  readonly #close: () => void;

  constructor(
    source: ByteSource,
    header: CoreHeader,
    notes: readonly DumpNote[],
    container: { flattened: boolean; diagnostics: Diagnostic[]; close: () => void },
  ) {
    const loads = header.segments.filter(
      ({ type, memoryByteSize }) => type === PT_LOAD && memoryByteSize > 0n,
    );
    this.name = source.name;
    this.flattened = container.flattened;
    this.machine = header.machine;
    this.littleEndian = header.littleEndian;
    this.diagnostics = container.diagnostics;
    this.#close = container.close;
    this.notes = notes;
    this.vmcoreinfo = vmcoreinfoOf(this.notes);
    this.fromHypervisor =
      hasHypervisorNote(this.notes) ||
      header.headerByteSize === 8 ||
      (loads.length > 0 && loads.every(({ virtualAddress: v, physicalAddress: p }) => v === p));
    this.virtualSegments = this.fromHypervisor ? [] : believedSegments(loads);
    this.#memory = new RunMemory(source, this.#runsOf(loads, source.byteSize, container.diagnostics));
    this.facts = [
      ["written by", this.fromHypervisor ? "a hypervisor" : "the crashed machine's own kernel"],
      ["segments", String(loads.length)],
    ];
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

  #runsOf(loads: readonly CoreSegment[], fileByteSize: number, diagnostics: Diagnostic[]): MemoryRun[] {
    const runs: MemoryRun[] = [];
    let zeroBytes = 0;
    let wild = 0;
    for (const load of loads) {
      if (load.physicalAddress === noAddress) continue;
      const address = Number(load.physicalAddress);
      const memoryByteSize = Number(load.memoryByteSize);
      const fileOffset = Number(load.fileOffset);
      if (address + memoryByteSize > physicalLimit || (load.fileByteSize > 0n && fileOffset >= 2 ** 53)) {
        wild++;
        continue;
      }
      const inFile = Math.min(Number(load.fileByteSize), memoryByteSize);
      if (inFile > 0)
        runs.push(...cutAtEnd({ kind: "bytes", address, byteSize: inFile, fileOffset }, fileByteSize));
      // A hypervisor leaves out what it has no bytes for; makedumpfile so writes zeros and pages it filtered.
      if (inFile < memoryByteSize && !this.fromHypervisor) {
        const byteSize = memoryByteSize - inFile;
        runs.push({ kind: "zeros", address: address + inFile, byteSize, fileOffset: 0 });
        zeroBytes += byteSize;
      }
    }
    const lost = runs.reduce((sum, run) => sum + (run.kind === "truncated" ? run.byteSize : 0), 0);
    if (lost > 0) {
      diagnostics.push({
        severity: "warning",
        code: "DUMP_TRUNCATED",
        text: `the file ends before 0x${lost.toString(16)} bytes of memory that it promises`,
        location: { file: this.name, offset: fileByteSize },
      });
    }
    if (zeroBytes > 0) {
      diagnostics.push({
        severity: "info",
        code: "DUMP_ZERO_OR_EXCLUDED",
        text: `0x${zeroBytes.toString(16)} bytes are not in the file: pages of zeros and excluded pages look alike there and read as zeros`,
        location: { file: this.name },
      });
    }
    if (wild > 0) {
      diagnostics.push({
        severity: "warning",
        code: "DUMP_SEGMENT_ADDRESS",
        text: `${wild} segments lie beyond any machine's memory and are left out`,
        location: { file: this.name },
      });
    }
    return runs;
  }
}

/**
 * The notes of a core, after a look at whose core it is.
 * @throws {UnsupportedError} for the core of a process, or of a Xen domain
 */
export function readCoreNotes(source: ByteSource, header: CoreHeader, diagnostics: Diagnostic[]): DumpNote[] {
  const reader = new NoteReader(source, header.littleEndian, diagnostics);
  for (const segment of header.segments) {
    if (segment.type !== PT_NOTE || segment.fileByteSize === 0n) continue;
    reader.read(Number(segment.fileOffset), Number(segment.fileByteSize));
  }
  const { notes } = reader;
  const file = source.name;
  if (header.sectionsOnly || notes.some(({ name }) => name === "Xen")) {
    throw new UnsupportedError(
      "DUMP_XEN",
      "a dump of a Xen domain, whose page tables hold machine frames: Xen dumps are not supported",
      { file },
    );
  }
  if (notes.some(({ name, type }) => name === "CORE" && processNotes.has(type))) {
    throw new UnsupportedError("DUMP_PROCESS", "the core of a process, not of a machine", { file });
  }
  return notes;
}

/** NT_AUXV, NT_SIGINFO, NT_FILE: what only processes have. */
const processNotes: ReadonlySet<number> = new Set([6, 0x5349_4749, 0x4649_4c45]);

/** LOAD segments whose virtual address can be a kernel's. */
export function believedSegments(loads: readonly CoreSegment[]): VirtualSegment[] {
  const segments: VirtualSegment[] = [];
  for (const { virtualAddress, physicalAddress, memoryByteSize } of loads) {
    if (virtualAddress >> 63n !== 1n || virtualAddress === noAddress) continue;
    if (virtualAddress + memoryByteSize > 1n << 64n) continue;
    segments.push({
      address: virtualAddress,
      byteSize: memoryByteSize,
      physicalAddress:
        physicalAddress + memoryByteSize <= BigInt(physicalLimit) ? Number(physicalAddress) : undefined,
    });
  }
  return segments;
}
