import { LimitError } from "../io/index.ts";

/**
 * Bytes of names that may be taken from a string section. Strings may overlap, so that names of a
 * small file could add up to gigabytes; linkers share tails too, but never that much.
 */
export class NameBudget {
  private bytesLeft: number;

  /** @param byteSize of the string sections the names come from. */
  constructor(byteSize: number) {
    this.bytesLeft = byteSize * 8 + (1 << 26);
  }

  /** @throws {LimitError} when the names add up to too much. */
  spend(byteLength: number): void {
    this.bytesLeft -= byteLength;
    if (this.bytesLeft < 0) {
      throw new LimitError(
        "NAMES_TOO_LONG",
        "overlapping names add up to many times the bytes they stand in",
      );
    }
  }
}
