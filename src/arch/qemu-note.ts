import { FormatError } from "../io/index.ts";
import { RegisterSet, wordsAt, type Note } from "./registers.ts";

/**
 * The state of an x86-64 CPU as QEMU adds it to its dumps: a note `QEMU` of type 0 per CPU, in their order.
 * Source of the layout: QEMU `struct QEMUCPUState`.
 */
export interface QemuCpu {
  /** General registers, `rip`, `rflags`, `cr0` … `cr4`, and `kernel_gs_base`. */
  registers: RegisterSet;
  /** Bases of segments and descriptor tables. */
  segments: Readonly<Record<QemuSegment, QemuSegmentState>>;
}

export interface QemuSegmentState {
  selector: number;
  limit: number;
  flags: number;
  base: bigint;
}

const segmentNames = ["cs", "ds", "es", "fs", "gs", "ss", "ldt", "tr", "gdt", "idt"] as const;
export type QemuSegment = (typeof segmentNames)[number];

const generalNames = "rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags".split(" ");
const controlNames = "cr0 cr1 cr2 cr3 cr4".split(" ");
const generalOffset = 8;
const segmentsOffset = 152;
const segmentByteSize = 24;
const controlOffset = 392;
/** Since QEMU 2.13; older notes end before it. */
const kernelGsBaseOffset = 432;

/**
 * Read the description of a QEMU note.
 * @throws {FormatError} `QEMU_NOTE` for another version, or a size it cannot have.
 */
export function parseQemuNote(description: Uint8Array): QemuCpu {
  const view = new DataView(description.buffer, description.byteOffset, description.byteLength);
  if (description.length < kernelGsBaseOffset)
    throw new FormatError("QEMU_NOTE", `QEMU note of ${description.length} bytes`);
  const version = view.getUint32(0, true);
  if (version !== 1) throw new FormatError("QEMU_NOTE", `QEMU note of version ${version}`);
  const hasKernelGsBase = description.length >= kernelGsBaseOffset + 8;
  const names = [...generalNames, ...controlNames, ...(hasKernelGsBase ? ["kernel_gs_base"] : [])];
  const values = new BigUint64Array(names.length);
  values.set(wordsAt(description, generalOffset, generalNames.length, true));
  values.set(
    wordsAt(description, controlOffset, names.length - generalNames.length, true),
    generalNames.length,
  );
  const segments = Object.fromEntries(
    segmentNames.map((name, index) => {
      const at = segmentsOffset + index * segmentByteSize;
      return [
        name,
        {
          selector: view.getUint32(at, true),
          limit: view.getUint32(at + 4, true),
          flags: view.getUint32(at + 8, true),
          base: view.getBigUint64(at + 16, true),
        },
      ];
    }),
  ) as Record<QemuSegment, QemuSegmentState>;
  return { registers: new RegisterSet(names, values), segments };
}

/** The CPUs that QEMU described, in their order; notes that cannot be read are left out. */
export function qemuCpusOfNotes(notes: readonly Note[]): QemuCpu[] {
  const cpus: QemuCpu[] = [];
  for (const note of notes) {
    if (note.name !== "QEMU" || note.type !== 0) continue;
    try {
      cpus.push(parseQemuNote(note.description));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return cpus;
}
