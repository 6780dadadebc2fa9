import { writeSync } from "node:fs";
import { FileError } from "../io/index.ts";

/**
 * Write all of it, and come back when it has left; false where the reader has gone (`| head`).
 * @param name of the file, for messages
 * @throws {FileError}
 */
export function writeAll(descriptor: number, bytes: Uint8Array, name: string): boolean {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "EPIPE") return false;
      if (errno !== "EAGAIN") throw new FileError(name, errno, "write");
      // A pipe that does not block, as some parents hand over, is full: the reader needs a moment.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return true;
}

/** Node's name of the cause of a failed system call. */
export function errnoOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
}
