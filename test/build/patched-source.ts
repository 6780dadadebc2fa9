/** A file with some bytes changed or its end cut off, without a copy of it. */
import { type ByteSource, FormatError } from "../../src/io/index.ts";

export interface Patch {
  offset: number;
  byte: number;
}

export class PatchedSource implements ByteSource {
  readonly name: string;
  readonly byteSize: number;
  readonly #original: ByteSource;
  readonly #patches: readonly Patch[];

  constructor(original: ByteSource, patches: readonly Patch[], byteSize: number = original.byteSize) {
    this.name = original.name;
    this.byteSize = byteSize;
    this.#original = original;
    this.#patches = patches;
  }

  readInto(target: Uint8Array, offset: number): void {
    if (!(offset >= 0 && offset + target.length <= this.byteSize)) {
      throw new FormatError("TRUNCATED", `the file ends at 0x${this.byteSize.toString(16)}`, {
        file: this.name,
        offset,
      });
    }
    this.#original.readInto(target, offset);
    for (const patch of this.#patches) {
      const at = patch.offset - offset;
      if (at >= 0 && at < target.length) target[at] = patch.byte;
    }
  }

  read(offset: number, byteSize: number): Uint8Array {
    // Checked before memory is taken for it.
    if (offset + byteSize > this.byteSize) this.readInto(new Uint8Array(0), this.byteSize + 1);
    const target = new Uint8Array(byteSize);
    this.readInto(target, offset);
    return target;
  }
}
