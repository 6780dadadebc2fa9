import { FormatError, LimitError, UnsupportedError, type ByteSource, type Diagnostic } from "../io/index.ts";
import { Extents } from "./extents.ts";
import { readLongAt, viewOf } from "./words.ts";

/**
 * makedumpfile's flattened stream, which it writes to a pipe and QEMU writes to a file: a header, then
 * records in any order, each with the place of its bytes in the dump proper. All numbers are big-endian.
 *
 * ```
 * 0      "makedumpfile" NUL   16 type = 1   24 version = 1   to 4096
 * then   offset, byte size, bytes   and so on; offset = -1 ends
 * ```
 */
const headerByteSize = 4096;
const recordHeaderByteSize = 16;

/** Enough for a dump of 64 TiB in records of 1 MiB, or 256 GiB in single pages. */
const maximumRecords = 1 << 26;

/**
 * The dump inside a flattened stream, put in order by an index of the records: nothing is copied, and
 * opening it reads the records' headers only. Places without a record are zeros, as in the file that
 * would have been written; in a stream that is cut off they are `TRUNCATED`.
 */
export class FlattenedSource implements ByteSource {
  readonly name: string;
  readonly byteSize: number;
  /** Records in the stream. */
  readonly recordCount: number;
  /** False when the stream lacks its end. */
  readonly complete: boolean;
  readonly #stream: ByteSource;
  readonly #records: RecordIndex;
  readonly #extents: Extents;

  private constructor(stream: ByteSource, records: RecordIndex, complete: boolean) {
    this.name = stream.name;
    this.#stream = stream;
    this.#records = records;
    this.recordCount = records.length;
    this.complete = complete;
    this.#extents = Extents.layOver(
      records.offset.subarray(0, records.length),
      records.byteSize.subarray(0, records.length),
    );
    this.byteSize = this.#extents.length === 0 ? 0 : this.#extents.end[this.#extents.length - 1]!;
  }

  /**
   * `scanned` is the stream without a cache around it: one look at each record's header wants no blocks.
   * @throws {UnsupportedError} when the stream's type or version is unknown
   * @throws {LimitError} when it has more records than any dump
   */
  static open(stream: ByteSource, scanned: ByteSource, diagnostics: Diagnostic[]): FlattenedSource {
    const file = stream.name;
    if (stream.byteSize < 32)
      throw new FormatError("DUMP_TRUNCATED", "the flattened stream ends inside its header", { file });
    const head = viewOf(stream.read(0, 32));
    const type = readLongAt(head, 16, false);
    const version = readLongAt(head, 24, false);
    if (type !== 1 || version !== 1) {
      throw new UnsupportedError(
        "DUMP_FLATTENED_VERSION",
        `flattened stream of type ${type}, version ${version}: type 1, version 1 is supported`,
        { file, offset: 16 },
      );
    }
    const records = new RecordIndex();
    const problem = scanRecords(scanned, records);
    if (problem !== undefined) {
      diagnostics.push({
        severity: "warning",
        code: "DUMP_FLATTENED_INCOMPLETE",
        text: problem.text,
        location: { file, offset: problem.offset },
      });
    }
    return new FlattenedSource(stream, records, problem === undefined);
  }

  readInto(target: Uint8Array, offset: number): void {
    if (!(offset >= 0 && offset + target.length <= this.byteSize)) {
      throw new FormatError("TRUNCATED", `the dump in the stream ends at 0x${this.byteSize.toString(16)}`, {
        file: this.name,
        offset: Math.max(offset, this.byteSize),
      });
    }
    const extents = this.#extents;
    let done = 0;
    while (done < target.length) {
      const here = offset + done;
      const index = extents.findNext(here);
      const start = extents.start[index]!;
      if (start > here) {
        const count = Math.min(target.length - done, start - here);
        if (!this.complete) throw this.#lost(here);
        target.fill(0, done, done + count);
        done += count;
        continue;
      }
      const count = Math.min(target.length - done, extents.end[index]! - here);
      const record = extents.owner[index]!;
      this.#stream.readInto(
        count === target.length ? target : target.subarray(done, done + count),
        this.#records.position[record]! + (here - this.#records.offset[record]!),
      );
      done += count;
    }
  }

  read(offset: number, byteSize: number): Uint8Array {
    if (!(offset >= 0 && byteSize >= 0 && offset + byteSize <= this.byteSize)) throw this.#lost(offset);
    const target = new Uint8Array(byteSize);
    this.readInto(target, offset);
    return target;
  }

  #lost(offset: number): FormatError {
    return new FormatError("TRUNCATED", "the flattened stream is cut off before these bytes", {
      file: this.name,
      offset,
    });
  }
}

/** Where the usable part of a stream ends, when it is not at its end record. */
interface StreamProblem {
  text: string;
  offset: number;
}

function scanRecords(stream: ByteSource, records: RecordIndex): StreamProblem | undefined {
  // Records of QEMU and makedumpfile are some 100 KiB; where they are small, one window has several headers.
  const window = new Uint8Array(headerByteSize);
  const view = viewOf(window);
  let windowStart = 0;
  let windowEnd = 0;
  for (let position = headerByteSize; ;) {
    if (position + recordHeaderByteSize > stream.byteSize) {
      return { text: "the flattened stream has no end record: it is cut off", offset: stream.byteSize };
    }
    if (position < windowStart || position + recordHeaderByteSize > windowEnd) {
      const byteSize = Math.min(window.length, stream.byteSize - position);
      stream.readInto(window.subarray(0, byteSize), position);
      windowStart = position;
      windowEnd = position + byteSize;
    }
    const offset = readLongAt(view, position - windowStart, false);
    const byteSize = readLongAt(view, position - windowStart + 8, false);
    if (offset === -1 && byteSize === -1) return undefined;
    if (!(offset >= 0 && byteSize >= 0 && Number.isSafeInteger(offset + byteSize))) {
      return {
        text: `a broken record ends the flattened stream: offset ${offset}, ${byteSize} bytes`,
        offset: position,
      };
    }
    position += recordHeaderByteSize;
    const inside = Math.min(byteSize, stream.byteSize - position);
    if (records.length === maximumRecords) {
      throw new LimitError("DUMP_FLATTENED_RECORDS", `more than ${maximumRecords} records`, {
        file: stream.name,
        offset: position,
      });
    }
    if (inside > 0) records.add(offset, inside, position);
    if (inside < byteSize) {
      return { text: "the flattened stream is cut off inside a record", offset: stream.byteSize };
    }
    position += byteSize;
  }
}

/** Records as columns. */
class RecordIndex {
  length = 0;
  /** In the dump proper. */
  offset: Float64Array<ArrayBuffer> = new Float64Array(1024);
  byteSize: Float64Array<ArrayBuffer> = new Float64Array(1024);
  /** Of the bytes in the stream. */
  position: Float64Array<ArrayBuffer> = new Float64Array(1024);

  add(offset: number, byteSize: number, position: number): void {
    if (this.length === this.offset.length) {
      this.offset = doubled(this.offset);
      this.byteSize = doubled(this.byteSize);
      this.position = doubled(this.position);
    }
    this.offset[this.length] = offset;
    this.byteSize[this.length] = byteSize;
    this.position[this.length] = position;
    this.length++;
  }
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
