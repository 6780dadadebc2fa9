import { FormatError } from "../io/index.ts";
import { BTF_KIND_ARRAY, BTF_KIND_MAX, BTF_KIND_UNKN } from "./constants.ts";
import { type BtfHeader, locate } from "./header.ts";
import {
  elementNameWord,
  elementTypeWord,
  elementWords,
  fixedWords,
  headHoldsType,
  infoKind,
  infoVlen,
  recordHeadWords,
} from "./records.ts";

/** Records of a type section. */
export interface ScannedRecords {
  /** Word index of each record, in storage order. */
  offsets: Uint32Array;
  /** Largest type id and string offset that a record refers to. */
  largestTypeId: number;
  largestStringOffset: number;
}

/**
 * Find where every record of a type section starts, and how far its references reach: one pass, as
 * opening a BTF is done from cold, and must take milliseconds.
 * A kind this version does not know is skipped with the help of `layout` (see `parseLayout`).
 * @throws {FormatError} for a record that leaves the section or cannot be skipped.
 */
export function scanRecords(
  words: Uint32Array,
  header: BtfHeader,
  layout: LayoutEntry[],
  file?: string,
): ScannedRecords {
  const offsets = new Uint32Array(Math.floor(words.length / recordHeadWords));
  const limit = words.length;
  let largestTypeId = 0;
  let largestStringOffset = 0;
  let count = 0;
  let at = 0;
  while (at < limit) {
    if (at + recordHeadWords > limit) throw badRecord(header, file, at, "BTF_TRUNCATED", "cut short");
    const info = words[at + 1]!;
    const kind = infoKind(info);
    let size: number;
    if (kind !== BTF_KIND_UNKN && kind <= BTF_KIND_MAX) {
      size = recordHeadWords + fixedWords[kind]! + infoVlen(info) * elementWords[kind]!;
    } else {
      const entry = kind === BTF_KIND_UNKN ? undefined : layout[kind];
      if (entry === undefined)
        throw badRecord(header, file, at, "BTF_UNKNOWN_KIND", `has unknown kind ${kind}`);
      size = recordHeadWords + entry.fixedWords + infoVlen(info) * entry.elementWords;
    }
    if (at + size > limit) {
      const excess = `needs ${size * 4} bytes, ${(limit - at) * 4} remain`;
      throw badRecord(header, file, at, "BTF_TRUNCATED", excess);
    }
    offsets[count++] = at;
    const end = at + size;
    if (words[at]! > largestStringOffset) largestStringOffset = words[at]!;
    if (kind <= BTF_KIND_MAX) {
      if (headHoldsType[kind] === 1 && words[at + 2]! > largestTypeId) largestTypeId = words[at + 2]!;
      const stride = elementWords[kind]!;
      if (stride !== 0) {
        const nameWord = elementNameWord[kind]!;
        const typeWord = elementTypeWord[kind]!;
        for (let element = at + recordHeadWords + fixedWords[kind]!; element < end; element += stride) {
          if (nameWord >= 0 && words[element + nameWord]! > largestStringOffset)
            largestStringOffset = words[element + nameWord]!;
          if (typeWord >= 0 && words[element + typeWord]! > largestTypeId)
            largestTypeId = words[element + typeWord]!;
        }
      } else if (kind === BTF_KIND_ARRAY) {
        if (words[at + 3]! > largestTypeId) largestTypeId = words[at + 3]!;
        if (words[at + 4]! > largestTypeId) largestTypeId = words[at + 4]!;
      }
    }
    at = end;
  }
  return { offsets: offsets.slice(0, count), largestTypeId, largestStringOffset };
}

/** Record sizes a BTF states for one kind, in words beside the head. */
export interface LayoutEntry {
  fixedWords: number;
  elementWords: number;
}

/**
 * Read the layout section: per kind `u8 fixed bytes, u8 bytes of an element, u16 flags`.
 * Entries whose sizes are no whole words are left out.
 */
export function parseLayout(bytes: Uint8Array, header: BtfHeader): LayoutEntry[] {
  const entries: LayoutEntry[] = [];
  for (let kind = 0; kind < Math.min(header.layoutByteSize >>> 2, 128); kind++) {
    const fixed = bytes[header.layoutOffset + kind * 4]!;
    const element = bytes[header.layoutOffset + kind * 4 + 1]!;
    if (fixed % 4 === 0 && element % 4 === 0)
      entries[kind] = { fixedWords: fixed / 4, elementWords: element / 4 };
  }
  return entries;
}

/**
 * Check that every type id is below `typeLimit` and every string offset below `stringLimit`
 * (both over base and split together), so that readers need not; names the first that is not.
 * @throws {FormatError}
 */
export function checkReferences(
  words: Uint32Array,
  offsets: Uint32Array,
  typeLimit: number,
  stringLimit: number,
  header: BtfHeader,
  file?: string,
): void {
  for (let index = 0; index < offsets.length; index++) {
    const at = offsets[index]!;
    const info = words[at + 1]!;
    const kind = infoKind(info);
    if (words[at]! >= stringLimit && words[at] !== 0)
      throw badName(header, file, at, words[at]!, stringLimit);
    if (kind > BTF_KIND_MAX) continue;
    if (headHoldsType[kind] === 1 && words[at + 2]! >= typeLimit) {
      throw badType(header, file, at + 2, words[at + 2]!, typeLimit);
    }
    const stride = elementWords[kind]!;
    const first = at + recordHeadWords + fixedWords[kind]!;
    if (kind === BTF_KIND_ARRAY) {
      if (words[at + 3]! >= typeLimit) throw badType(header, file, at + 3, words[at + 3]!, typeLimit);
      if (words[at + 4]! >= typeLimit) throw badType(header, file, at + 4, words[at + 4]!, typeLimit);
    }
    if (stride === 0) continue;
    const end = first + infoVlen(info) * stride;
    const nameWord = elementNameWord[kind]!;
    const typeWord = elementTypeWord[kind]!;
    for (let element = first; element < end; element += stride) {
      if (nameWord >= 0) {
        const name = words[element + nameWord]!;
        if (name >= stringLimit && name !== 0)
          throw badName(header, file, element + nameWord, name, stringLimit);
      }
      if (typeWord >= 0 && words[element + typeWord]! >= typeLimit) {
        throw badType(header, file, element + typeWord, words[element + typeWord]!, typeLimit);
      }
    }
  }
}

function badRecord(
  header: BtfHeader,
  file: string | undefined,
  at: number,
  code: string,
  what: string,
): FormatError {
  return new FormatError(code, `type record ${what}`, locate(file, header.typesOffset + at * 4));
}

function badName(
  header: BtfHeader,
  file: string | undefined,
  at: number,
  value: number,
  limit: number,
): FormatError {
  const problem = `string offset 0x${value.toString(16)} is outside the strings (0x${limit.toString(16)} bytes)`;
  return new FormatError("BTF_STRING_OFFSET", problem, locate(file, header.typesOffset + at * 4));
}

function badType(
  header: BtfHeader,
  file: string | undefined,
  at: number,
  value: number,
  limit: number,
): FormatError {
  const problem = `type id ${value} does not exist (ids end at ${limit - 1})`;
  return new FormatError("BTF_TYPE_ID", problem, locate(file, header.typesOffset + at * 4));
}
