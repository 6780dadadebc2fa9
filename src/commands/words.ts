import { FaultError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Gaps } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { memoryOfProcess } from "./process-memory.ts";
import { resolveAddress } from "./read.ts";
import { identifyAddresses } from "./whatis.ts";

const maximumWords = 1 << 20;

/** A word of memory as JSON has it. */
export interface WordRow {
  address: string;
  /** null where the memory has no answer. */
  value: string | null;
  /** The symbol that the value is the address of or lies in; null for none. */
  symbol: string | null;
  /** The slab cache that the value points into; only where asked for. */
  cache?: string | null;
  /** Why there is no value; null where there is one. */
  error: string | null;
}

export interface WordQuery {
  address: string;
  count?: number | undefined;
  /** 8, 16, 32 or 64. */
  bits: number;
  physical?: boolean;
  /** Of the process of this PID, by its page tables. */
  pid?: number | undefined;
  /** First address behind what is read, instead of a count. */
  end?: string | undefined;
}

/** Words of memory, as crash's `rd` reads them. @throws {UsageError} {@link FaultError} */
export function readWords(kernel: Kernel, query: WordQuery): WordRow[] {
  const { bits } = query;
  if (![8, 16, 32, 64].includes(bits)) throw new UsageError(`rd: words of 8, 16, 32 or 64 bits, not ${bits}`);
  if (query.physical === true && query.pid !== undefined)
    throw new UsageError("rd: physical, or of a process");
  const byteSize = bits / 8;
  const start = resolveAddress(kernel, query.address);
  const end = query.end === undefined ? undefined : resolveAddress(kernel, query.end);
  const span =
    end === undefined ? BigInt(query.count ?? 1) : (end - start + BigInt(byteSize) - 1n) / BigInt(byteSize);
  if (span < 1n || span > BigInt(maximumWords)) throw new UsageError(`rd: from 1 to ${maximumWords} words`);
  const read = readerOf(kernel, query);
  const { littleEndian } = kernel.foundation.memory;
  return Array.from({ length: Number(span) }, (_, index): WordRow => {
    const address = BigInt.asUintN(64, start + BigInt(index * byteSize));
    try {
      const bytes = read(address, byteSize);
      const ordered = littleEndian ? Buffer.from(bytes).reverse() : Buffer.from(bytes);
      const value = BigInt(`0x${ordered.toString("hex")}`);
      const symbol = bits === 64 ? kernel.program.symbolizer.symbolAt(value) : undefined;
      return {
        address: hex(address),
        value: `0x${ordered.toString("hex")}`,
        symbol:
          symbol === undefined
            ? null
            : symbol.offset === 0n
              ? symbol.name
              : `${symbol.name}+${symbol.offset}`,
        error: null,
      };
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      return { address: hex(address), value: null, symbol: null, error: error.message };
    }
  });
}

function readerOf(
  kernel: Kernel,
  { physical, pid }: WordQuery,
): (address: bigint, byteSize: number) => Uint8Array {
  if (physical === true) {
    return (address, byteSize) => {
      const bytes = new Uint8Array(byteSize);
      if (address >= 1n << 52n) throw new UsageError(`${hex(address)} is no physical address`);
      kernel.dump.readInto(bytes, Number(address));
      return bytes;
    };
  }
  const memory = pid === undefined ? kernel.foundation.memory : memoryOfProcess(kernel, pid);
  return (address, byteSize) => memory.read(address, byteSize);
}

/** Says of every word what slab cache the value points into, as crash's `rd -S` does. */
export function withCaches(kernel: Kernel, gaps: Gaps, rows: readonly WordRow[]): WordRow[] {
  const known = new Map<string, string | null>();
  return rows.map((row) => {
    const { value, symbol } = row;
    // Small numbers, and what lies in a symbol, are in no slab.
    if (value === null || symbol !== null || BigInt(value) < 1n << 63n) return { ...row, cache: null };
    let cache = known.get(value);
    if (cache === undefined) {
      const { candidates } = identifyAddresses(kernel, gaps, [value]).rows[0]!;
      const found = candidates.find(({ kind }) => kind === "slab object");
      known.set(value, (cache = found?.cache ?? null));
    }
    return { ...row, cache };
  });
}

/** How words are shown. */
export interface WordTextOptions {
  /** Symbols, and names of slab caches in brackets, for the values that are of one. */
  symbols?: boolean;
  /** `d` signed and `D` unsigned decimal; hexadecimal without. */
  decimal?: "d" | "D" | undefined;
  /** Without the characters. */
  bare?: boolean;
}

/** Sixteen bytes a line with their characters. */
export function* wordLines(rows: readonly WordRow[], options: WordTextOptions = {}): Generator<string> {
  const { symbols = false, decimal, bare = false } = options;
  const digits = (rows.find(({ value }) => value !== null)?.value?.length ?? 18) - 2;
  const bits = digits * 4;
  // The longest number of so many bits, with a sign.
  const width = decimal === undefined ? digits : String(1n << BigInt(bits)).length + 1;
  const perLine = symbols ? 2 : Math.max(1, 32 / digits / (decimal !== undefined && bits < 64 ? 2 : 1));
  const number = (value: string): string => {
    if (decimal === undefined) return value.slice(2);
    return String(decimal === "d" ? BigInt.asIntN(bits, BigInt(value)) : BigInt(value)).padStart(width);
  };
  for (let at = 0; at < rows.length; at += perLine) {
    const line = rows.slice(at, at + perLine);
    const cells = line.map(({ value, symbol, cache }) => {
      if (value === null) return "-".repeat(digits).padStart(width);
      const name = symbols ? (symbol ?? (cache ? `[${cache}]` : undefined)) : undefined;
      return name === undefined ? number(value) : name.padEnd(width);
    });
    const text = symbols || bare ? "" : line.map(({ value }) => characters(value, digits / 2)).join("");
    yield `${line[0]!.address.slice(2).padStart(16, "0")}:  ${cells.join(" ").padEnd(perLine * (width + 1) - 1)}  ${text}`.trimEnd();
  }
}

/** Characters of a line of text. */
const textLineLength = 60;

/** Bytes as text, as crash's `rd -a` shows them. */
export function* textLines(rows: readonly WordRow[]): Generator<string> {
  for (let at = 0; at < rows.length; at += textLineLength) {
    const line = rows.slice(at, at + textLineLength);
    yield `${line[0]!.address.slice(2).padStart(16, "0")}:  ${line.map(({ value }) => characters(value, 1)).join("")}`;
  }
}

/** The words up to the first that is no printable character: a text, where it has no count. */
export function untilUnprintable(rows: readonly WordRow[]): WordRow[] {
  const end = rows.findIndex(({ value }) => value === null || !/^0x(?:[2-6].|7[0-9a-e])$/.test(value));
  return rows.slice(0, end < 0 ? undefined : end);
}

/** Bytes as they lie in the memory of a little-endian machine. */
function characters(value: string | null, byteSize: number): string {
  if (value === null) return ".".repeat(byteSize);
  return [...Buffer.from(value.slice(2), "hex").reverse()]
    .map((byte) => (byte < 0x20 || byte > 0x7e ? "." : String.fromCharCode(byte)))
    .join("");
}
