import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

/** Instructions looked through at most: longer functions have set up their frame long before. */
const maximumInstructions = 4096;

/** A pattern of an instruction word. */
interface Pattern {
  mask: number;
  value: number;
}

const setFrame: Pattern = { mask: 0xff8003ff, value: 0x910003fd }; // add x29, sp, #n
const restoreFrame: readonly Pattern[] = [
  { mask: 0xffc07fff, value: 0xa8c07bfd }, // ldp x29, x30, [sp], #n
  { mask: 0xffc07fff, value: 0xa9407bfd }, // ldp x29, x30, [sp, #n]
];
const leave: readonly Pattern[] = [
  { mask: 0xffffffff, value: 0xd65f03c0 }, // ret
  { mask: 0xfffffbff, value: 0xd65f0bff }, // retaa, retab
  { mask: 0xfc000000, value: 0x14000000 }, // b
];

const fits = (word: number, { mask, value }: Pattern): boolean => (word & mask) >>> 0 === value >>> 0;

/**
 * True where the frame register belongs to the function that runs: between the instruction that sets it
 * and the one that restores the caller's. Before and after, and in functions without a frame, the
 * caller is in the link register. Told from the code between the function's start and `pc`.
 */
export function hasOwnFrame(memory: VirtualMemory, functionStart: bigint, pc: bigint): boolean {
  const count = Number((pc - functionStart) / 4n);
  if (count > maximumInstructions) return true;
  const bytes = new Uint8Array(count * 4);
  try {
    memory.readInto(bytes, functionStart);
  } catch (error) {
    if (error instanceof FaultError) return true;
    throw error;
  }
  const view = new DataView(bytes.buffer);
  let isSet = false;
  let wasRestored = false;
  for (let index = 0; index < count; index++) {
    // Instructions are little-endian whatever data are.
    const word = view.getUint32(index * 4, true);
    if (fits(word, setFrame)) {
      isSet = true;
      wasRestored = false;
    } else if (isSet && restoreFrame.some((pattern) => fits(word, pattern))) {
      wasRestored = true;
    } else if (wasRestored && leave.some((pattern) => fits(word, pattern))) {
      // What follows belongs to another path through the function, on which the frame stands.
      wasRestored = false;
    }
  }
  return isSet && !wasRestored;
}

/** True where the instruction before an address is a call: bl, blr, or one of blr with authentication. */
export function followsArm64Call(memory: VirtualMemory, address: bigint): boolean {
  if ((address & 3n) !== 0n) return false;
  const bytes = new Uint8Array(4);
  try {
    memory.readInto(bytes, address - 4n);
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
  const word = new DataView(bytes.buffer).getUint32(0, true);
  return (word & 0xfc000000) >>> 0 === 0x94000000 || (word & 0xfefff000) >>> 0 === 0xd63f0000;
}
