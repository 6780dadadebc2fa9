import { BTF_MAX_IDENTIFIER_LENGTH, BTF_MAX_NAME_OFFSET } from "./constants.ts";
import type { Btf, StringOffset } from "./reader.ts";

/** The kernel's tests of names, each string looked at once. Rules: kernel/bpf/btf.c, v6.1 and v7.2. */
export class NameChecker {
  readonly #btf: Btf;
  /** Per own string offset: 0 not looked at, 1 an identifier, 2 not one. */
  readonly #seen: Uint8Array;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#seen = new Uint8Array(btf.stringsBytes.length);
  }

  /** An identifier as C and assemblers know it: letters, digits, `_` and `.`, no digit first, 512 bytes at most. */
  isIdentifier(offset: StringOffset): boolean {
    if (offset > BTF_MAX_NAME_OFFSET) return false;
    const own = offset - this.#btf.startStringOffset;
    if (own < 0) return isIdentifier(this.#btf.binaryString(offset));
    if (this.#seen[own] === 0) this.#seen[own] = isIdentifierAt(this.#btf.stringsBytes, own) ? 1 : 2;
    return this.#seen[own] === 1;
  }

  /** Printable text of 512 bytes at most: the rule for section names since v6.12. */
  isPrintable(offset: StringOffset): boolean {
    const text = this.#btf.binaryString(offset);
    // The kernel's isprint takes ASCII and Latin-1 without the control characters.
    return text.length <= BTF_MAX_IDENTIFIER_LENGTH && /^[\x20-\x7e\xa0-\xff]+$/.test(text);
  }
}

function isIdentifier(name: string): boolean {
  return isIdentifierAt(
    Uint8Array.from(`${name}\0`, (character) => character.charCodeAt(0)),
    0,
  );
}

function isIdentifierAt(bytes: Uint8Array, start: number): boolean {
  let at = start;
  for (; bytes[at] !== 0; at++) {
    const byte = bytes[at]!;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!(isLetter(byte) || byte === 0x5f || byte === 0x2e || (isDigit && at > start))) return false;
    if (at - start >= BTF_MAX_IDENTIFIER_LENGTH) return false;
  }
  return at > start;
}

/** The kernel's isalpha: ASCII letters and those of Latin-1. */
function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0xc0 && byte !== 0xd7 && byte !== 0xf7);
}
