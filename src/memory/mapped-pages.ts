import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError, LimitError } from "../io/index.ts";
import { joinHalves } from "./locator.ts";
import type { Translation } from "./translation.ts";

/** A run of virtual addresses that is one run of physical memory. */
export interface MappedRun {
  address: bigint;
  physicalAddress: number;
  byteSize: number;
}

/** More steps than the tables of any machine's kernel need; damaged ones may have no end. */
const maximumSteps = 1 << 26;

/** Longest run that is given at once. */
const maximumRunByteSize = 1 << 21;

/** What the page tables say of a page or block. */
export interface PageEntry {
  address: bigint;
  /** Bytes that the entry is for. */
  byteSize: number;
  /** The last entry that was read. */
  entry: bigint;
  /** Where the bytes are; undefined for an entry of the last level that maps nothing and yet is not empty. */
  physicalAddress: number | undefined;
}

/**
 * What is mapped from `start` to `end` (exclusive), ascending, page by page or block by block; and entries of the
 * last level in which the kernel keeps something else, such as a place in swap. What a missing entry of an
 * upper table leaves out is stepped over at once, so that empty space costs nothing; a table that cannot be
 * read counts as empty.
 * @throws {LimitError} for page tables that go on and on
 */
export function* pageEntries(
  memory: PhysicalMemory,
  { architecture, tables, pageByteSize }: Translation,
  start: bigint,
  end: bigint,
): Generator<PageEntry, undefined> {
  if (tables === undefined) return;
  let entries = 0;
  let [high, low] = [0, 0];
  const walker = architecture.walker(
    tables,
    (target, place) => memory.readInto(target, place),
    (_, entryHigh, entryLow) => {
      entries++;
      [high, low] = [entryHigh, entryLow];
    },
  );
  const levelCount = architecture.levelNames(tables).length;
  const bitsPerLevel = tables.pageShift - 3;
  const half = 1n << BigInt(tables.virtualAddressBits - 1);
  let steps = 0;
  for (let address = start; address < end;) {
    entries = 0;
    if (++steps > maximumSteps)
      throw new LimitError("PAGE_TABLES", `more than ${maximumSteps} page table entries`);
    let physicalAddress = -1;
    let isRead = true;
    try {
      physicalAddress = walker.walk(Number((address >> 32n) & 0xffff_ffffn), Number(address & 0xffff_ffffn));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      isRead = false;
    }
    const isMapped = physicalAddress >= 0;
    const span = isMapped
      ? BigInt(walker.pageByteSize)
      : entries === 0
        ? half
        : BigInt(pageByteSize) << BigInt(bitsPerLevel * (levelCount - entries));
    let next = (address & ~(span - 1n)) + span;
    // Without any entry it is no address at all: the kernel's begin at the top.
    const highest = (1n << 64n) - 2n * half;
    if (!isMapped && entries === 0 && next < highest) next = highest;
    if (isMapped || (isRead && entries === levelCount && (high !== 0 || low !== 0))) {
      yield {
        address,
        byteSize: Number((next < end ? next : end) - address),
        entry: joinHalves(high >>> 0, low >>> 0),
        physicalAddress: isMapped ? physicalAddress : undefined,
      };
    }
    address = next;
  }
}

/** Runs of mapped memory of {@link pageEntries}, none longer than 2 MiB. @throws {LimitError} */
export function* mappedRuns(
  memory: PhysicalMemory,
  translation: Translation,
  start: bigint,
  end: bigint,
): Generator<MappedRun, undefined> {
  let run: MappedRun | undefined;
  for (const piece of pageEntries(memory, translation, start, end)) {
    if (piece.physicalAddress === undefined) continue;
    for (let done = 0; done < piece.byteSize; done += maximumRunByteSize) {
      const address = piece.address + BigInt(done);
      const physicalAddress = piece.physicalAddress + done;
      const byteSize = Math.min(piece.byteSize - done, maximumRunByteSize);
      const joins =
        run !== undefined &&
        run.physicalAddress + run.byteSize === physicalAddress &&
        run.address + BigInt(run.byteSize) === address &&
        run.byteSize + byteSize <= maximumRunByteSize;
      if (run !== undefined && joins) run.byteSize += byteSize;
      else {
        if (run !== undefined) yield run;
        run = { address, physicalAddress, byteSize };
      }
    }
  }
  if (run !== undefined) yield run;
}
