import { LimitError, UsageError } from "../io/index.ts";
import { nativeLittleEndian, swapWords } from "./byte-order.ts";
import {
  BTF_KIND_MAX,
  BTF_MAGIC,
  BTF_VERSION,
  headerByteSizeClassic,
  headerByteSizeLayout,
} from "./constants.ts";
import { btfSectionName } from "./header.ts";
import { elementWords, fixedWords } from "./records.ts";

export interface BtfParts {
  /** Type section in this machine's byte order. */
  words: Uint32Array;
  /** Words of it that are used; all by default. */
  wordCount?: number;
  /** String section as it is to be written. */
  strings: Uint8Array;
  /** Byte order to write. */
  littleEndian: boolean;
  /** 24 (every kernel; the default) or 32 (v7.2, libbpf 1.8; older kernels take it without a layout). */
  headerByteSize?: 24 | 32;
  /** Write the layout section, by which readers skip kinds they do not know; needs the 32-byte header. Never in split BTF. */
  layout?: boolean;
}

/**
 * Write a BTF blob: header, types, layout if asked for, strings, without gaps (libbpf's order).
 * @throws {LimitError} when a part's offset does not fit 32 bits.
 */
export function encodeBtf(parts: BtfParts): Uint8Array {
  const { words, strings, littleEndian } = parts;
  const withLayout = parts.layout === true;
  const headerByteSize = parts.headerByteSize ?? (withLayout ? headerByteSizeLayout : headerByteSizeClassic);
  if (withLayout && headerByteSize < headerByteSizeLayout) {
    throw new UsageError("a BTF layout section needs the 32-byte header");
  }
  const typesByteSize = (parts.wordCount ?? words.length) * 4;
  const layoutByteSize = withLayout ? (BTF_KIND_MAX + 1) * 4 : 0;
  const stringsOffset = typesByteSize + layoutByteSize;
  const byteSize = headerByteSize + stringsOffset + strings.length;
  if (byteSize > 0xffff_ffff) {
    throw new LimitError("BTF_LIMIT", `BTF of ${byteSize} bytes`, { section: btfSectionName });
  }
  const bytes = new Uint8Array(byteSize);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, BTF_MAGIC, littleEndian);
  view.setUint8(2, BTF_VERSION);
  view.setUint32(4, headerByteSize, littleEndian);
  view.setUint32(12, typesByteSize, littleEndian);
  view.setUint32(16, stringsOffset, littleEndian);
  view.setUint32(20, strings.length, littleEndian);
  if (withLayout) {
    view.setUint32(24, typesByteSize, littleEndian);
    view.setUint32(28, layoutByteSize, littleEndian);
    writeLayout(bytes, headerByteSize + typesByteSize);
  }
  // Both header sizes are multiples of 4, so the type section can be filled as words.
  const target = new Uint32Array(bytes.buffer, headerByteSize, typesByteSize / 4);
  target.set(words.subarray(0, target.length));
  if (littleEndian !== nativeLittleEndian) swapWords(target);
  bytes.set(strings, headerByteSize + stringsOffset);
  return bytes;
}

/** `u8 fixed bytes, u8 bytes of an element, u16 flags = 0` for every kind from 0. */
function writeLayout(bytes: Uint8Array, offset: number): void {
  for (let kind = 0; kind <= BTF_KIND_MAX; kind++) {
    bytes[offset + kind * 4] = fixedWords[kind]! * 4;
    bytes[offset + kind * 4 + 1] = elementWords[kind]! * 4;
  }
}
