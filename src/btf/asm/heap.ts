import { LimitError } from "../../io/index.ts";
import { powerOfTwoAtLeast } from "../../util/columns.ts";
import { btfSectionName } from "../header.ts";

/** What the asm.js here uses of its surroundings; `globalThis` has it. */
export interface AsmLibrary {
  Uint8Array: Uint8ArrayConstructor;
  Int32Array: Int32ArrayConstructor;
  Math: Pick<Math, "imul">;
}

/** Heaps of asm.js are a power of two up to this many bytes, and multiples of it beyond. */
const largeHeapUnit = 1 << 24;
const smallestHeap = 1 << 16;
/** Addresses are compared as numbers with a sign. */
const largestHeap = 0x7f00_0000;

/** Hands out places in a heap before there is one. Addresses are in bytes, and multiples of 4. */
export class HeapPlan {
  // At 0 stands nothing: what leads nowhere finds zeros.
  #byteSize = 64;
  readonly #texts = new Map<string, number>();
  readonly #tables: { address: number; words: ArrayLike<number> }[] = [];

  /** Address of so many bytes. @throws {LimitError} `BTF_LIMIT` */
  reserve(byteSize: number): number {
    const address = this.#byteSize;
    if (address + byteSize > largestHeap)
      throw new LimitError("BTF_LIMIT", "types and names of 2 GiB", { section: btfSectionName });
    this.#byteSize = (address + byteSize + 3) & ~3;
    return address;
  }

  /** Address of a text of ASCII, with NUL behind it. */
  text(text: string): number {
    let address = this.#texts.get(text);
    if (address === undefined) this.#texts.set(text, (address = this.reserve(text.length + 1)));
    return address;
  }

  /** Address of words. They are copied by {@link HeapPlan.create}. */
  words(words: ArrayLike<number>): number {
    const address = this.reserve(words.length * 4);
    this.#tables.push({ address, words });
    return address;
  }

  /** The heap: texts and words are in it, all else is zero. */
  create(): ArrayBuffer {
    const needed = Math.max(this.#byteSize, smallestHeap);
    const heap = new ArrayBuffer(
      needed <= largeHeapUnit ? powerOfTwoAtLeast(needed) : Math.ceil(needed / largeHeapUnit) * largeHeapUnit,
    );
    const bytes = new Uint8Array(heap);
    const words = new Uint32Array(heap);
    for (const [text, address] of this.#texts)
      for (let index = 0; index < text.length; index++) bytes[address + index] = text.charCodeAt(index);
    for (const table of this.#tables) words.set(table.words, table.address / 4);
    return heap;
  }
}
