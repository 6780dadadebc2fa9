import { FaultError } from "../io/index.ts";
import { type Frame, frame } from "./frame.ts";
import type { StackRegion } from "./regions.ts";
import type { StackWalker } from "./walk.ts";

/** More guesses help nobody. */
const maximumGuesses = 64;
/** Largest stack looked through, in bytes: that of arm64 with pages of 64 KiB. */
const maximumByteSize = 1 << 16;

/**
 * What may be frames further up a stack whose walk broke: words that point behind a call instruction.
 * Some are leftovers of calls long done.
 */
export function guessFrames(walker: StackWalker, region: StackRegion, from: bigint): Frame[] {
  const found: Frame[] = [];
  const start = (from + 7n) & ~7n;
  let byteSize = Number(region.end - start);
  if (!(byteSize >= 8) || start < region.start) return found;
  byteSize = Math.min(byteSize, maximumByteSize) & ~7;
  for (let offset = 0; offset < byteSize && found.length < maximumGuesses; offset += 8) {
    const slot = start + BigInt(offset);
    try {
      const word = walker.memory.readU64(slot);
      if (word < kernelHalf || !walker.isReturnAddress(word)) continue;
      found.push(frame(word, "guess", region.kind, { stackPointer: slot + 8n, slot }));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      // The rest of this page cannot be read either.
      offset += 4088 - Number(slot & 0xfffn);
    }
  }
  return found;
}

const kernelHalf = 1n << 63n;
