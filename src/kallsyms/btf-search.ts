import { viewOf } from "./read.ts";

/** Something in physical memory that has the header of BTF. */
export interface BtfCandidate {
  /** Physical address of the header. */
  address: number;
  /** Of header, types, strings and whatever the header places behind, as it says. */
  byteSize: number;
  headerByteSize: number;
  typesByteSize: number;
  stringsByteSize: number;
}

/**
 * Finds BTF in physical memory that someone walks through, by the header alone: stale copies have
 * good headers too, so parse a candidate before believing it, and prefer one inside the image.
 */
export class BtfSearch {
  /** Bytes of a piece that must come again with the next one. */
  static readonly overlapByteSize: number = 31;
  readonly candidates: BtfCandidate[] = [];
  readonly #littleEndian: boolean;
  readonly #minimumByteSize: number;
  readonly #magics: readonly Buffer[];

  /**
   * @param minimumByteSize smallest of interest: a kernel's has megabytes, a module's may have one
   * kilobyte, but a module's pages are scattered and its header is all that a scan can find
   */
  constructor(littleEndian = true, minimumByteSize = 0x8_0000) {
    this.#littleEndian = littleEndian;
    this.#minimumByteSize = minimumByteSize;
    // Magic, version 1, no flags, and the header's size: 24, or 32 with a layout section.
    this.#magics = [24, 32].map((headerByteSize) => {
      const magic = Buffer.alloc(8);
      const view = viewOf(magic);
      view.setUint16(0, 0xeb9f, littleEndian);
      view.setUint8(2, 1);
      view.setUint32(4, headerByteSize, littleEndian);
      return magic;
    });
  }

  /** Look at a piece; parameters as those of `KallsymsSearch.visit`. Never ends a scan. */
  visit(bytes: Uint8Array, address: number, ownByteSize: number = bytes.length): boolean {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const magic of this.#magics) {
      for (let at = piece.indexOf(magic); at >= 0 && at < ownByteSize; at = piece.indexOf(magic, at + 1)) {
        const candidate = readHeader(piece, at, address + at, this.#littleEndian);
        if (candidate !== undefined && candidate.byteSize >= this.#minimumByteSize) {
          this.candidates.push(candidate);
        }
      }
    }
    return false;
  }
}

/** More than any kernel's types. */
const maximumBtfByteSize = 256 << 20;

function readHeader(
  piece: Buffer,
  offset: number,
  address: number,
  littleEndian: boolean,
): BtfCandidate | undefined {
  const view = viewOf(piece.subarray(offset));
  if (address % 4 !== 0 || view.byteLength < 32) return undefined;
  const headerByteSize = view.getUint32(4, littleEndian);
  const typesOffset = view.getUint32(8, littleEndian);
  const typesByteSize = view.getUint32(12, littleEndian);
  const stringsOffset = view.getUint32(16, littleEndian);
  const stringsByteSize = view.getUint32(20, littleEndian);
  let end = Math.max(typesOffset + typesByteSize, stringsOffset + stringsByteSize);
  if (headerByteSize === 32) {
    end = Math.max(end, view.getUint32(24, littleEndian) + view.getUint32(28, littleEndian));
  }
  const overlap =
    typesOffset < stringsOffset + stringsByteSize && stringsOffset < typesOffset + typesByteSize;
  if (overlap || typesByteSize === 0 || stringsByteSize === 0 || end > maximumBtfByteSize) return undefined;
  if (typesOffset % 4 !== 0 || typesByteSize % 4 !== 0) return undefined;
  return { address, byteSize: headerByteSize + end, headerByteSize, typesByteSize, stringsByteSize };
}
