import { FaultError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { findTask, processMemory } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";

const maximumWords = 1 << 20;

/** A word of memory as JSON has it. */
export interface WordRow {
  address: string;
  /** null where the memory has no answer. */
  value: string | null;
  /** The symbol that the value is the address of or lies in; null for none. */
  symbol: string | null;
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

/** The address space of a process by PID. @throws {UsageError} where it has none */
export function memoryOfProcess(kernel: Kernel, pid: number): NonNullable<ReturnType<typeof processMemory>> {
  const task = findTask(kernel.program, pid);
  if (task === undefined) throw new UsageError(`no process ${pid}`);
  const memory = processMemory(kernel, task);
  if (memory === undefined)
    throw new UsageError(
      `PID ${pid} has no memory of its own: a thread of the kernel, or one that has ended`,
    );
  return memory;
}

/** Sixteen bytes a line with their characters; with `symbolic` symbols for the values that are of one. */
export function* wordLines(rows: readonly WordRow[], symbolic = false): Generator<string> {
  const digits = (rows.find(({ value }) => value !== null)?.value?.length ?? 18) - 2;
  const perLine = symbolic ? 2 : Math.max(1, 32 / digits);
  for (let at = 0; at < rows.length; at += perLine) {
    const line = rows.slice(at, at + perLine);
    const cells = line.map(({ value, symbol }) => {
      if (value === null) return "-".repeat(digits);
      return symbolic && symbol !== null ? symbol.padEnd(digits) : value.slice(2);
    });
    const text = symbolic ? "" : line.map(({ value }) => characters(value, digits / 2)).join("");
    yield `${line[0]!.address.slice(2).padStart(16, "0")}:  ${cells.join(" ").padEnd(perLine * (digits + 1) - 1)}  ${text}`.trimEnd();
  }
}

/** Bytes as they lie in the memory of a little-endian machine. */
function characters(value: string | null, byteSize: number): string {
  if (value === null) return ".".repeat(byteSize);
  return [...Buffer.from(value.slice(2), "hex").reverse()]
    .map((byte) => (byte < 0x20 || byte > 0x7e ? "." : String.fromCharCode(byte)))
    .join("");
}
