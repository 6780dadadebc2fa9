/** What libbpf would do, done by this library: bytes in, bytes out, or an errno. */
import {
  Btf,
  cHeader,
  dedupBtf,
  distill,
  encodeBtf,
  extractBtf,
  relocateBtf,
  validateBtf,
} from "../../../src/btf/index.ts";
import { isDwarflessError } from "../../../src/io/index.ts";

/** One call of the stand-in. A BTF comes with all below it, the lowest first. */
export interface Question {
  name: string;
  blobs: Uint8Array[];
}

/** Where the tests' other input comes from. */
export interface Surroundings {
  /** BTF of a program that the tests were built with, by its file's name. */
  object(file: string): Uint8Array;
  vmlinux(): Uint8Array;
}

const EINVAL = 22;

/** Blobs, or an errno. */
export function answerAsLibbpf(question: Question, surroundings: Surroundings): Uint8Array[] | number {
  try {
    return answer(question, surroundings);
  } catch (error) {
    if (isDwarflessError(error)) return EINVAL;
    throw error;
  }
}

function answer({ name, blobs }: Question, surroundings: Surroundings): Uint8Array[] | number {
  switch (name) {
    case "object":
      return [surroundings.object(Buffer.from(blobs[0]!).toString("utf8"))];
    case "vmlinux":
      return [surroundings.vmlinux()];
    case "native":
      return [written(parseChain(blobs), true)];
    case "swap": {
      const below = blobs.length > 1 ? inOrder(parseChain(blobs.slice(0, -1)), true) : undefined;
      return [written(Btf.parse(blobs.at(-1)!, below && { base: below }), false)];
    }
    case "dedup":
      return [dedupBtf(parseChain(blobs))];
    case "distill": {
      const { base, split } = distill(parseChain(blobs));
      return [base, split];
    }
    case "relocate":
      return [relocateBtf(parseChain(blobs.slice(0, 2)), parseChain(blobs.slice(2)))];
    case "check": {
      const btf = Btf.parse(blobs[0]!);
      return validateBtf(btf, { kernel: "7.2", resolve: true }).length > 0 ? EINVAL : [];
    }
    case "c":
      return [Buffer.from(definitions(parseChain(blobs)), "utf8")];
    default:
      throw new Error(`unknown question ${name}`);
  }
}

function parseChain(blobs: readonly Uint8Array[]): Btf {
  let btf: Btf | undefined;
  for (const bytes of blobs) btf = Btf.parse(bytes, btf === undefined ? {} : { base: btf });
  return btf!;
}

function written(btf: Btf, littleEndian: boolean): Uint8Array {
  return encodeBtf({ words: btf.words, strings: btf.stringsBytes, littleEndian });
}

/** The same in one byte order, all the way down. */
function inOrder(btf: Btf, littleEndian: boolean): Btf {
  const base = btf.base && inOrder(btf.base, littleEndian);
  return Btf.parse(written(btf, littleEndian), base && { base });
}

/** All types in the order of their ids, as C, without what bpftool puts around them. */
export function definitions(btf: Btf): string {
  const everything = Array.from({ length: btf.typeCount - 1 }, (_, index) => index + 1);
  const flat = btf.base === undefined ? btf : Btf.parse(extractBtf(btf, everything));
  const print = (roots: readonly number[]): string =>
    cHeader(flat, { roots, sorted: false, pointerByteSize: 8 });
  const text = print(everything);
  const frame = print([]);
  const closing = frame.slice(frame.lastIndexOf("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX"));
  return text.slice(frame.length - closing.length, -closing.length);
}
