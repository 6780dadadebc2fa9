import { FaultError } from "../io/index.ts";
import type { PhysicalReader } from "./read.ts";

const blockByteSize = 0x4_0000;

/** What there is from `address` on, up to `maximum` bytes or the first gap. */
export function readForward(memory: PhysicalReader, address: number, maximum: number): Uint8Array {
  const bytes = new Uint8Array(maximum);
  let length = 0;
  while (length < maximum) {
    const step = Math.min(blockByteSize, maximum - length);
    const got = readPrefix(memory, bytes.subarray(length, length + step), address + length);
    length += got;
    if (got < step) break;
  }
  return bytes.subarray(0, length);
}

/**
 * What there is right below `end`, up to `maximum` bytes or the last gap: the bytes end at `end`. They
 * start at a multiple of 8 in memory as in their buffer.
 */
export function readBackward(memory: PhysicalReader, end: number, maximum: number): Uint8Array {
  let start = end;
  const lowest = Math.max(0, Math.ceil((end - maximum) / 8) * 8);
  const blocks: Uint8Array[] = [];
  while (start > lowest) {
    // Blocks start at multiples of their size, so that a gap of pages costs few faults.
    const from = Math.max(lowest, Math.floor((start - 1) / blockByteSize) * blockByteSize);
    const block = new Uint8Array(start - from);
    const kept = readSuffix(memory, block, from);
    if (kept.length > 0) blocks.push(kept);
    start -= kept.length;
    if (kept.length < block.length) break;
  }
  const bytes = new Uint8Array(end - start);
  let offset = 0;
  for (const block of blocks.reverse()) {
    bytes.set(block, offset);
    offset += block.length;
  }
  return bytes;
}

/** Fill as much of the start of `target` as there is; the number of bytes. */
function readPrefix(memory: PhysicalReader, target: Uint8Array, address: number): number {
  for (let wanted = target.length; wanted > 0;) {
    try {
      memory.readInto(target.subarray(0, wanted), address);
      return wanted;
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const present = Number(error.address) - address;
      // A fault that says nothing useful must not make this endless.
      wanted = present > 0 && present < wanted ? present : wanted >> 1;
    }
  }
  return 0;
}

/** The end of `block` behind the last gap in it. */
function readSuffix(memory: PhysicalReader, block: Uint8Array, address: number): Uint8Array {
  if (readPrefix(memory, block, address) === block.length) return block;
  const pageByteSize = 4096;
  let start = block.length;
  while (start > 0) {
    const from = Math.max(0, Math.floor((address + start - 1) / pageByteSize) * pageByteSize - address);
    const page = block.subarray(from, start);
    if (readPrefix(memory, page, address + from) < page.length) break;
    start = from;
  }
  return block.subarray(start);
}
