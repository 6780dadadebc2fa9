import { inRun, type PageTableWalker } from "../arch/index.ts";
import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import type { Translation } from "./translation.ts";

/** Finds the physical places of virtual addresses, given as two unsigned halves: by page tables, or by runs where there are none. */
export class Locator {
  /** Addresses that a run answered because a page table is missing from the dump. */
  runAnswers = 0;
  /** Whether there are page tables. */
  readonly hasTables: boolean;
  readonly #translation: Translation;
  readonly #walker: PageTableWalker | undefined;
  readonly #kernelHalf: boolean;
  /** Of the upper half of an address, the bit that tells the kernel's addresses. */
  readonly #halfMask: number;
  #problem = "";
  #missingTable: FaultError | undefined;

  constructor(memory: PhysicalMemory, translation: Translation, half: "kernel" | "user") {
    const { architecture, tables } = translation;
    this.#translation = translation;
    this.#kernelHalf = half === "kernel";
    this.#halfMask = 1 << (architecture.halfBit - 32);
    this.#walker =
      tables && architecture.walker(tables, (target, address) => memory.readInto(target, address));
    this.hasTables = tables !== undefined;
  }

  /** Physical address, or -1 where there is none, of which {@link fault} then tells. */
  locate(high: number, low: number): number {
    this.#missingTable = undefined;
    if (!this.isOfHalf(high)) {
      this.#problem = this.#kernelHalf ? "not an address of the kernel" : "not an address of a process";
      return -1;
    }
    const walker = this.#walker;
    if (walker !== undefined) {
      try {
        const physical = walker.walk(high, low);
        if (physical < 0) this.#problem = walker.problem;
        return physical;
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        this.#missingTable = error;
      }
    }
    const { runs } = this.#translation;
    return runs.length === 0 ? -1 : this.#locateByRun(joinHalves(high, low));
  }

  /** Why {@link locate} has just given -1. */
  fault(high: number, low: number): FaultError {
    const address = joinHalves(high, low);
    const missing = this.#missingTable;
    if (missing === undefined) return new FaultError("unmapped", address, "virtual", this.#problem);
    const table = `its page table at physical address 0x${missing.address.toString(16)}`;
    return new FaultError(missing.reason, address, "virtual", table);
  }

  isOfHalf(high: number): boolean {
    return ((high & this.#halfMask) !== 0) === this.#kernelHalf;
  }

  /** Drop kept page tables: memory may have changed. */
  forget(): void {
    this.#walker?.forget();
  }

  #locateByRun(address: bigint): number {
    for (const run of this.#translation.runs) {
      if (!inRun(run, address)) continue;
      const physical = BigInt.asUintN(64, address + run.delta);
      if (physical >= 2n ** 52n) continue;
      if (this.#walker !== undefined) this.runAnswers++;
      return Number(physical);
    }
    this.#problem = "outside of the memory whose place is known";
    return -1;
  }
}

/** The address whose unsigned halves these are. */
export function joinHalves(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
