import fc from "fast-check";
import { expect, test } from "vitest";
import { randomNumbers } from "../../test/build/mutate.ts";
import { MemorySource } from "../io/index.ts";
import { FrameBitmap } from "./frame-bitmap.ts";

const runs = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 8 });

test("finds, counts and tells bits as a plain walk does", () => {
  fc.assert(
    fc.property(runs, fc.boolean(), fc.nat(), (lengths, startsSet, seed) => {
      const frameCount = lengths.reduce((sum, length) => sum + length, 0);
      const bits = new Uint8Array(frameCount);
      for (let i = 0, at = 0, set = startsSet; i < lengths.length; at += lengths[i]!, i++, set = !set) {
        if (set) bits.fill(1, at, at + lengths[i]!);
      }
      const bytes = new Uint8Array(3 + Math.ceil(frameCount / 8));
      bits.forEach((bit, frame) => (bytes[3 + (frame >> 3)]! |= bit << (frame & 7)));
      const bitmap = new FrameBitmap(new MemorySource(bytes), 3, frameCount);

      const random = randomNumbers(seed);
      for (let i = 0; i < 12; i++) {
        const frame = random(frameCount);
        expect(bitmap.has(frame)).toBe(bits[frame] === 1);
        expect(bitmap.rank(frame)).toBe(bits.subarray(0, frame).reduce((sum, bit) => sum + bit, 0));
        for (const set of [true, false]) {
          const found = bits.indexOf(set ? 1 : 0, frame);
          expect(bitmap.find(frame, set)).toBe(found < 0 ? frameCount : found);
        }
      }
      expect(bitmap.rank(frameCount)).toBe(bits.reduce((sum, bit) => sum + bit, 0));
      expect(bitmap.has(frameCount)).toBe(false);
      expect(bitmap.has(-1)).toBe(false);
    }),
    { numRuns: 15 },
  );
});
