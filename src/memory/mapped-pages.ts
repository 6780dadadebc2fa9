import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import type { Translation } from "./translation.ts";

/** A run of virtual addresses that is one run of physical memory. */
export interface MappedRun {
  address: bigint;
  physicalAddress: number;
  byteSize: number;
}

/** Longest run that is given at once. */
const maximumRunByteSize = 1 << 21;

/**
 * Runs of mapped memory from `start` to `end` (exclusive), ascending, none longer than 2 MiB. What a missing
 * entry of an upper table leaves out is stepped over at once, so that empty space costs nothing; a table that
 * cannot be read counts as empty.
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
  let run: MappedRun | undefined;
  for (let address = start; address < end;) {
    entries = 0;
    let physicalAddress = -1;
    try {
      physicalAddress = walker.walk(Number((address >> 32n) & 0xffff_ffffn), Number(address & 0xffff_ffffn));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
    const isMapped = physicalAddress >= 0;
    // Without any entry it is no address at all: the next page is tried.
    const levelsBelow = entries === 0 ? 0 : levelCount - entries;
    const span = isMapped
      ? BigInt(Math.min(walker.pageByteSize, maximumRunByteSize))
      : BigInt(pageByteSize) << BigInt(bitsPerLevel * levelsBelow);
    const next = (address & ~(span - 1n)) + span;
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
