import type { KernelObject } from "../program/index.ts";

/** More bits than any queue has tags. */
const maximumBits = 1 << 20;

/** `sbitmap_for_each_set` (include/linux/sbitmap.h): positions of the bits of a `struct sbitmap` that are set. @throws {FaultError} */
export function* sbitmapForEachSet(bitmap: KernelObject): Generator<number, undefined> {
  const depth = Math.min(bitmap.member("depth").number(), maximumBits);
  const shift = bitmap.member("shift").number();
  if (depth === 0 || shift > 6) return;
  const words = bitmap.member("map").read();
  const perWord = 1 << shift;
  for (let index = 0; index * perWord < depth; index++) {
    const word = words.index(index);
    // Bits given back are noted beside the word, and taken out of it all at once.
    const bits = (word.member("word").scalar() as bigint) & ~(word.member("cleared").scalar() as bigint);
    if (bits === 0n) continue;
    for (let bit = 0; bit < perWord && index * perWord + bit < depth; bit++) {
      if (((bits >> BigInt(bit)) & 1n) === 1n) yield index * perWord + bit;
    }
  }
}
