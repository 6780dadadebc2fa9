import { FormatError } from "../io/index.ts";
import { maximumNameLength } from "./limits.ts";
import { viewOf } from "./read.ts";

/** Bytes of kallsyms_token_index: 256 u16. */
export const tokenIndexByteSize = 512;

/** Offsets in the token table are u16, so it is never larger. */
export const maximumTokenTableByteSize: number = 0x1_0000 + maximumNameLength;

/** Factor of the polynomial hash of names; odd, so that multiplication mod 2^32 loses nothing. */
const hashFactor = 0x0100_0193;

/**
 * The 256 strings that names are made of (kallsyms_token_table and kallsyms_token_index), with what
 * is needed to hash a name token by token: `hash(ab) = hash(a) * factor^length(b) + hash(b)`.
 */
export interface TokenTable {
  readonly texts: readonly string[];
  /** Characters of each token. */
  readonly lengths: Uint16Array;
  readonly longest: number;
  /** Hash of each token. */
  readonly hashes: Int32Array;
  /** Hash of each token without its first character, for the one a name starts with (its letter). */
  readonly tailHashes: Int32Array;
  /** factor^length of each token. */
  readonly powers: Int32Array;
}

/**
 * Decode the two token tables.
 * @param table bytes from kallsyms_token_table on, at least to the end of the last token
 * @param index the 512 bytes of kallsyms_token_index
 * @throws {FormatError} `KALLSYMS_TOKENS` when they do not fit each other.
 */
export function parseTokenTable(table: Uint8Array, index: Uint8Array, littleEndian: boolean): TokenTable {
  const indexView = viewOf(index);
  const text = Buffer.from(table.buffer, table.byteOffset, table.byteLength);
  const texts: string[] = [];
  const lengths = new Uint16Array(256);
  const hashes = new Int32Array(256);
  const tailHashes = new Int32Array(256);
  const powers = new Int32Array(256);
  let longest = 0;
  let expected = 0;
  for (let token = 0; token < 256; token++) {
    const start = indexView.getUint16(2 * token, littleEndian);
    if (start !== expected) throw badTokens(`token ${token} starts at ${start}, not ${expected}`);
    const end = text.indexOf(0, start);
    if (end < 0 || end - start > maximumNameLength) throw badTokens(`token ${token} has no end`);
    expected = end + 1;
    const length = end - start;
    texts.push(text.toString("latin1", start, end));
    lengths[token] = length;
    longest = Math.max(longest, length);
    hashes[token] = hashBytes(text, start, end);
    tailHashes[token] = hashBytes(text, start + 1, end);
    let power = 1;
    for (let i = 0; i < length; i++) power = Math.imul(power, hashFactor);
    powers[token] = power;
  }
  return { texts, lengths, longest, hashes, tailHashes, powers };
}

/** The hash of `bytes[start, end)`; of nothing it is 0. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, hashFactor) + bytes[i]!) | 0;
  return hash;
}

/** {@link hashBytes} of a text with one byte per character. */
export function hashText(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, hashFactor) + text.charCodeAt(i)) | 0;
  return hash;
}

function badTokens(problem: string): FormatError {
  return new FormatError("KALLSYMS_TOKENS", problem, { section: "kallsyms_token_table" });
}
