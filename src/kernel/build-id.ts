import { findBuildId } from "../elf/index.ts";
import { FaultError } from "../io/index.ts";
import { buildIdIsReliable, type VirtualMemory } from "../memory/index.ts";
import { type Foundation, releaseOf } from "./foundation.ts";

/** A build id in lower-case hexadecimal digits, and where it was read. */
export interface KernelBuildId {
  text: string;
  from: "notes of the image" | "VMCOREINFO";
}

/** Debian's kernels have 84 bytes of notes, Xen's entry points a few hundred. */
const maximumNotesByteSize = 1 << 16;

/**
 * The build id of a kernel image: from its notes in memory (`__start_notes`, kept for
 * /sys/kernel/notes), else from VMCOREINFO where that release writes no garbage there.
 */
export function kernelBuildId(foundation: Foundation): KernelBuildId | undefined {
  const inMemory = buildIdInMemory(foundation);
  if (inMemory !== undefined) return { text: inMemory, from: "notes of the image" };
  const { vmcoreinfo, banner } = foundation;
  const release = releaseOf(foundation);
  if (release === undefined || !buildIdIsReliable(release, banner)) return undefined;
  const text = vmcoreinfo?.buildId;
  return text === undefined ? undefined : { text, from: "VMCOREINFO" };
}

function buildIdInMemory({ memory, symbols }: Foundation): string | undefined {
  const start = symbols.addressOf("__start_notes");
  const end = symbols.addressOf("__stop_notes");
  if (start === undefined || end === undefined) return undefined;
  const bytes = readUpTo(memory, start, Number(end - start));
  const id = bytes && findBuildId(bytes, memory.littleEndian, 4);
  return id && Buffer.from(id).toString("hex");
}

function readUpTo(memory: VirtualMemory, address: bigint, byteSize: number): Uint8Array | undefined {
  if (!(byteSize > 0 && byteSize <= maximumNotesByteSize)) return undefined;
  try {
    return memory.read(address, byteSize);
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
}
