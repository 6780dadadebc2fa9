import { FormatError } from "../io/index.ts";

/**
 * Bytes of a debug section: wholly in memory, or read from a file a window at a time. The callers
 * that matter go through a section from front to back, so one window is enough.
 */
export class SectionWindow {
  readonly file: string;
  readonly name: string;
  readonly byteSize: number;
  /** The bytes at hand. */
  bytes: Uint8Array;
  view: DataView;
  /** Section offset of `bytes[0]`. */
  start = 0;
  private readonly readInto: ((target: Uint8Array, sectionOffset: number) => void) | undefined;
  private readonly windowByteSize: number;
  private buffer: Uint8Array = new Uint8Array(0);

  /**
   * @param source all bytes, or a reader of ranges of a section of `byteSize` bytes.
   * @param windowByteSize bytes to read at once.
   */
  constructor(
    file: string,
    name: string,
    source: Uint8Array | { byteSize: number; readInto: (target: Uint8Array, sectionOffset: number) => void },
    windowByteSize: number = 1 << 18,
  ) {
    this.file = file;
    this.name = name;
    this.windowByteSize = windowByteSize;
    if (source instanceof Uint8Array) {
      this.byteSize = source.length;
      this.bytes = source;
      this.readInto = undefined;
    } else {
      this.byteSize = source.byteSize;
      this.bytes = new Uint8Array(0);
      this.readInto = source.readInto;
    }
    this.view = viewOf(this.bytes);
  }

  /**
   * Make sure that `length` bytes from `offset` are at hand (fewer where the section ends) and
   * return the index of `offset` in {@link bytes}. Earlier views of the bytes hold until then.
   * @param windowByteSize how much to read when they are not, for a caller that leaps.
   * @throws {FormatError} when `offset` is outside the section.
   */
  reach(offset: number, length: number, windowByteSize: number = this.windowByteSize): number {
    if (!(offset >= 0 && offset < this.byteSize))
      throw this.bad("DWARF_OFFSET", `offset past the section`, offset);
    if (offset >= this.start && offset + length <= this.start + this.bytes.length) return offset - this.start;
    if (this.readInto === undefined) return offset;
    const size = Math.min(Math.max(windowByteSize, length), this.byteSize - offset);
    // One buffer for all windows: fresh memory costs as much as the reading.
    if (size > this.buffer.length)
      this.buffer = new Uint8Array(Math.max(size, Math.min(windowByteSize, this.byteSize)));
    const bytes = this.buffer.subarray(0, size);
    this.readInto(bytes, offset);
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.start = offset;
    return 0;
  }

  bad(code: string, problem: string, offset: number): FormatError {
    return new FormatError(code, problem, { file: this.file, section: this.name, offset });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
