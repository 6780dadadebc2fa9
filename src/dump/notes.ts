import { FormatError, type ByteSource, type Diagnostic } from "../io/index.ts";
import type { DumpNote } from "./dump.ts";
import { viewOf } from "./words.ts";

/** Longest description that is kept. Those of CPUs are some 400 bytes; drivers add dumps of their devices. */
const maximumDescription = 1 << 20;
/** Of all descriptions together: notes of 65,536 CPUs. */
const maximumTotal = 64 << 20;
const maximumName = 256;
const maximumCount = 1 << 18;

/** Notes of a dump as they are collected, with the bounds that hold for all of them together. */
export class NoteReader {
  readonly notes: DumpNote[] = [];
  readonly #source: ByteSource;
  readonly #littleEndian: boolean;
  readonly #diagnostics: Diagnostic[];
  #total = 0;

  constructor(source: ByteSource, littleEndian: boolean, diagnostics: Diagnostic[]) {
    this.#source = source;
    this.#littleEndian = littleEndian;
    this.#diagnostics = diagnostics;
  }

  /**
   * Read the notes of a segment (gABI chapter 5, "Note Section"; name and description padded to four
   * bytes). What is broken or too long is left out and reported: notes only help.
   */
  read(offset: number, byteSize: number): void {
    try {
      this.#readAll(offset, byteSize);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#report("DUMP_NOTES_TRUNCATED", "the notes are cut off", offset);
    }
  }

  #readAll(offset: number, byteSize: number): void {
    const end = Math.min(offset + byteSize, this.#source.byteSize);
    if (end < offset + byteSize)
      this.#report("DUMP_NOTES_TRUNCATED", "the file ends inside the notes", offset);
    for (let at = offset; at + 12 <= end;) {
      const head = viewOf(this.#source.read(at, 12));
      const nameByteSize = head.getUint32(0, this.#littleEndian);
      const descriptionByteSize = head.getUint32(4, this.#littleEndian);
      const type = head.getUint32(8, this.#littleEndian);
      // The rest of an area that was laid out for more CPUs than there are.
      if (nameByteSize === 0 && descriptionByteSize === 0 && type === 0) return;
      const description = at + 12 + padded(nameByteSize);
      if (nameByteSize > maximumName || description + descriptionByteSize > end) {
        return this.#report("DUMP_NOTES_BROKEN", "a note is longer than the notes", at);
      }
      if (this.notes.length === maximumCount || this.#total + descriptionByteSize > maximumTotal) {
        return this.#report("DUMP_NOTES_LIMIT", "more notes than any machine has; the rest is left out", at);
      }
      if (descriptionByteSize > maximumDescription) {
        this.#report("DUMP_NOTE_LARGE", `a note of ${descriptionByteSize} bytes is left out`, at, "info");
      } else {
        this.#total += descriptionByteSize;
        this.notes.push({
          name: textOf(this.#source.read(at + 12, nameByteSize)),
          type,
          description: this.#source.read(description, descriptionByteSize),
        });
      }
      at = description + padded(descriptionByteSize);
    }
  }

  #report(code: string, text: string, offset: number, severity: Diagnostic["severity"] = "warning"): void {
    this.#diagnostics.push({ severity, code, text, location: { file: this.#source.name, offset } });
  }
}

/** Text of the VMCOREINFO note. */
export function vmcoreinfoOf(notes: readonly DumpNote[]): string | undefined {
  const note = notes.find(({ name, description }) => name === "VMCOREINFO" && description.length > 0);
  return note === undefined ? undefined : textOf(note.description);
}

/** Text up to the first zero byte, one character per byte. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end).toString("latin1");
}

/** A note that QEMU adds for each CPU; its presence says who wrote the dump. */
export function hasHypervisorNote(notes: readonly DumpNote[]): boolean {
  return notes.some(({ name }) => name === "QEMU" || name === "VBCORE" || name === "VBCPU");
}

function padded(byteSize: number): number {
  return Math.ceil(byteSize / 4) * 4;
}
