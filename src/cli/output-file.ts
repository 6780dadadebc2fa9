import { accessSync, closeSync, constants, openSync, readlinkSync, statSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";
import { FileError, writeFileAtomic } from "../io/index.ts";
import { errnoOf, writeAll } from "./write-all.ts";

/** The name that stands for standard output. */
export const standardOutput = "-";

/**
 * Write a whole file or nothing. A symbolic link keeps pointing where it did, and a device or pipe
 * (`/dev/null`, `/dev/stdout`) is written to, not replaced.
 * @param mode permission bits of a new file, less those of the umask
 * @throws {FileError}
 */
export function writeOutput(path: string, bytes: Uint8Array, mode = 0o644): void {
  if (path === standardOutput) {
    writeAll(1, bytes, "standard output");
    return;
  }
  const stat = statOf(path);
  if (stat === undefined || stat.isFile()) {
    // What a program makes of other files, it can make again.
    writeFileAtomic(followLinks(path), [bytes], mode & ~process.umask(), false);
    return;
  }
  if (stat.isDirectory()) throw new FileError(path, "EISDIR", "write");
  let descriptor: number;
  try {
    descriptor = openSync(path, "w");
  } catch (error) {
    throw new FileError(path, errnoOf(error), "write");
  }
  try {
    writeAll(descriptor, bytes, path);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Say at once that an output cannot be written, before minutes of work.
 * @throws {FileError}
 */
export function checkWritable(path: string): void {
  if (path === standardOutput) return;
  const stat = statOf(path);
  if (stat?.isDirectory()) throw new FileError(path, "EISDIR", "write");
  const target = followLinks(path);
  try {
    accessSync(stat === undefined || stat.isFile() ? dirname(target) : target, constants.W_OK);
    if (!statSync(dirname(target)).isDirectory()) throw new FileError(path, "ENOTDIR", "write");
  } catch (error) {
    throw error instanceof FileError ? error : new FileError(path, errnoOf(error), "write");
  }
}

/** Where a chain of symbolic links ends, also when nothing is there yet. */
function followLinks(path: string): string {
  let target = path;
  // As many links as Linux follows; more of them are a cycle.
  for (let hops = 0; hops < 40; hops++) {
    try {
      target = resolve(dirname(target), readlinkSync(target));
    } catch {
      return target;
    }
  }
  throw new FileError(path, "ELOOP", "write");
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
