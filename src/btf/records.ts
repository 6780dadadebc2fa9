import * as K from "./constants.ts";

/**
 * Shape of a type record in u32 words:
 *
 *     word 0   name (string offset)
 *     word 1   kind flag (bit 31), kind (24-30), vlen (0-23; before v7.2 only 0-15 were used)
 *     word 2   byte size or type id
 *     then     `fixedWords[kind]` words, and vlen elements of `elementWords[kind]` words
 *
 * Tables are indexed by kind; -1 means the record has no such word.
 */

/** Words every record begins with. */
export const recordHeadWords = 3;

//                            unk int ptr arr str uni enu fwd typ vol con res fun pro var sec flo dec tag e64
const fixedWordList = /*   */ [0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0];
const elementWordList = /* */ [0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3];
const elementNameList = /* */ [-1, -1, -1, -1, 0, 0, 0, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, 0];
const elementTypeList = /* */ [-1, -1, -1, -1, 1, 1, -1, -1, -1, -1, -1, -1, -1, 1, -1, 0, -1, -1, -1, -1];
const headTypeList = /*    */ [0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0];

/** Words between the head and the elements. */
export const fixedWords: Uint8Array = Uint8Array.from(fixedWordList);
/** Words of one member, value, parameter or section entry. */
export const elementWords: Uint8Array = Uint8Array.from(elementWordList);
/** Word of an element that holds a string offset. */
export const elementNameWord: Int8Array = Int8Array.from(elementNameList);
/** Word of an element that holds a type id. */
export const elementTypeWord: Int8Array = Int8Array.from(elementTypeList);
/** 1 where word 2 of the head is a type id. */
export const headHoldsType: Uint8Array = Uint8Array.from(headTypeList);

/** Kind in an `info` word. */
export function infoKind(info: number): number {
  return (info >>> 24) & 0x7f;
}

/** Count of elements in an `info` word (24 bits since v7.2; the upper 8 are zero in older BTF). */
export function infoVlen(info: number): number {
  return info & 0xffffff;
}

/** An `info` word. */
export function makeInfo(kind: number, vlen = 0, kindFlag = false): number {
  return ((kindFlag ? 0x8000_0000 : 0) | (kind << 24) | vlen) >>> 0;
}

/** Words of the whole record whose `info` is given; 0 for a kind this version does not know. */
export function recordWords(info: number): number {
  const kind = infoKind(info);
  if (kind === K.BTF_KIND_UNKN || kind > K.BTF_KIND_MAX) return 0;
  return recordHeadWords + fixedWords[kind]! + infoVlen(info) * elementWords[kind]!;
}

/** Visit the index of every word of the record at `at` that holds a type id. */
export function forEachTypeWord(words: Uint32Array, at: number, visit: (wordIndex: number) => void): void {
  const info = words[at + 1]!;
  const kind = infoKind(info);
  if (kind > K.BTF_KIND_MAX) return;
  if (headHoldsType[kind] === 1) visit(at + 2);
  if (kind === K.BTF_KIND_ARRAY) {
    visit(at + 3);
    visit(at + 4);
  }
  const column = elementTypeWord[kind]!;
  if (column < 0) return;
  const stride = elementWords[kind]!;
  const end = at + recordWords(info);
  for (let word = at + recordHeadWords + fixedWords[kind]! + column; word < end; word += stride) visit(word);
}

/** Visit the index of every word of the record at `at` that holds a string offset, its own name first. */
export function forEachNameWord(words: Uint32Array, at: number, visit: (wordIndex: number) => void): void {
  visit(at);
  const info = words[at + 1]!;
  const kind = infoKind(info);
  if (kind > K.BTF_KIND_MAX) return;
  const column = elementNameWord[kind]!;
  if (column < 0) return;
  const stride = elementWords[kind]!;
  const end = at + recordWords(info);
  for (let word = at + recordHeadWords + fixedWords[kind]! + column; word < end; word += stride) visit(word);
}
