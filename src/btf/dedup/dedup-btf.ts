import { FormatError, UsageError } from "../../io/index.ts";
import { BTF_KIND_DATASEC, BTF_KIND_MAX, BTF_KIND_UNKN, BTF_KIND_VAR, kindName } from "../constants.ts";
import { locate } from "../header.ts";
import type { Btf, TypeId } from "../reader.ts";
import { forEachNameWord, forEachTypeWord, infoKind, makeInfo, recordWords } from "../records.ts";
import { StringTable } from "../string-table.ts";
import { WordList } from "../word-list.ts";
import { encodeBtf } from "../writer.ts";
import { Deduplicator } from "./deduplicator.ts";
import { refuseLoops } from "./refuse-loops.ts";
import { Kind } from "./type-words.ts";

/**
 * The same types, each once: over the same base, if `btf` is split. As libbpf's `btf__dedup` does it:
 * forward declarations resolved, the order kept, variables and sections left as they are, strings in
 * order of first use.
 * @throws {FormatError} `BTF_UNKNOWN_KIND` for a type whose references are not known, `BTF_LOOP` for
 *   pointers, arrays and the like that lead only back to themselves
 */
export function dedupBtf(btf: Btf): Uint8Array {
  return combine([btf], btf.base);
}

/**
 * One BTF of several, each type once: laid one after another, then deduplicated. All stand alone, or
 * all are split from the same base.
 * @throws {UsageError} when their bases or byte orders differ
 * @throws {FormatError} as {@link dedupBtf}
 */
export function mergeBtf(inputs: readonly Btf[]): Uint8Array {
  const base = inputs[0]?.base;
  if (inputs.some((btf) => btf.base !== base))
    throw new UsageError("only BTF over one and the same base can be merged");
  return combine(inputs, base);
}

/**
 * What `btf` has beyond `base`, as split BTF over it. `btf` stands alone, with types that the base has too.
 * @throws {UsageError} when `btf` is split itself, or the byte orders differ
 * @throws {FormatError} as {@link dedupBtf}
 */
export function splitBtf(btf: Btf, base: Btf): Uint8Array {
  if (btf.base !== undefined) throw new UsageError("what is to be split has a base already");
  return combine([btf], base);
}

function combine(inputs: readonly Btf[], base: Btf | undefined): Uint8Array {
  const littleEndian = base?.littleEndian ?? inputs[0]?.littleEndian ?? true;
  if (inputs.some((btf) => btf.littleEndian !== littleEndian))
    throw new UsageError("the byte orders differ: types of one machine are no types of the other");
  const strings = new StringTable(base);
  const dedup = new Deduplicator(base && baseTypes(base, strings));
  const unit = new Unit(strings, dedup.startId);
  for (const btf of inputs) unit.add(btf, base);
  const { typeCount } = unit;
  const words = unit.words.view();
  refuseLoops(words, unit.starts, dedup.startId, inputs[0]?.inputName);

  const handedOut = new Int32Array(typeCount + 1);
  dedup.addUnit(words, 0, words.length, typeCount, handedOut, dedup.startId);
  dedup.resolveForwards();
  const { words: kept, map } = dedup.finish();
  const finalId = (id: TypeId): TypeId =>
    id < dedup.startId ? id : map[handedOut[id - dedup.startId + 1]!]!;
  return encodeBtf({ words: unit.restore(kept, finalId), strings: strings.finish(), littleEndian });
}

/**
 * All types of a base, bases of it included, with offsets of `strings` for names: equal names are
 * equal numbers there, which the strings of a BTF need not be.
 */
function baseTypes(base: Btf, strings: StringTable): { words: Uint32Array; starts: Uint32Array } {
  const levels: Btf[] = [];
  for (let level: Btf | undefined = base; level !== undefined; level = level.base) levels.unshift(level);
  const list = new WordList();
  const starts: number[] = [];
  for (const level of levels) {
    for (const at of level.offsets) starts.push(copyType(level, at, list, strings));
  }
  return { words: list.view(), starts: Uint32Array.from(starts) };
}

/** Append a type with its names as offsets of `strings`. @returns where it begins */
function copyType(btf: Btf, at: number, list: WordList, strings: StringTable): number {
  const info = btf.words[at + 1]!;
  const kind = infoKind(info);
  if (kind === BTF_KIND_UNKN || kind > BTF_KIND_MAX) {
    const problem = `a type of unknown kind ${kindName(kind)}`;
    throw new FormatError(
      "BTF_UNKNOWN_KIND",
      problem,
      locate(btf.inputName, btf.header.typesOffset + at * 4),
    );
  }
  const start = list.length;
  list.pushRange(btf.words, at, at + recordWords(info));
  const { words } = list;
  forEachNameWord(words, start, (word) => {
    words[word] = strings.addBinary(btf.binaryString(words[word]!));
  });
  return start;
}

/**
 * All that is to be deduplicated, as one unit whose first type is `startId`. Variables and sections
 * are never equal to others; each is represented by an integer with a name of its own.
 */
class Unit {
  readonly words = new WordList();
  /** First word of each type. */
  readonly starts: number[] = [];
  readonly #strings: StringTable;
  readonly #startId: TypeId;
  readonly #set = new WordList();
  readonly #setStarts: number[] = [];

  constructor(strings: StringTable, startId: TypeId) {
    this.#strings = strings;
    this.#startId = startId;
  }

  get typeCount(): number {
    return this.starts.length;
  }

  /** @param base what all are split from; `btf` is over it, or stands alone. */
  add(btf: Btf, base: Btf | undefined): void {
    const shift = this.#startId + this.typeCount - btf.startId;
    const ofBase = base !== undefined && btf.base === base ? btf.startId : 1;
    for (const at of btf.offsets) {
      const kind = infoKind(btf.words[at + 1]!);
      const isSet = kind === BTF_KIND_VAR || kind === BTF_KIND_DATASEC;
      const list = isSet ? this.#set : this.words;
      const start = copyType(btf, at, list, this.#strings);
      const { words } = list;
      forEachTypeWord(words, start, (word) => {
        if (words[word]! >= ofBase) words[word]! += shift;
      });
      this.starts.push(isSet ? this.words.length : start);
      if (!isSet) continue;
      for (const word of [standInName(this.#setStarts.length), makeInfo(Kind.int), 0, 0])
        this.words.push(word);
      this.#setStarts.push(start);
    }
  }

  /** The kept types, with variables and sections in place of what represented them. */
  restore(kept: Uint32Array, finalId: (id: TypeId) => TypeId): Uint32Array {
    const result = new WordList();
    for (let at = 0; at < kept.length; at += recordWords(kept[at + 1]!)) {
      const info = kept[at + 1]!;
      const index = standInName(0) - kept[at]!;
      if (infoKind(info) !== Kind.int || index >= this.#setStarts.length) {
        result.pushRange(kept, at, at + recordWords(info));
        continue;
      }
      const from = this.#setStarts[index]!;
      const to = result.length;
      result.pushRange(this.#set.words, from, from + recordWords(this.#set.words[from + 1]!));
      const { words } = result;
      forEachTypeWord(words, to, (word) => {
        if (words[word] !== 0) words[word] = finalId(words[word]!);
      });
    }
    return result.view();
  }
}

/** No offset of a string: there are not that many bytes of them. */
function standInName(index: number): number {
  return 0xffff_ffff - index;
}
