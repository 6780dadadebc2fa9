import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import { joinHalves } from "./locator.ts";
import type { Translation } from "./translation.ts";

/** One page table entry on the way of a translation. */
export interface TranslationStep {
  /** PGD, P4D, PUD, PMD or PTE. */
  level: string;
  /** Where the entry lies. */
  physicalAddress: number;
  entry: bigint;
  /** Names of its bits; of an entry that maps nothing there are none. */
  flags: readonly string[];
}

/** How page tables translate an address. */
export interface TranslationTrace {
  steps: readonly TranslationStep[];
  /** Where it ends; undefined where nothing is mapped or a table cannot be read. */
  physicalAddress: number | undefined;
  /** Bytes of the page or block that holds it. */
  pageByteSize: number | undefined;
  /** Why there is no physical address. */
  problem: string | undefined;
}

/** Walk the page tables once for an address, and keep what was read. */
export function traceTranslation(
  memory: PhysicalMemory,
  { architecture, tables }: Translation,
  address: bigint,
): TranslationTrace {
  const none = { steps: [], physicalAddress: undefined, pageByteSize: undefined };
  if (tables === undefined) return { ...none, problem: "the page tables are not known" };
  const entries: { physicalAddress: number; entry: bigint }[] = [];
  const walker = architecture.walker(
    tables,
    (target, place) => memory.readInto(target, place),
    (physicalAddress, high, low) => {
      entries.push({ physicalAddress, entry: joinHalves(high >>> 0, low >>> 0) });
    },
  );
  const names = architecture.levelNames(tables);
  let physicalAddress: number | undefined;
  let problem: string | undefined;
  try {
    const found = walker.walk(Number((address >> 32n) & 0xffff_ffffn), Number(address & 0xffff_ffffn));
    if (found < 0) problem = walker.problem === "" ? "nothing is mapped there" : walker.problem;
    else physicalAddress = found;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    problem = error.message;
  }
  const isMapped = physicalAddress !== undefined;
  const steps = entries.map(({ physicalAddress: place, entry }, index): TranslationStep => {
    const isPage = index === names.length - 1 || (isMapped && index === entries.length - 1);
    return {
      level: names[index] ?? "?",
      physicalAddress: place,
      entry,
      flags: architecture.entryFlags(entry, isPage),
    };
  });
  return { steps, physicalAddress, pageByteSize: isMapped ? walker.pageByteSize : undefined, problem };
}
