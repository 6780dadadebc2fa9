import type { Btf, StringOffset } from "./reader.ts";

const usualByteSize = 1 << 18;

/** Takes a piece of text, which is only good during the call. */
export type WritePiece = (piece: Uint8Array) => void;

/**
 * Text under construction as bytes. A dump of a kernel is megabytes, most of them names: those are
 * copied from the string section as they stand, and no string of JavaScript is made of any of it.
 */
export class ByteText {
  #bytes: Uint8Array = new Uint8Array(usualByteSize);
  #length = 0;

  /** Bytes so far. */
  get byteSize(): number {
    return this.#length;
  }

  /** Add text of ASCII. */
  put(text: string): void {
    const count = text.length;
    const bytes = this.#room(count);
    let at = this.#length;
    for (let index = 0; index < count; index++) bytes[at++] = text.charCodeAt(index);
    this.#length = at;
  }

  /** Add the name at an offset; gives how many bytes it has. */
  putName(btf: Btf, offset: StringOffset): number {
    if (offset === 0) return 0;
    const owner = btf.stringOwner(offset);
    const strings = owner.stringsBytes;
    const start = this.#length;
    let bytes = this.#bytes;
    let at = start;
    // Ends: a string section does with NUL.
    for (let index = offset - owner.startStringOffset; strings[index] !== 0; index++) {
      if (at === bytes.length) {
        this.#length = at;
        bytes = this.#room(1);
      }
      bytes[at++] = strings[index]!;
    }
    this.#length = at;
    return at - start;
  }

  /** Add a number of 32 bits without a sign, in decimal. */
  putNumber(value: number): void {
    const bytes = this.#room(10);
    let end = this.#length + 1;
    for (let rest = (value / 10) >>> 0; rest !== 0; rest = (rest / 10) >>> 0) end++;
    this.#length = end;
    let rest = value >>> 0;
    do {
      const quotient = (rest / 10) >>> 0;
      bytes[--end] = zero + rest - quotient * 10;
      rest = quotient;
    } while (rest !== 0);
  }

  /** Add the 32 bits as a number with a sign, in decimal. */
  putSigned(word: number): void {
    const value = word | 0;
    if (value < 0) this.put("-");
    this.putNumber(value < 0 ? -value : value);
  }

  /** Hand over everything so far, and begin anew. */
  flush(write: WritePiece): void {
    if (this.#length > 0) write(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }

  /** {@link ByteText.flush} when there is enough for one write. */
  flushPiece(write: WritePiece): void {
    if (this.#length >= usualByteSize >>> 1) this.flush(write);
  }

  #room(count: number): Uint8Array {
    const bytes = this.#bytes;
    return this.#length + count <= bytes.length ? bytes : this.#grow(count);
  }

  #grow(count: number): Uint8Array {
    const grown = new Uint8Array((this.#length + count) * 2);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    return grown;
  }
}

const zero = 0x30;

/** Everything that `run` writes, as one string. */
export function gather(run: (write: WritePiece) => void): string {
  const decoder = new TextDecoder();
  let text = "";
  run((piece) => {
    text += decoder.decode(piece, { stream: true });
  });
  return text + decoder.decode();
}
