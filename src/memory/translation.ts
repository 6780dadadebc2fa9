import type { Architecture, PageTableFormat } from "../arch/index.ts";

/** How virtual addresses of a kernel become physical ones, and how that was found out. */
export interface Translation {
  readonly architecture: Architecture;
  /** Bytes of a page of the kernel. */
  readonly pageByteSize: number;
  /** Page tables of the kernel; undefined as long as only {@link runs} are known. */
  readonly tables: PageTableFormat | undefined;
  /** Used when there are no tables, or one is missing from the dump; the first that fits counts. */
  readonly runs: readonly LinearRun[];
  /** Where the facts come from, for people: `VMCOREINFO`, `phys_base of the image`, … */
  readonly how: string;
}

/** Virtual memory at a constant distance from physical memory. */
export interface LinearRun {
  readonly name: "image" | "linear";
  readonly start: bigint;
  readonly byteSize: bigint;
  /** Physical minus virtual address, modulo 2^64. */
  readonly delta: bigint;
}

/** Serves virtual memory without knowing where it lies. */
export interface VirtualReader {
  /** Whether the bytes belong to a segment that is known. */
  covers(address: bigint, byteSize: number): boolean;
  /** @throws {FaultError} */
  readInto(target: Uint8Array, address: bigint): void;
}

/** Whether an address lies in a run; runs may end at 2^64. */
export function inRun(run: LinearRun, address: bigint): boolean {
  return BigInt.asUintN(64, address - run.start) < run.byteSize;
}
