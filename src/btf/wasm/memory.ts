import { LimitError } from "../../io/index.ts";
import { btfSectionName } from "../header.ts";

/** Address of a record of zeros: void's. Nothing else is there. */
export const voidRecord = 0;

/** Addresses are compared as numbers with a sign. */
const largestMemory = 0x7f00_0000;
/** Reading goes in blocks of 16 bytes, and so up to 15 bytes too far. */
const slackByteSize = 64;
/** Text gathered before it is written: few writes, and small enough for a processor's cache. */
const textByteSize = 1 << 18;
/** Beside a name: more than any number, any list of qualifiers, and what stands between two texts. */
const spareByteSize = 1 << 14;

/** Where WebAssembly puts its text: see `assembly/text.ts`. */
export interface TextPlaces {
  textStart: number;
  textLimit: number;
  digitPairs: number;
}

/** Hands out places in a memory before there is one. Addresses are in bytes, and multiples of 16. */
export class MemoryPlan {
  #byteSize: number;
  readonly #texts = new Map<string, number>();
  readonly #bytes: { address: number; bytes: Uint8Array }[] = [];

  /** @param from first address that is free; at 0 stand zeros */
  constructor(from: number = slackByteSize) {
    this.#byteSize = (from + 15) & ~15;
  }

  /** Address of so many bytes. @throws {LimitError} `BTF_LIMIT` */
  reserve(byteSize: number): number {
    const address = this.#byteSize;
    if (address + byteSize > largestMemory)
      throw new LimitError("BTF_LIMIT", "types and names of 2 GiB", { section: btfSectionName });
    this.#byteSize = (address + byteSize + 15) & ~15;
    return address;
  }

  /** Address of a text of ASCII: a word with its length, then its bytes, then NUL. */
  text(text: string): number {
    let address = this.#texts.get(text);
    if (address === undefined) {
      address = this.reserve(text.length + 5);
      this.#texts.set(text, address);
    }
    return address;
  }

  /** Address of the same without the length. */
  name(text: string): number {
    return this.text(text) + 4;
  }

  texts<Name extends string>(texts: Readonly<Record<Name, string>>): Record<Name, number> {
    const addresses: Partial<Record<Name, number>> = {};
    for (const name in texts) addresses[name] = this.text(texts[name]);
    return addresses as Record<Name, number>;
  }

  names<Name extends string>(names: Readonly<Record<Name, string>>): Record<Name, number> {
    const addresses = this.texts(names);
    for (const name in names) addresses[name] += 4;
    return addresses;
  }

  /** Address of words. They are copied by {@link MemoryPlan.fill}. */
  words(words: ArrayLike<number>): number {
    const address = this.reserve(words.length * 4);
    this.#bytes.push({ address, bytes: new Uint8Array(Uint32Array.from(words).buffer) });
    return address;
  }

  /** Room for text. @param longestName bytes of the longest name that may be in it */
  textPlaces(longestName: number): TextPlaces {
    const pairs = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0")).join("");
    const text = this.reserve(textByteSize + longestName + spareByteSize);
    return { textStart: text, textLimit: text + textByteSize, digitPairs: this.name(pairs) };
  }

  /** Bytes of a memory that has all of this. */
  get byteSize(): number {
    return this.#byteSize + slackByteSize;
  }

  /** Put texts and words where they belong. */
  fill(buffer: ArrayBuffer): void {
    const bytes = new Uint8Array(buffer);
    const words = new Uint32Array(buffer);
    for (const [text, address] of this.#texts) {
      words[address / 4] = text.length;
      for (let index = 0; index < text.length; index++) bytes[address + 4 + index] = text.charCodeAt(index);
    }
    for (const { address, bytes: source } of this.#bytes) bytes.set(source, address);
  }
}
