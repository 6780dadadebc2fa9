import { FormatError, LimitError } from "../io/index.ts";
import { maximumNameLength, maximumSymbolCount } from "./limits.ts";
import { alignUp, viewOf } from "./read.ts";
import type { TokenTable } from "./tokens.ts";

/** Symbols per entry of kallsyms_markers. */
export const symbolsPerMarker = 256;

/**
 * kallsyms_names: one record per symbol, a length and that many token numbers. The first character
 * is the letter nm prints, the rest is the name.
 *
 * ```
 * u8 length                 (before v6.1, and since then while bit 7 is clear)
 * u8 low | 0x80, u8 high    length = low + (high << 7), since v6.1 (73bbb94466fd)
 * u8 tokens[length]
 * ```
 */
export interface NameTable {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Offset of each record's first token in `bytes`; `count` entries. */
  readonly tokenStarts: Uint32Array;
  /** Number of tokens of each record. */
  readonly tokenCounts: Uint16Array;
  readonly tokens: TokenTable;
  /** Bytes of the records, without what follows them. */
  readonly byteSize: number;
  /** Whether lengths of two bytes are understood. */
  readonly longLengths: boolean;
  /** Offset of kallsyms_markers in `bytes`. */
  readonly markersOffset: number;
  /** Bytes of one marker: 4, or 8 before v4.20. */
  readonly markerByteSize: 4 | 8;
  /** Names that damage made unreadable, of 0 tokens in the columns; 0 but in memory that was changed. */
  readonly lost: number;
}

/**
 * Decode kallsyms_names. The markers behind the records, one offset for every 256th, decide how
 * lengths are written and prove that the records were walked right.
 * @param bytes from kallsyms_names to kallsyms_token_table: the markers lie between
 * @throws {FormatError} `KALLSYMS_NAMES` when records and markers do not fit each other.
 * @throws {LimitError} for more symbols than a kernel can have.
 */
export function parseNameTable(
  bytes: Uint8Array,
  count: number,
  tokens: TokenTable,
  littleEndian: boolean,
): NameTable {
  if (count > maximumSymbolCount) {
    throw new LimitError(
      "KALLSYMS_COUNT",
      `${count} symbols, at most ${maximumSymbolCount} are believed`,
      names,
    );
  }
  // A record has at least a length and the token with its letter.
  if (count < 1 || 2 * count > bytes.length) {
    throw badNames(`${count} symbols in ${bytes.length} bytes`, 0);
  }
  const tokenStarts = new Uint32Array(count);
  const tokenCounts = new Uint16Array(count);
  // Names of fewer tokens cannot be too long, which are nearly all.
  const harmless = Math.floor(maximumNameLength / Math.max(tokens.longest, 1));
  for (const longLengths of [true, false]) {
    const suspects: number[] = [];
    const byteSize = walkRecords(bytes, tokenStarts, tokenCounts, longLengths, harmless, suspects);
    if (byteSize === undefined) continue;
    const markers = findMarkers(bytes, tokenStarts, tokenCounts, longLengths, byteSize, littleEndian);
    if (markers === undefined) continue;
    for (const index of suspects) checkNameLength(bytes, tokenStarts[index]!, tokenCounts[index]!, tokens);
    return { count, bytes, tokenStarts, tokenCounts, tokens, byteSize, longLengths, ...markers, lost: 0 };
  }
  throw badNames("the records do not fit the markers behind them", 0);
}

/** Letter and name of a symbol, as one text; both `?` where they are lost. */
export function decodeName(table: NameTable, index: number): string {
  const { bytes, tokens } = table;
  const start = table.tokenStarts[index]!;
  if (table.tokenCounts[index] === 0) return lostName;
  const end = start + table.tokenCounts[index]!;
  let text = "";
  for (let i = start; i < end; i++) text += tokens.texts[bytes[i]!]!;
  return text;
}

/** Letter of a symbol: the first character of its first token that has one; `?` where it is lost. */
export function decodeLetter(table: NameTable, index: number): string {
  const { bytes, tokens } = table;
  if (table.tokenCounts[index] === 0) return lostName.charAt(0);
  const start = table.tokenStarts[index]!;
  const end = start + table.tokenCounts[index]!;
  for (let i = start; i < end; i++) {
    if (tokens.lengths[bytes[i]!] !== 0) return tokens.texts[bytes[i]!]!.charAt(0);
  }
  return "";
}

/** Hash of every name, without its letter (`hashText(name)`). Hot. */
export function hashNames(table: NameTable): Int32Array {
  const { bytes, tokenStarts, tokenCounts } = table;
  const { hashes, tailHashes, powers, lengths } = table.tokens;
  const result = new Int32Array(table.count);
  for (let index = 0; index < result.length; index++) {
    let i = tokenStarts[index]!;
    const end = i + tokenCounts[index]!;
    // Empty tokens hold no character; real tables have some, but no name uses them.
    while (i < end && lengths[bytes[i]!] === 0) i++;
    let hash = i < end ? tailHashes[bytes[i]!]! : 0;
    for (i++; i < end; i++) hash = (Math.imul(hash, powers[bytes[i]!]!) + hashes[bytes[i]!]!) | 0;
    result[index] = hash;
  }
  return result;
}

const names = { section: "kallsyms_names" };
const lostName = "??";

/**
 * Fill the columns, and `suspects` with records of more than `harmless` tokens; the size of all records,
 * or undefined if they run out of the bytes. Hot.
 */
function walkRecords(
  bytes: Uint8Array,
  tokenStarts: Uint32Array,
  tokenCounts: Uint16Array,
  longLengths: boolean,
  harmless: number,
  suspects: number[],
): number | undefined {
  const size = bytes.length;
  let offset = 0;
  for (let index = 0; index < tokenStarts.length; index++) {
    if (offset >= size) return undefined;
    let length = bytes[offset++]!;
    if (longLengths && length >= 0x80) {
      if (offset >= size) return undefined;
      length = (length & 0x7f) | (bytes[offset++]! << 7);
    }
    if (length === 0) return undefined;
    if (length > harmless) suspects.push(index);
    tokenStarts[index] = offset;
    tokenCounts[index] = length;
    offset += length;
  }
  return offset <= size ? offset : undefined;
}

/** Where the markers are, if at all they are the starts of records 0, 256, 512, … */
function findMarkers(
  bytes: Uint8Array,
  tokenStarts: Uint32Array,
  tokenCounts: Uint16Array,
  longLengths: boolean,
  byteSize: number,
  littleEndian: boolean,
): { markersOffset: number; markerByteSize: 4 | 8 } | undefined {
  const view = viewOf(bytes);
  const markerCount = Math.ceil(tokenStarts.length / symbolsPerMarker);
  // kallsyms_names itself is aligned like the markers; bytes[0] is its first.
  for (const alignment of [4, 8] as const) {
    const markersOffset = alignUp(byteSize, alignment);
    if (!isPadding(bytes, byteSize, markersOffset)) continue;
    for (const markerByteSize of [4, 8] as const) {
      if (markersOffset + markerCount * markerByteSize > bytes.length) continue;
      let k = 0;
      for (; k < markerCount; k++) {
        const at = markersOffset + k * markerByteSize;
        const low = view.getUint32(littleEndian || markerByteSize === 4 ? at : at + 4, littleEndian);
        const high = markerByteSize === 4 ? 0 : view.getUint32(littleEndian ? at + 4 : at, littleEndian);
        const record = k * symbolsPerMarker;
        const lengthBytes = longLengths && tokenCounts[record]! >= 0x80 ? 2 : 1;
        if (high !== 0 || low !== tokenStarts[record]! - lengthBytes) break;
      }
      if (k === markerCount) return { markersOffset, markerByteSize };
    }
  }
  return undefined;
}

/**
 * Whether nothing lies between the records and the markers but the zeros that align these: with a symbol fewer than
 * there are, its record does.
 */
export function isPadding(bytes: Uint8Array, from: number, to: number): boolean {
  return from <= to && to - from < 8 && bytes.subarray(from, to).every((byte) => byte === 0);
}

function checkNameLength(bytes: Uint8Array, start: number, count: number, tokens: TokenTable): void {
  let length = 0;
  for (let i = start; i < start + count; i++) length += tokens.lengths[bytes[i]!]!;
  if (length > maximumNameLength) {
    throw badNames(`a name of ${length} characters, at most ${maximumNameLength} are believed`, start);
  }
}

function badNames(problem: string, offset: number): FormatError {
  return new FormatError("KALLSYMS_NAMES", problem, { ...names, offset });
}
