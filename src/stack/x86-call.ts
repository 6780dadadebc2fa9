import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

/** Longest call instruction: prefix, FF, ModRM, SIB, 32-bit displacement. */
const maximumCallByteSize = 8;
/** E8 and a 32-bit distance. */
const nearCallByteSize = 5;

/** True where the instruction before an address is a call: near relative, or indirect. */
export function followsX86Call(memory: VirtualMemory, address: bigint): boolean {
  const bytes = new Uint8Array(maximumCallByteSize);
  try {
    memory.readInto(bytes, address - BigInt(maximumCallByteSize));
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
  if (bytes[3] === 0xe8) return true;
  for (let byteSize = 2; byteSize <= 7; byteSize++) {
    const at = maximumCallByteSize - byteSize;
    // FF /2: the middle three bits of ModRM.
    if (bytes[at] !== 0xff || (bytes[at + 1]! & 0x38) !== 0x10) continue;
    if (indirectByteSize(bytes[at + 1]!, bytes[at + 2] ?? 0) === byteSize) return true;
  }
  return false;
}

/** Address that the near relative call before an address calls; undefined where there is none. */
export function calledBefore(memory: VirtualMemory, address: bigint): bigint | undefined {
  const bytes = new Uint8Array(nearCallByteSize);
  try {
    memory.readInto(bytes, address - BigInt(nearCallByteSize));
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
  if (bytes[0] !== 0xe8) return undefined;
  const distance = new DataView(bytes.buffer).getInt32(1, true);
  return BigInt.asUintN(64, address + BigInt(distance));
}

/** Bytes of an `FF` instruction by its ModRM and SIB. */
function indirectByteSize(modrm: number, sib: number): number {
  const mode = modrm >> 6;
  const operand = modrm & 7;
  if (mode === 3) return 2;
  let byteSize = 2;
  if (operand === 4) {
    byteSize++;
    if (mode === 0 && (sib & 7) === 5) byteSize += 4;
  } else if (mode === 0 && operand === 5) {
    byteSize += 4;
  }
  if (mode === 1) byteSize += 1;
  if (mode === 2) byteSize += 4;
  return byteSize;
}
