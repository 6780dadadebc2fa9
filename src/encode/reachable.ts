import { forEachTypeWord } from "../btf/index.ts";
import { Kind, kindOfInfo, wordCountOfInfo } from "../btf/dedup/type-words.ts";

/** Types that stay, their words one after another, and their number. */
export interface ReachableTypes {
  words: Uint32Array;
  typeCount: number;
}

/**
 * Of types over a base, the DATASECs and what they lead to, tags of VARs included; numbered anew in
 * the order they had. Everything else in them only describes what the base knows already.
 * @param firstId id of the first type in `words`; lower ids are the base's
 */
export function keepReachable(words: Uint32Array, firstId: number): ReachableTypes {
  const starts: number[] = [];
  for (let at = 0; at < words.length; at += wordCountOfInfo(words[at + 1]!)) starts.push(at);
  const isKept = new Uint8Array(starts.length);
  const pending: number[] = [];
  const keep = (id: number): void => {
    const index = id - firstId;
    if (index < 0 || isKept[index] === 1) return;
    isKept[index] = 1;
    pending.push(index);
  };
  const follow = (): void => {
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      forEachTypeWord(words, starts[index]!, (word) => keep(words[word]!));
    }
  };
  starts.forEach((at, index) => {
    if (kindOfInfo(words[at + 1]!) === Kind.datasec) keep(firstId + index);
  });
  follow();
  starts.forEach((at, index) => {
    if (kindOfInfo(words[at + 1]!) !== Kind.declTag) return;
    const target = words[at + 2]! - firstId;
    if (target >= 0 && isKept[target] === 1) keep(firstId + index);
  });
  follow();
  return compact(words, starts, isKept, firstId);
}

function compact(
  words: Uint32Array,
  starts: readonly number[],
  isKept: Uint8Array,
  firstId: number,
): ReachableTypes {
  const newIds = new Int32Array(starts.length);
  let typeCount = 0;
  let wordCount = 0;
  starts.forEach((at, index) => {
    if (isKept[index] === 0) return;
    newIds[index] = firstId + typeCount++;
    wordCount += wordCountOfInfo(words[at + 1]!);
  });
  const result = new Uint32Array(wordCount);
  let to = 0;
  starts.forEach((at, index) => {
    if (isKept[index] === 0) return;
    const length = wordCountOfInfo(words[at + 1]!);
    result.set(words.subarray(at, at + length), to);
    forEachTypeWord(result, to, (word) => {
      const id = result[word]!;
      if (id >= firstId) result[word] = newIds[id - firstId]!;
    });
    to += length;
  });
  return { words: result, typeCount };
}
