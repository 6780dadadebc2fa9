import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, basename } from "node:path";
import { FileError } from "./errors.ts";

/**
 * Write a whole file or nothing: the bytes go to a temporary file in the same folder, which
 * then takes the target's name. An existing target keeps its permission bits.
 * @param isDurable whether to wait until the disk has it, so that a power failure leaves the old or the
 *   new file too. Waiting takes longer than many a file takes to be made.
 * @throws {FileError}
 */
export function writeFileAtomic(
  path: string,
  chunks: readonly Uint8Array[],
  mode = 0o644,
  isDurable = true,
): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, "wx", mode);
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length;)
        done += writeSync(descriptor, chunk, done, Math.min(chunk.length - done, 0x4000_0000));
    }
    if (isDurable) fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = undefined;
    chmodSync(temporary, existingMode(path) ?? mode);
    renameSync(temporary, path);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    try {
      unlinkSync(temporary);
    } catch {
      // It was never made, or has already taken its place.
    }
    throw new FileError(path, (error as NodeJS.ErrnoException).code ?? String(error), "write");
  }
}

function existingMode(path: string): number | undefined {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return undefined;
  }
}
