import { inRun, type LinearRun } from "../arch/index.ts";
import { FaultError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { PhysicalRange } from "../dump/index.ts";
import { directMap, directMapAddress, findTask, type Gaps } from "../linux/index.ts";
import { type AddressSpace, scanPhysical } from "../memory/index.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";
import { memoryOfProcess } from "./process-memory.ts";

/** Places that are shown unless told otherwise. */
export const defaultHitCount = 10_000;

/** Bytes of mapped memory that a search of virtual addresses looks at before it gives up. */
const maximumVirtualByteSize = 2 ** 40;

/** A place where something stands, as JSON has it. */
export interface HitRow {
  /** Kernel address; null for memory that no address of the image or the direct map is known for. */
  address: string | null;
  /** null for a search by virtual addresses. */
  physical: string | null;
  /** The word that stands there, or the text. */
  value: string;
  symbol: string | null;
}

export interface SearchQuery {
  /** Numbers, symbols, expressions; or texts. */
  values: readonly string[];
  text: boolean;
  /** Bytes of a word. */
  byteSize: 8 | 4 | 2;
  /** Bits that may be anything. */
  mask?: string | undefined;
  /** Virtual addresses to search between; all physical memory without both. */
  start?: string | undefined;
  end?: string | undefined;
  /** Bytes from the start, instead of an end. */
  length?: number | undefined;
  /** Start and end are physical addresses. */
  physical?: boolean;
  /** Memory of the process of this PID: all of it without a start. */
  pid?: number | undefined;
  count?: number | undefined;
  /** As `Date.now()` counts. */
  deadline?: number | undefined;
}

/** Finds a match in bytes from `from` on; -1 for none. */
interface Needle {
  text: string | undefined;
  byteSize: number;
  next(bytes: Buffer, from: number): number;
}

/**
 * Words or texts in the kernel's memory, as crash's `search` finds them: in all of physical memory once, or
 * between two virtual addresses.
 * @throws {UsageError}
 */
export function searchMemory(kernel: Kernel, gaps: Gaps, query: SearchQuery): HitRow[] {
  if (query.values.length === 0) throw new UsageError("search: for what?");
  const needles = query.values.map((value) =>
    query.text ? textNeedle(value) : wordNeedle(kernel, value, query),
  );
  const limit = query.count ?? defaultHitCount;
  if (!(Number.isSafeInteger(limit) && limit > 0))
    throw new UsageError(`'${query.count}' is no count of places`);
  const rows: HitRow[] = [];
  const isFull = (): boolean => rows.length >= limit;
  if (query.physical === true && query.pid !== undefined) throw new UsageError("search: -p or -u");
  const isBounded = query.start !== undefined || query.end !== undefined || query.length !== undefined;
  if (query.physical === true || (query.pid === undefined && !isBounded))
    searchPhysical(kernel, gaps, query, needles, rows, isFull);
  else searchVirtual(kernel, gaps, query, needles, rows, isFull);
  if (isFull()) gaps.limit(`search: stopped after ${limit} places`);
  return rows;
}

/** First address, and the first behind the last; undefined where a query does not say. @throws {UsageError} */
function boundsOf(kernel: Kernel, { start, end, length }: SearchQuery): { start?: bigint; end?: bigint } {
  if (end !== undefined && length !== undefined) throw new UsageError("search: -e or -l");
  if (start === undefined && length !== undefined) throw new UsageError("search: -l goes with -s");
  const first = start === undefined ? undefined : resolveAddress(kernel, start);
  const last =
    length !== undefined
      ? first! + BigInt(length)
      : end === undefined
        ? undefined
        : resolveAddress(kernel, end);
  if (last !== undefined && last <= (first ?? 0n))
    throw new UsageError("search: the end lies before the start");
  return { ...(first !== undefined && { start: first }), ...(last !== undefined && { end: last }) };
}

/** A dump's memory between two physical addresses. */
function rangesBetween({ dump }: Kernel, start: bigint, end: bigint): PhysicalRange[] {
  return dump.ranges.flatMap((range) => {
    const first = Math.max(range.start, Number(start));
    const byteSize = Math.min(range.start + range.byteSize, Number(end)) - first;
    return byteSize > 0 ? [{ ...range, start: first, byteSize }] : [];
  });
}

function textNeedle(value: string): Needle {
  const pattern = Buffer.from(value, "utf8");
  if (pattern.length === 0) throw new UsageError("search: an empty text is everywhere");
  return { text: value, byteSize: pattern.length, next: (bytes, from) => bytes.indexOf(pattern, from) };
}

function wordNeedle(kernel: Kernel, value: string, { byteSize, mask }: SearchQuery): Needle {
  const bits = byteSize * 8;
  const wanted = resolveAddress(kernel, value);
  const ignored = mask === undefined ? 0n : resolveAddress(kernel, mask);
  if (wanted >> BigInt(bits) !== 0n)
    throw new UsageError(`${hex(wanted)} does not fit into ${byteSize} bytes`);
  if (BigInt.asUintN(bits, ~ignored) === 0n)
    throw new UsageError("search: the mask leaves no bit to compare");
  const { littleEndian } = kernel.foundation.memory;
  const pattern = wordBytes(wanted, byteSize, littleEndian);
  const care = wordBytes(BigInt.asUintN(bits, ~ignored), byteSize, littleEndian);
  // Of the bytes that count, the one that is rarest in memory is looked for.
  const pivot = rarest(pattern, care);
  const isExact = care.every((each) => each === 0xff);
  return {
    text: undefined,
    byteSize,
    next(bytes, from) {
      const first = Math.ceil(from / byteSize) * byteSize;
      if (isExact) {
        let at = bytes.indexOf(pattern, first);
        while (at >= 0 && at % byteSize !== 0) at = bytes.indexOf(pattern, at + 1);
        return at;
      }
      for (let at = first; at + byteSize <= bytes.length; at += byteSize) {
        if ((bytes[at + pivot]! & care[pivot]!) !== (pattern[pivot]! & care[pivot]!)) continue;
        if (pattern.every((each, index) => (bytes[at + index]! & care[index]!) === (each & care[index]!)))
          return at;
      }
      return -1;
    },
  };
}

function wordBytes(value: bigint, byteSize: number, littleEndian: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  if (littleEndian) bytes.writeBigUInt64LE(value);
  else bytes.writeBigUInt64BE(value << BigInt(64 - byteSize * 8));
  return bytes.subarray(0, byteSize);
}

function rarest(pattern: Uint8Array, care: Uint8Array): number {
  let best = 0;
  let bestScore = -1;
  for (let index = 0; index < pattern.length; index++) {
    const isCommon = pattern[index] === 0 || pattern[index] === 0xff;
    const score = care[index] === 0xff ? (isCommon ? 1 : 2) : 0;
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}

/** Words stand at multiples of their size: every piece begins at such an address. */
function searchPhysical(
  kernel: Kernel,
  gaps: Gaps,
  query: SearchQuery,
  needles: readonly Needle[],
  rows: HitRow[],
  isFull: () => boolean,
): void {
  const { deadline } = query;
  const places = new KernelPlaces(kernel);
  const { start = 0n, end = 1n << 64n } = boundsOf(kernel, query);
  const overlapByteSize = Math.max(...needles.map(({ byteSize }) => byteSize)) - 1;
  const ranges = rangesBetween(kernel, start, end);
  const options = { overlapByteSize, ranges, ...(deadline !== undefined && { deadline }) };
  const result = scanPhysical(kernel.dump, options, (bytes, start, ownByteSize) => {
    // The overlap moves a piece away from a multiple of a word.
    const skew = start % 8;
    const aligned = skew === 0 ? bytes : Buffer.concat([Buffer.alloc(skew), bytes]);
    for (const { at, needle } of hits(aligned, needles, skew, ownByteSize + skew)) {
      const physical = start - skew + at;
      const address = places.addressOf(physical);
      rows.push({
        address: address === undefined ? null : hex(address),
        physical: hex(physical),
        ...found(kernel, address, aligned, at, needle),
      });
      if (isFull()) return true;
    }
    return false;
  });
  if (result.end === "deadline") gaps.late("memory");
}

function searchVirtual(
  kernel: Kernel,
  gaps: Gaps,
  query: SearchQuery,
  needles: readonly Needle[],
  rows: HitRow[],
  isFull: () => boolean,
): void {
  const { pid } = query;
  const memory = pid === undefined ? kernel.foundation.memory : memoryOfProcess(kernel, pid);
  const bounds = boundsOf(kernel, query);
  if (bounds.start === undefined && pid === undefined) throw new UsageError("search: -e goes with -s");
  const start = bounds.start ?? 0n;
  const last = pid === undefined ? 0xffff_ffff_ffff_ffffn : userEnd(kernel, pid);
  const end = bounds.end !== undefined && bounds.end < last ? bounds.end : last;
  if (end <= start) throw new UsageError("search: the end lies before the start");
  const longest = Math.max(...needles.map(({ byteSize }) => byteSize));
  let seen = 0;
  /** The end of the run before, where this one follows on. */
  let tail = Buffer.alloc(0);
  let tailEnd = -1n;
  for (const run of memory.mappedRuns(start, end)) {
    if (query.deadline !== undefined && Date.now() >= query.deadline) return gaps.late("memory");
    if ((seen += run.byteSize) > maximumVirtualByteSize) {
      gaps.limit(`search: stopped at ${hex(run.address)}, after ${seen} bytes`);
      return;
    }
    const joined = tailEnd === run.address ? tail : Buffer.alloc(0);
    const body = Buffer.alloc(run.byteSize);
    try {
      memory.readInto(body, run.address);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      gaps.note("memory", error);
      tailEnd = -1n;
      continue;
    }
    const base = run.address - BigInt(joined.length);
    const skew = Number(base & 7n);
    const bytes = Buffer.concat([Buffer.alloc(skew), joined, body]);
    for (const { at, needle } of hits(bytes, needles, skew, bytes.length)) {
      // What lies in the tail alone was found before.
      if (at + needle.byteSize <= skew + joined.length) continue;
      const address = base + BigInt(at - skew);
      rows.push({ address: hex(address), physical: null, ...found(kernel, address, bytes, at, needle) });
      if (isFull()) return;
    }
    tail = body.subarray(Math.max(0, body.length - (longest - 1)));
    tailEnd = run.address + BigInt(run.byteSize);
  }
}

/** First address behind those of a process: `mm_struct.task_size`. */
function userEnd({ program }: Kernel, pid: number): bigint {
  return findTask(program, pid)!.member("mm").member("task_size").scalar() as bigint;
}

/** Places from `from` up to `end`, ascending for one needle. */
function* hits(
  bytes: Buffer,
  needles: readonly Needle[],
  from: number,
  end: number,
): Generator<{ at: number; needle: Needle }> {
  for (const needle of needles) {
    for (let at = needle.next(bytes, from); at >= 0 && at < end; at = needle.next(bytes, at + 1))
      yield { at, needle };
  }
}

function found(
  kernel: Kernel,
  address: bigint | undefined,
  bytes: Buffer,
  at: number,
  needle: Needle,
): { value: string; symbol: string | null } {
  const symbol = address === undefined ? undefined : kernel.program.symbolizer.symbolAt(address);
  const word = bytes.subarray(at, at + needle.byteSize);
  const value = kernel.foundation.memory.littleEndian ? Buffer.from(word).reverse() : word;
  return {
    value: needle.text ?? `0x${value.toString("hex")}`,
    symbol: symbol === undefined ? null : `${symbol.name}+${hex(symbol.offset)}`,
  };
}

/** Kernel addresses of physical ones: of the image, else of the direct map. */
class KernelPlaces {
  readonly #memory: AddressSpace;
  readonly #image: LinearRun | undefined;
  readonly #direct: LinearRun | undefined;

  constructor(kernel: Kernel) {
    const { memory, symbols } = kernel.foundation;
    this.#memory = memory;
    this.#direct = directMap(kernel);
    const start = symbols.addressOf("_text") ?? symbols.addressOf("_stext");
    const end = symbols.addressOf("_end");
    if (start === undefined || end === undefined || end <= start) return;
    try {
      const delta = BigInt.asUintN(64, BigInt(memory.translate(start)) - start);
      this.#image = { name: "image", start, byteSize: end - start, delta };
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }

  addressOf(physical: number): bigint | undefined {
    if (this.#image !== undefined) {
      const address = BigInt.asUintN(64, BigInt(physical) - this.#image.delta);
      // What the image had for the boot only is given back, and no longer mapped there.
      if (inRun(this.#image, address) && this.#isThere(address, physical)) return address;
    }
    const address = this.#direct && directMapAddress(this.#direct, physical);
    return address !== undefined && this.#isThere(address, physical) ? address : undefined;
  }

  #isThere(address: bigint, physical: number): boolean {
    try {
      return this.#memory.translate(address) === physical;
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  }
}

export function* hitLines(rows: readonly HitRow[]): Generator<string> {
  for (const { address, physical, value, symbol } of rows) {
    const place = address === null ? `physical ${physical!.slice(2)}` : address.slice(2);
    const name = symbol === null ? "" : `  ${symbol}`;
    yield `${place}: ${value}${name}`;
  }
}
