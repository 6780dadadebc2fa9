import type { KernelObject } from "../program/index.ts";
import { placeOf } from "./walk.ts";

/** Larger bitmaps are taken for damage. */
const maximumBits = 1 << 30;

/**
 * `for_each_set_bit` (include/linux/find.h): positions of the bits that are set.
 * @param bitmap `unsigned long` array, or a pointer to its first word
 * @param bitCount bits that are looked at
 * @throws {FaultError}
 */
export function* forEachSetBit(bitmap: KernelObject, bitCount: number): Generator<number, undefined> {
  const { memory } = bitmap.program;
  const start = placeOf(bitmap);
  const count = Math.min(bitCount, maximumBits);
  for (let word = 0; word * 64 < count; word++) {
    const bits = memory.readU64(start + BigInt(word * 8));
    if (bits === 0n) continue;
    for (let bit = 0; bit < 64 && word * 64 + bit < count; bit++) {
      if (((bits >> BigInt(bit)) & 1n) === 1n) yield word * 64 + bit;
    }
  }
}

/** `bitmap_weight`: how many bits are set. @throws {FaultError} */
export function bitmapWeight(bitmap: KernelObject, bitCount: number): number {
  let weight = 0;
  for (const _ of forEachSetBit(bitmap, bitCount)) weight++;
  return weight;
}
