import { FormatError } from "../io/index.ts";
import type { Architecture } from "./architecture.ts";
import { RegisterSet, wordsAt, type Note } from "./registers.ts";

/** What a note NT_PRSTATUS says of a CPU: Linux `struct elf_prstatus`. */
export interface Prstatus {
  /**
   * pr_pid. The process that ran on the CPU where the crashing kernel wrote it; CPU number + 1 where QEMU did.
   */
  pid: number;
  registers: RegisterSet;
}

const NT_PRSTATUS = 1;

/**
 * Read the description of a note NT_PRSTATUS.
 * @throws {FormatError} `PRSTATUS` when its size is not the architecture's.
 */
export function parsePrstatus(architecture: Architecture, description: Uint8Array): Prstatus {
  const { byteSize, pidOffset, registersOffset, registers } = architecture.prstatus;
  if (description.length !== byteSize)
    throw new FormatError(
      "PRSTATUS",
      `NT_PRSTATUS of ${description.length} bytes, ${architecture.name} has ${byteSize}`,
    );
  const view = new DataView(description.buffer, description.byteOffset, description.byteLength);
  return {
    pid: view.getUint32(pidOffset, architecture.littleEndian),
    registers: new RegisterSet(
      registers,
      wordsAt(description, registersOffset, registers.length, architecture.littleEndian),
    ),
  };
}

/** Every NT_PRSTATUS among a dump's notes, in their order; notes of other sizes are left out. */
export function prstatusOfNotes(architecture: Architecture, notes: readonly Note[]): Prstatus[] {
  return notes
    .filter((note) => isPrstatus(note) && note.description.length === architecture.prstatus.byteSize)
    .map((note) => parsePrstatus(architecture, note.description));
}

/** True for a note `CORE` of type NT_PRSTATUS. */
export function isPrstatus(note: Note): boolean {
  return note.type === NT_PRSTATUS && note.name === "CORE";
}
