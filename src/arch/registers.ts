import { UsageError } from "../io/index.ts";

/** Registers of one CPU by name, 64 bits each, unsigned. */
export class RegisterSet {
  readonly names: readonly string[];
  readonly #values: BigUint64Array;

  /** @throws {UsageError} unless there is one value per name. */
  constructor(names: readonly string[], values: BigUint64Array) {
    if (names.length !== values.length)
      throw new UsageError(`${values.length} values for ${names.length} registers`);
    this.names = names;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** @throws {UsageError} for a name that is none of {@link names}. */
  get(name: string): bigint {
    const value = this.#values[this.names.indexOf(name)];
    if (value === undefined) throw new UsageError(`no register ${name}`);
    return value;
  }

  /** Names and values in the order in which the dump has them. */
  entries(): [name: string, value: bigint][] {
    return this.names.map((name, index) => [name, this.#values[index]!]);
  }
}

/** An ELF note as dumps have them. */
export interface Note {
  name: string;
  type: number;
  description: Uint8Array;
}

/** `count` little- or big-endian u64 from a byte offset. */
export function wordsAt(
  bytes: Uint8Array,
  offset: number,
  count: number,
  littleEndian: boolean,
): BigUint64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return BigUint64Array.from({ length: count }, (_, index) =>
    view.getBigUint64(offset + index * 8, littleEndian),
  );
}
