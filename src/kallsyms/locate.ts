import { FormatError } from "../io/index.ts";
import { maximumNamesByteSize, maximumSymbolCount } from "./limits.ts";
import type { NameTable } from "./names.ts";
import { parseNameTable, symbolsPerMarker } from "./names.ts";
import { readBackward, readForward } from "./physical-window.ts";
import type { PhysicalReader } from "./read.ts";
import { alignUp, viewOf } from "./read.ts";
import type { TokenTable } from "./tokens.ts";
import { maximumTokenTableByteSize, parseTokenTable, tokenIndexByteSize } from "./tokens.ts";

/** The two token tables in physical memory. */
export interface TokensPlace {
  tokenTable: number;
  tokenIndex: number;
  tokens: TokenTable;
}

/** kallsyms_names in physical memory. */
export interface NamesPlace {
  address: number;
  /** Of kallsyms_num_syms. */
  countOfSymbols: number;
  table: NameTable;
}

const zeroDigit = 0x30;

/**
 * Token tables that have their "0" at `hit`: from there 208 tokens must follow, and behind them, at
 * the next multiple of 4 or 8, the index that says the same.
 */
export function* locateTokens(
  memory: PhysicalReader,
  hit: number,
  littleEndian: boolean,
): IterableIterator<TokensPlace> {
  // Real tables have a kilobyte.
  let bytes = readForward(memory, hit, 0x1000);
  let end = endOfTokens(bytes);
  if (end === 0 || end + tokenIndexByteSize + 8 > bytes.length) {
    bytes = readForward(memory, hit, maximumTokenTableByteSize + tokenIndexByteSize + 8);
    end = endOfTokens(bytes);
    if (end === 0) return;
  }
  for (const alignment of [4, 8]) {
    const indexOffset = alignUp(hit + end, alignment) - hit;
    const index = bytes.subarray(indexOffset, indexOffset + tokenIndexByteSize);
    if (index.length < tokenIndexByteSize) return;
    // With both alignments the same place, the second says nothing new.
    if (alignment === 8 && indexOffset === alignUp(hit + end, 4) - hit) return;
    const view = viewOf(index);
    const before = view.getUint16(2 * zeroDigit, littleEndian);
    const last = view.getUint16(2 * 255, littleEndian);
    if (view.getUint16(0, littleEndian) !== 0 || before > hit || last >= before + end) continue;
    const table = readForward(memory, hit - before, before + end);
    const tokens = unlessFormatError(() => parseTokenTable(table, index, littleEndian));
    if (tokens !== undefined) yield { tokenTable: hit - before, tokenIndex: hit + indexOffset, tokens };
  }
}

/** Bytes of the tokens from "0" to the last; 0 if they do not end. */
function endOfTokens(bytes: Uint8Array): number {
  let end = 0;
  for (let token = zeroDigit; token < 256; token++) {
    end = bytes.indexOf(0, end) + 1;
    if (end === 0) return 0;
  }
  return end;
}

/**
 * Names that belong to a token table: below it lie the markers, perhaps with the order by name
 * between (v6.2, v6.3), and below these the names, with their number in front.
 */
export function* locateNames(
  memory: PhysicalReader,
  place: TokensPlace,
  littleEndian: boolean,
): IterableIterator<NamesPlace> {
  const { tokenTable, tokens } = place;
  const bytes = readBackward(memory, tokenTable, maximumNamesByteSize / 4);
  const start = tokenTable - bytes.length;
  const view = viewOf(bytes);
  let runs = 0;
  let attempts = 0;
  for (const { markers, markerCount, lastMarker } of markerRuns(view, start, littleEndian)) {
    if (++runs > maximumRuns) return;
    // The last 256 names end less than 25 600 bytes behind the last marker, and there the markers start.
    const highest = markers - lastMarker;
    const lowest = Math.max(8, highest - maximumMarkerStep - 8);
    for (let names = highest - ((start + highest) % 4); names >= lowest; names -= 4) {
      for (const distance of [4, 8]) {
        const count = view.getUint32(names - distance, littleEndian);
        if (Math.ceil(count / symbolsPerMarker) !== markerCount || count > maximumSymbolCount) continue;
        if (++attempts > maximumAttempts) return;
        const table = unlessFormatError(() =>
          parseNameTable(bytes.subarray(names), count, tokens, littleEndian),
        );
        if (table === undefined || names + table.markersOffset !== markers) continue;
        yield { address: start + names, countOfSymbols: start + names - distance, table };
        return;
      }
    }
  }
}

/** Bytes that 256 names take: at least a length and a letter each, at most 100 on average. */
const minimumMarkerStep = 512;
const maximumMarkerStep = 25_600;
/** A kernel has 100 and more; fewer could be anything. */
const minimumMarkerCount = 8;
/** Bounds for memory that was made to look like tables; of real tables the first fits. */
const maximumRuns = 200;
const maximumAttempts = 20;
/** How many of the last numbers of a run may belong to what follows the markers. */
const surplusMarkers = 4;

interface MarkerRun {
  /** Offset of the first. */
  markers: number;
  markerCount: number;
  /** Value of the last. */
  lastMarker: number;
}

/** Runs of numbers that can be markers, the nearest to the end first. Hot: looks at every word. */
function* markerRuns(view: DataView, start: number, littleEndian: boolean): IterableIterator<MarkerRun> {
  const first = (4 - (start % 4)) % 4;
  const lastWord = first + 4 * (Math.floor((view.byteLength - first) / 4) - 1);
  for (let offset = lastWord; offset >= first; offset -= 4) {
    if (view.getUint32(offset, littleEndian) !== 0) continue;
    for (const stride of [4, 8]) {
      const low = stride === 8 && !littleEndian ? 4 : 0;
      const values = [0];
      for (let at = offset + stride; at + stride <= view.byteLength; at += stride) {
        const step = view.getUint32(at + low, littleEndian) - values.at(-1)!;
        if (step < minimumMarkerStep || step > maximumMarkerStep) break;
        if (stride === 8 && view.getUint32(at + 4 - low, littleEndian) !== 0) break;
        values.push(view.getUint32(at + low, littleEndian));
      }
      for (let surplus = 0; surplus < surplusMarkers; surplus++) {
        const markerCount = values.length - surplus;
        if (markerCount < minimumMarkerCount) break;
        yield { markers: offset, markerCount, lastMarker: values[markerCount - 1]! };
      }
    }
  }
}

/** What a parser makes of bytes that may be something else; undefined if it refuses them. */
function unlessFormatError<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
