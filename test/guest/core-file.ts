/** Segments of 64-bit little-endian core files. Kept apart from src/dump on purpose, as elf-section.ts is. */
import { closeSync, openSync, readSync } from "node:fs";

export interface LoadSegment {
  /** In the file. */
  offset: number;
  physicalAddress: bigint;
  /** Bytes in the file. */
  byteSize: number;
}

const PT_LOAD = 1;

/** The PT_LOAD segments in the file's order. */
export function loadSegments(file: string): LoadSegment[] {
  const descriptor = openSync(file, "r");
  try {
    const header = Buffer.alloc(64);
    readSync(descriptor, header, 0, 64, 0);
    // e_phoff, e_phentsize, e_phnum
    const entrySize = header.readUInt16LE(54);
    const table = Buffer.alloc(header.readUInt16LE(56) * entrySize);
    readSync(descriptor, table, 0, table.length, Number(header.readBigUInt64LE(32)));
    const segments: LoadSegment[] = [];
    for (let at = 0; at < table.length; at += entrySize) {
      if (table.readUInt32LE(at) !== PT_LOAD) continue;
      segments.push({
        offset: Number(table.readBigUInt64LE(at + 8)),
        physicalAddress: table.readBigUInt64LE(at + 24),
        byteSize: Number(table.readBigUInt64LE(at + 32)),
      });
    }
    return segments;
  } finally {
    closeSync(descriptor);
  }
}

/** Where the last segment ends: the size of a core file that lies at the start of something larger. */
export function coreSize(file: string): number {
  return Math.max(...loadSegments(file).map(({ offset, byteSize }) => offset + byteSize));
}
