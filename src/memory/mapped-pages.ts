import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError, LimitError } from "../io/index.ts";
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

/**
 * Runs of mapped memory from `start` to `end` (exclusive), ascending, none longer than 2 MiB. What a missing
 * entry of an upper table leaves out is stepped over at once, so that empty space costs nothing; a table that
 * cannot be read counts as empty.
 * @throws {LimitError} for page tables that go on and on
 */
export function* mappedRuns(
  memory: PhysicalMemory,
  { architecture, tables, pageByteSize }: Translation,
  start: bigint,
  end: bigint,
): Generator<MappedRun, undefined> {
  if (tables === undefined) return;
  let entries = 0;
  const walker = architecture.walker(
    tables,
    (target, place) => memory.readInto(target, place),
    () => void entries++,
  );
  const levelCount = architecture.levelNames(tables).length;
  const bitsPerLevel = tables.pageShift - 3;
  const half = 1n << BigInt(tables.virtualAddressBits - 1);
  let steps = 0;
  let run: MappedRun | undefined;
  for (let address = start; address < end;) {
    entries = 0;
    if (++steps > maximumSteps)
      throw new LimitError("PAGE_TABLES", `more than ${maximumSteps} page table entries`);
    let physicalAddress = -1;
    try {
      physicalAddress = walker.walk(Number((address >> 32n) & 0xffff_ffffn), Number(address & 0xffff_ffffn));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
    const isMapped = physicalAddress >= 0;
    const span = isMapped
      ? BigInt(Math.min(walker.pageByteSize, maximumRunByteSize))
      : entries === 0
        ? half
        : BigInt(pageByteSize) << BigInt(bitsPerLevel * (levelCount - entries));
    let next = (address & ~(span - 1n)) + span;
    // Without any entry it is no address at all: the kernel's begin at the top.
    const highest = (1n << 64n) - 2n * half;
    if (!isMapped && entries === 0 && next < highest) next = highest;
    const byteSize = Number((next < end ? next : end) - address);
    if (isMapped) {
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
    } else if (run !== undefined) {
      yield run;
      run = undefined;
    }
    address = next;
  }
  if (run !== undefined) yield run;
}
