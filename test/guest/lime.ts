/**
 * Write a guest's memory as the LiME kernel module does: per range of memory a header of 32 bytes
 * (u32 magic "LiME" read big-endian, u32 version 1, u64 first and u64 last address, 8 bytes of
 * zeros), then its bytes.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { loadSegments } from "./core-file.ts";

const LIME_MAGIC = 0x4c694d45;

/** From a core file of the emulator's, which describes memory by PT_LOAD segments. */
export function writeLime(elf: string, output: string): void {
  const input = openSync(elf, "r");
  const target = openSync(output, "w");
  try {
    for (const { offset, physicalAddress, byteSize } of loadSegments(elf)) {
      if (byteSize === 0) continue;
      const header = Buffer.alloc(32);
      header.writeUInt32LE(LIME_MAGIC, 0);
      header.writeUInt32LE(1, 4);
      header.writeBigUInt64LE(physicalAddress, 8);
      header.writeBigUInt64LE(physicalAddress + BigInt(byteSize) - 1n, 16);
      writeSync(target, header);
      copy(input, offset, byteSize, target);
    }
  } finally {
    closeSync(input);
    closeSync(target);
  }
}

function copy(input: number, offset: number, size: number, target: number): void {
  const chunk = Buffer.alloc(1 << 22);
  for (let done = 0; done < size;) {
    const length = readSync(input, chunk, 0, Math.min(chunk.length, size - done), offset + done);
    if (length === 0) throw new Error(`the core file ends ${size - done} bytes early`);
    writeSync(target, chunk, 0, length);
    done += length;
  }
}
