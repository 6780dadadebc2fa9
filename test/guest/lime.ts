/**
 * Write a guest's memory as the LiME kernel module does: per range of memory a header of 32 bytes
 * (u32 magic "LiME" read big-endian, u32 version 1, u64 first and u64 last address, 8 bytes of
 * zeros), then its bytes.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";

const PT_LOAD = 1;
const LIME_MAGIC = 0x4c694d45;

/** From a core file of the emulator's, which describes memory by PT_LOAD segments. */
export function writeLime(elf: string, output: string): void {
  const input = openSync(elf, "r");
  const target = openSync(output, "w");
  try {
    const header = Buffer.alloc(64);
    readSync(input, header, 0, 64, 0);
    const tableOffset = Number(header.readBigUInt64LE(32));
    const entrySize = header.readUInt16LE(54);
    const table = Buffer.alloc(header.readUInt16LE(56) * entrySize);
    readSync(input, table, 0, table.length, tableOffset);
    for (let at = 0; at < table.length; at += entrySize) {
      // p_type, p_offset, p_paddr, p_filesz
      const size = Number(table.readBigUInt64LE(at + 32));
      if (table.readUInt32LE(at) !== PT_LOAD || size === 0) continue;
      const start = table.readBigUInt64LE(at + 24);
      const range = Buffer.alloc(32);
      range.writeUInt32LE(LIME_MAGIC, 0);
      range.writeUInt32LE(1, 4);
      range.writeBigUInt64LE(start, 8);
      range.writeBigUInt64LE(start + BigInt(size) - 1n, 16);
      writeSync(target, range);
      copy(input, Number(table.readBigUInt64LE(at + 8)), size, target);
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
