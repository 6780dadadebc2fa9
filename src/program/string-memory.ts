import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/memory.ts";

export interface MemoryString {
  /** Without the NUL. */
  bytes: Uint8Array;
  /** False when `maximum` bytes held no NUL. */
  isTerminated: boolean;
}

/**
 * Bytes up to a NUL. Reads page by page, so that a string at the end of memory is found, and its
 * part before a hole is not taken for the whole.
 * @throws {FaultError} when memory ends before the NUL and before `maximum`
 */
export function readCStringBytes(memory: VirtualMemory, address: bigint, maximum: number): MemoryString {
  const chunks: Uint8Array[] = [];
  let byteSize = 0;
  // Most strings are short: begin with little, but never cross a page for nothing.
  let step = 64;
  while (byteSize < maximum) {
    const at = BigInt.asUintN(64, address + BigInt(byteSize));
    const leftOfPage = memory.pageByteSize - Number(at % BigInt(memory.pageByteSize));
    const chunk = readUpToFault(memory, at, Math.min(step, leftOfPage, maximum - byteSize));
    const end = chunk.indexOf(0);
    if (end >= 0) {
      chunks.push(chunk.subarray(0, end));
      return { bytes: joined(chunks), isTerminated: true };
    }
    chunks.push(chunk);
    byteSize += chunk.length;
    step = memory.pageByteSize;
  }
  return { bytes: joined(chunks), isTerminated: false };
}

/** Bytes of a range, or those before the first that is not there if the string ends among them. */
function readUpToFault(memory: VirtualMemory, address: bigint, byteSize: number): Uint8Array {
  try {
    return memory.read(address, byteSize);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    // Memory can end within a page: the string may end before it does.
    const bytes: number[] = [];
    do bytes.push(memory.readU8(BigInt.asUintN(64, address + BigInt(bytes.length))));
    while (bytes[bytes.length - 1] !== 0 && bytes.length < byteSize);
    return Uint8Array.from(bytes);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
