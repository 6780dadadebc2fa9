import { closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { FileError, FormatError } from "./errors.ts";

/** Read-only random access to bytes; parsers do not know whether they are in memory or on disk. */
export interface ByteSource {
  /** Path or description for messages. */
  readonly name: string;
  /** Length in bytes. */
  readonly byteSize: number;
  /** Fill `target` from `offset`. Throws {@link FormatError} `TRUNCATED` when the range is not wholly inside. */
  readInto(target: Uint8Array, offset: number): void;
  /** Bytes at `offset`; may be a view of the source's own memory, so never write to it. */
  read(offset: number, byteSize: number): Uint8Array;
}

/** Bytes already in memory; `read` returns views, copies nothing. */
export class MemorySource implements ByteSource {
  readonly name: string;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, name = "memory") {
    this.bytes = bytes;
    this.name = name;
  }

  get byteSize(): number {
    return this.bytes.length;
  }

  readInto(target: Uint8Array, offset: number): void {
    target.set(this.read(offset, target.length));
  }

  read(offset: number, byteSize: number): Uint8Array {
    checkRange(this, offset, byteSize);
    return this.bytes.subarray(offset, offset + byteSize);
  }
}

/** Largest single `readSync`; the kernel stops a little below 2 GiB. */
const maximumRead = 0x4000_0000;

/** A regular file read by position. Close it with {@link FileSource.close}. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly byteSize: number;
  readonly #descriptor: number;

  /** @throws {FileError} when the file cannot be opened or is not a regular file or block device. */
  constructor(path: string) {
    this.name = path;
    try {
      // A pipe without a writer would otherwise never open; other systems have no such flag.
      this.#descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      throw new FileError(path, errorCode(error), "open");
    }
    const stat = fstatSync(this.#descriptor);
    if (!stat.isFile()) {
      closeSync(this.#descriptor);
      throw new FileError(path, stat.isDirectory() ? "EISDIR" : "not a regular file", "open");
    }
    this.byteSize = stat.size;
  }

  readInto(target: Uint8Array, offset: number): void {
    checkRange(this, offset, target.length);
    let done = 0;
    while (done < target.length) {
      let count: number;
      try {
        count = readSync(
          this.#descriptor,
          target,
          done,
          Math.min(target.length - done, maximumRead),
          offset + done,
        );
      } catch (error) {
        throw new FileError(this.name, errorCode(error), "read");
      }
      if (count === 0) throw this.#shrunk(offset + done);
      done += count;
    }
  }

  /** As {@link FileSource.readInto}, while this thread goes on with something else. */
  async load(target: Uint8Array, offset: number): Promise<void> {
    checkRange(this, offset, target.length);
    let done = 0;
    while (done < target.length) {
      const byteSize = Math.min(target.length - done, maximumRead);
      const count = await this.#readSome(target, done, byteSize, offset + done);
      if (count === 0) throw this.#shrunk(offset + done);
      done += count;
    }
  }

  #readSome(target: Uint8Array, done: number, byteSize: number, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, done, byteSize, offset, (error, count) => {
        if (error === null) resolve(count);
        else reject(new FileError(this.name, errorCode(error), "read"));
      });
    });
  }

  #shrunk(offset: number): FormatError {
    return new FormatError("TRUNCATED", "file shrank while it was read", { file: this.name, offset });
  }

  read(offset: number, byteSize: number): Uint8Array {
    checkRange(this, offset, byteSize);
    const target = new Uint8Array(byteSize);
    this.readInto(target, offset);
    return target;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function checkRange(source: ByteSource, offset: number, byteSize: number): void {
  if (!(offset >= 0 && byteSize >= 0 && offset + byteSize <= source.byteSize)) {
    throw new FormatError(
      "TRUNCATED",
      `0x${byteSize.toString(16)} bytes wanted, the file ends at 0x${source.byteSize.toString(16)}`,
      { file: source.name, offset },
    );
  }
}

/** Node's name of what went wrong (`ENOENT`), for a {@link FileError}. */
export function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
}
