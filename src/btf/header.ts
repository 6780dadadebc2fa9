import { FormatError, UnsupportedError } from "../io/index.ts";
import { BTF_MAGIC, BTF_VERSION, headerByteSizeClassic, headerByteSizeLayout } from "./constants.ts";

/** Section name in messages. */
export const btfSectionName = ".BTF";

/** Where the parts of a BTF blob lie; offsets are bytes from the start of the blob. */
export interface BtfHeader {
  littleEndian: boolean;
  /** Of the whole blob. */
  byteSize: number;
  headerByteSize: number;
  /** Header fields beyond the classic 24 bytes, raw. */
  extraBytes: Uint8Array;
  typesOffset: number;
  typesByteSize: number;
  stringsOffset: number;
  stringsByteSize: number;
  /** Layout section (v7.2): sizes of each kind's record; 0 bytes when absent. */
  layoutOffset: number;
  layoutByteSize: number;
}

/**
 * Read the header: `u16 magic, u8 version, u8 flags, u32 hdr_len, type_off, type_len, str_off,
 * str_len`, since v7.2 also `layout_off, layout_len`; offsets count from the header's end.
 * Gaps between the parts are accepted here; `validateBtf` reports them.
 * @throws {FormatError}
 */
export function parseHeader(bytes: Uint8Array, file?: string): BtfHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (code: string, problem: string, offset: number): FormatError =>
    new FormatError(code, problem, locate(file, offset));
  if (bytes.length < headerByteSizeClassic) {
    throw bad("BTF_TRUNCATED", `header needs ${headerByteSizeClassic} bytes, ${bytes.length} present`, 0);
  }
  const littleEndian = view.getUint16(0, true) === BTF_MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== BTF_MAGIC) {
    throw bad("BTF_MAGIC", `no BTF magic: 0x${view.getUint16(0, true).toString(16)}`, 0);
  }
  const version = view.getUint8(2);
  if (version !== BTF_VERSION) {
    throw new UnsupportedError("BTF_VERSION", `BTF version ${version}: only 1 is known`, locate(file, 2));
  }
  if (view.getUint8(3) !== 0) {
    throw new UnsupportedError(
      "BTF_FLAGS",
      `unknown header flags 0x${view.getUint8(3).toString(16)}`,
      locate(file, 3),
    );
  }
  const headerByteSize = view.getUint32(4, littleEndian);
  if (headerByteSize < headerByteSizeClassic || headerByteSize > bytes.length) {
    throw bad("BTF_HEADER_SIZE", `header size ${headerByteSize} in a blob of ${bytes.length} bytes`, 4);
  }
  const part = (at: number, what: string): [number, number] => {
    const offset = headerByteSize + view.getUint32(at, littleEndian);
    const byteSize = view.getUint32(at + 4, littleEndian);
    if (offset + byteSize > bytes.length) {
      const range = `0x${offset.toString(16)}..0x${(offset + byteSize).toString(16)}`;
      throw bad(
        "BTF_SECTION_RANGE",
        `${what} section ${range} leaves the blob of 0x${bytes.length.toString(16)} bytes`,
        at,
      );
    }
    return [offset, byteSize];
  };
  const [typesOffset, typesByteSize] = part(8, "type");
  const [stringsOffset, stringsByteSize] = part(16, "string");
  const hasLayout = headerByteSize >= headerByteSizeLayout;
  const [layoutOffset, layoutByteSize] = hasLayout ? part(24, "layout") : [0, 0];
  if (typesByteSize % 4 !== 0 || (typesOffset - headerByteSize) % 4 !== 0) {
    throw bad("BTF_ALIGNMENT", "type section is not made of whole 4-byte words", 8);
  }
  return {
    littleEndian,
    byteSize: bytes.length,
    headerByteSize,
    extraBytes: bytes.subarray(headerByteSizeClassic, headerByteSize),
    typesOffset,
    typesByteSize,
    stringsOffset,
    stringsByteSize,
    layoutOffset,
    layoutByteSize,
  };
}

/** Location of a byte of the blob, for messages. */
export function locate(
  file: string | undefined,
  offset: number,
): { file?: string; section: string; offset: number } {
  return file === undefined ? { section: btfSectionName, offset } : { file, section: btfSectionName, offset };
}
