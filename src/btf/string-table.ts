import { LimitError } from "../io/index.ts";
import { textReader } from "../util/text-reader.ts";
import { btfSectionName } from "./header.ts";
import type { Btf, StringOffset } from "./reader.ts";

/**
 * String section under construction: every string once, in order of first use. Over a base, a
 * string the base has keeps the base's offset, as libbpf does.
 *
 * Keys are binary strings (one character per byte), so bytes that are no UTF-8 survive.
 */
export class StringTable {
  readonly #offsets = new Map<string, StringOffset>();
  readonly #start: StringOffset;
  #bytes: Uint8Array;
  #byteSize = 0;

  constructor(base?: Btf) {
    this.#bytes = new Uint8Array(4096);
    this.#start = base?.stringsEnd ?? 0;
    for (let level = base; level !== undefined; level = level.base) this.#takeBase(level);
    this.#offsets.set("", 0);
    if (base === undefined) this.#byteSize = 1;
  }

  /** Own bytes so far. */
  get byteSize(): number {
    return this.#byteSize;
  }

  /** Offset of a string, stored as UTF-8 and added when new. 0 for the empty string. */
  add(text: string): StringOffset {
    if (text.includes("\0")) throw new RangeError("a BTF string cannot hold NUL");
    return this.addBinary(isAscii(text) ? text : binaryOf(text));
  }

  /** Offset of a string given as one character per byte. */
  addBinary(key: string): StringOffset {
    const known = this.#offsets.get(key);
    if (known !== undefined) return known;
    const offset = this.#start + this.#byteSize;
    const needed = this.#byteSize + key.length + 1;
    if (this.#start + needed > 0xffff_ffff) {
      throw new LimitError("BTF_LIMIT", "strings of 4 GiB", { section: btfSectionName });
    }
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    for (let index = 0; index < key.length; index++)
      this.#bytes[this.#byteSize + index] = key.charCodeAt(index);
    this.#byteSize = needed;
    this.#offsets.set(key, offset);
    return offset;
  }

  /** The own string section. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#byteSize);
  }

  #takeBase(base: Btf): void {
    const bytes = base.stringsBytes;
    const text = textReader(bytes);
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(0, start);
      const key = text.latin1(start, end);
      if (!this.#offsets.has(key)) this.#offsets.set(key, base.startStringOffset + start);
      start = end + 1;
    }
  }
}

/** The bytes of a text in UTF-8, one character each. */
function binaryOf(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return textReader(bytes).latin1(0, bytes.length);
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}
