import { closeSync, openSync, readSync } from "node:fs";
import { FileError, type ByteSource } from "../io/index.ts";

/** A file whose positions go beyond 2^53, as those of /proc/kcore do. */
export interface PositionReader {
  /** Read up to `target.length` bytes; 0 where there are none. */
  readSome(target: Uint8Array, position: bigint): number;
  close(): void;
}

/** What /proc/kcore answers for memory that it cannot read. */
const noMemory: ReadonlySet<string> = new Set(["EFAULT", "EIO", "ENXIO"]);

/** @throws {FileError} when the file cannot be opened, or read for a reason that is not the memory's */
export function openPositions(path: string): PositionReader {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw new FileError(path, codeOf(error), "open");
  }
  return {
    readSome(target, position) {
      // A signed 64-bit offset is all that the system takes.
      if (position < 0n || position >= 1n << 63n) return 0;
      try {
        return readSync(descriptor, target, 0, Math.min(target.length, 0x4000_0000), position);
      } catch (error) {
        if (noMemory.has(codeOf(error))) return 0;
        throw new FileError(path, codeOf(error), "read");
      }
    },
    close: () => closeSync(descriptor),
  };
}

/** The same for bytes that are somewhere else. */
export function positionsOf(source: ByteSource): PositionReader {
  return {
    readSome(target, position) {
      const available = BigInt(source.byteSize) - position;
      const count = available < BigInt(target.length) ? Number(available) : target.length;
      if (count <= 0) return 0;
      source.readInto(target.subarray(0, count), Number(position));
      return count;
    },
    close: () => {},
  };
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
