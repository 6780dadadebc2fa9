import { maximumNameLength } from "./limits.ts";
import { isPadding, type NameTable, symbolsPerMarker } from "./names.ts";
import { viewOf } from "./read.ts";
import type { TokenTable } from "./tokens.ts";

/** Bytes that 256 names take: at least a length and a letter each, at most 100 on average. */
const minimumMarkerStep = 512;
const maximumMarkerStep = 25_600;
/** So few could be anything. */
const minimumMarkerCount = 8;
/** Of the blocks of 256 names, and of the markers, that may be damaged: one in so many. */
const damagedShare = 10;
const markerByteSize = 4;

/**
 * kallsyms_names with some bytes changed: a wrong length spoils all names up to the next marker, and no more. Those
 * names are lost, as nothing tells which of them are right; {@link NameTable.lost} counts them.
 * @param bytes from kallsyms_names to kallsyms_token_table: the markers lie between
 * @returns undefined where the markers are not found, or too much is damaged
 */
export function parseDamagedNames(
  bytes: Uint8Array,
  count: number,
  tokens: TokenTable,
  littleEndian: boolean,
): NameTable | undefined {
  const markerCount = Math.ceil(count / symbolsPerMarker);
  if (markerCount < minimumMarkerCount) return undefined;
  const view = viewOf(bytes);
  for (const markersOffset of markerPlaces(view, markerCount, littleEndian)) {
    const markers = Array.from({ length: markerCount }, (_, index) =>
      view.getUint32(markersOffset + index * markerByteSize, littleEndian),
    );
    for (const longLengths of [true, false]) {
      const blocks = new Blocks(bytes.subarray(0, markersOffset), count, tokens, longLengths);
      const byteSize = blocks.read(markers);
      if (byteSize === undefined) continue;
      const { tokenStarts, tokenCounts, lost } = blocks;
      const found = { count, bytes, tokenStarts, tokenCounts, tokens, byteSize, lost };
      return { ...found, longLengths, markersOffset, markerByteSize };
    }
  }
  return undefined;
}

/** Where numbers begin that are nearly all as far apart as markers are. */
function* markerPlaces(view: DataView, markerCount: number, littleEndian: boolean): Generator<number> {
  const end = view.byteLength - markerCount * markerByteSize;
  for (let offset = minimumMarkerStep * (markerCount - 1); offset <= end; offset += markerByteSize) {
    if (view.getUint32(offset, littleEndian) !== 0) continue;
    let steps = 0;
    let previous = 0;
    for (let index = 1; index < markerCount; index++) {
      const marker = view.getUint32(offset + index * markerByteSize, littleEndian);
      const step = marker - previous;
      if (step >= minimumMarkerStep && step <= maximumMarkerStep) steps++;
      else if (index - steps > markerCount / damagedShare + 2) break;
      previous = marker;
    }
    // A wrong marker spoils two steps.
    if (steps >= markerCount - 1 - (2 * markerCount) / damagedShare) yield offset;
  }
}

/** The names, block by block of 256. */
class Blocks {
  readonly tokenStarts: Uint32Array;
  readonly tokenCounts: Uint16Array;
  /** Names that could not be told. */
  lost = 0;
  readonly #bytes: Uint8Array;
  readonly #tokens: TokenTable;
  readonly #longLengths: boolean;

  constructor(bytes: Uint8Array, count: number, tokens: TokenTable, longLengths: boolean) {
    this.tokenStarts = new Uint32Array(count);
    this.tokenCounts = new Uint16Array(count);
    this.#bytes = bytes;
    this.#tokens = tokens;
    this.#longLengths = longLengths;
  }

  /** The size of all records; undefined where too many blocks do not fit their markers. */
  read(markers: readonly number[]): number | undefined {
    let offset = 0;
    let lostBlocks = 0;
    for (let block = 0; block < markers.length; block++) {
      const end = this.#walk(block, offset);
      const next = markers[block + 1];
      // The markers begin at a multiple of 4 or 8.
      const fits = next === undefined ? this.#isEnd(end) : end === next;
      if (fits) {
        offset = end!;
        continue;
      }
      // Only the last block proves how many symbols there are.
      if (next === undefined) return undefined;
      // Is it the marker that is wrong? Then the block behind it fits the next marker.
      if (end !== undefined) {
        const after = markers[block + 2];
        const second = this.#walk(block + 1, end);
        if (second !== undefined && (after === undefined ? this.#isEnd(second) : second === after)) {
          offset = end;
          continue;
        }
      }
      this.#lose(block);
      if (++lostBlocks > Math.max(1, markers.length / damagedShare)) return undefined;
      offset = next;
    }
    return offset;
  }

  /** Whether the records end where the markers begin. */
  #isEnd(end: number | undefined): boolean {
    return end !== undefined && isPadding(this.#bytes, end, this.#bytes.length);
  }

  /** Fill the columns of a block from `offset`; where it ends, or undefined where it holds no names. */
  #walk(block: number, offset: number): number | undefined {
    const bytes = this.#bytes;
    const last = Math.min((block + 1) * symbolsPerMarker, this.tokenStarts.length);
    for (let index = block * symbolsPerMarker; index < last; index++) {
      let length = bytes[offset++] ?? 0;
      if (this.#longLengths && length >= 0x80) length = (length & 0x7f) | ((bytes[offset++] ?? 0) << 7);
      if (length === 0 || offset + length > bytes.length) return undefined;
      let characters = 0;
      for (let at = offset; at < offset + length; at++) characters += this.#tokens.lengths[bytes[at]!]!;
      if (characters > maximumNameLength) return undefined;
      this.tokenStarts[index] = offset;
      this.tokenCounts[index] = length;
      offset += length;
    }
    return offset;
  }

  #lose(block: number): void {
    const first = block * symbolsPerMarker;
    const last = Math.min(first + symbolsPerMarker, this.tokenStarts.length);
    this.tokenStarts.fill(0, first, last);
    this.tokenCounts.fill(0, first, last);
    this.lost += last - first;
  }
}
