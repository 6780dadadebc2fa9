import type { KallsymsCandidate } from "./candidate.ts";
import { candidatesAt } from "./candidate.ts";
import { locateTokens } from "./locate.ts";
import type { PhysicalReader } from "./read.ts";

/**
 * The tokens for "0" to "9" as they stand in every kernel's token table: a byte that stands for
 * itself keeps its own number there, and digits are never replaced. Some twenty places of a machine's
 * memory have these bytes.
 */
const digits = Buffer.from("0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00", "latin1");

/** Memory with more was made to look so; a token table costs a search through megabytes. */
const maximumHits = 20_000;
const maximumTokenTables = 32;

/**
 * Finds the symbol tables of kernels in physical memory that someone walks through: hand
 * {@link KallsymsSearch.visit} every piece, with {@link KallsymsSearch.overlapByteSize} bytes of
 * overlap. A find is checked at once and read through `memory`, so tables may lie in several pieces.
 */
export class KallsymsSearch {
  /** Bytes of a piece that must come again with the next one. */
  static readonly overlapByteSize: number = digits.length - 1;
  /** In the order found: more than one where two kernels are in memory, or two readings of one fit. */
  readonly candidates: KallsymsCandidate[] = [];
  /** Places that looked like a token table, whether they were one or not. */
  hits = 0;
  /** Token tables among these; every kernel in memory has one. */
  tokenTables = 0;
  readonly #memory: PhysicalReader;
  readonly #littleEndian: boolean;
  readonly #accept: (candidate: KallsymsCandidate) => boolean;

  /** @param accept says whether a candidate ends the search; by default none does */
  constructor(
    memory: PhysicalReader,
    littleEndian = true,
    accept: (candidate: KallsymsCandidate) => boolean = () => false,
  ) {
    this.#memory = memory;
    this.#littleEndian = littleEndian;
    this.#accept = accept;
  }

  /**
   * Look at a piece.
   * @param address physical address of its first byte
   * @param ownByteSize bytes that do not come again: finds that start behind them are left for later
   * @returns true when a candidate was accepted, or there are far too many finds
   */
  visit(bytes: Uint8Array, address: number, ownByteSize: number = bytes.length): boolean {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = piece.indexOf(digits); at >= 0 && at < ownByteSize; at = piece.indexOf(digits, at + 1)) {
      if (++this.hits > maximumHits) return true;
      for (const tokens of locateTokens(this.#memory, address + at, this.#littleEndian)) {
        if (++this.tokenTables > maximumTokenTables) return true;
        for (const candidate of candidatesAt(this.#memory, tokens, this.#littleEndian)) {
          this.candidates.push(candidate);
          if (this.#accept(candidate)) return true;
        }
      }
    }
    return false;
  }
}
