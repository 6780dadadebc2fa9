import { FormatError } from "../io/index.ts";
import type { PageTableFormat } from "./page-tables.ts";

/** What a kernel says of itself: a VMCOREINFO text, for example. */
export interface KernelFacts {
  /** Run-time virtual address of a symbol. */
  symbol(name: string): bigint | undefined;
  /** A number; 64-bit ones may be given as negative. */
  number(name: string): bigint | undefined;
  /** Bytes of a page. */
  readonly pageSize: number | undefined;
}

/** Virtual memory at a constant distance from physical memory. */
export interface LinearRun {
  readonly name: "image" | "linear";
  readonly start: bigint;
  readonly byteSize: bigint;
  /** Physical minus virtual address, modulo 2^64. */
  readonly delta: bigint;
}

/** How a kernel's virtual addresses become physical ones. */
export interface KernelTranslation {
  /** Bytes of a page of the kernel. */
  readonly pageByteSize: number;
  readonly tables: PageTableFormat;
  readonly runs: readonly LinearRun[];
}

/** Reads variables of a kernel image by name; undefined where there is no such symbol, or no bytes of it. */
export interface ImageVariables {
  u32(name: string): number | undefined;
  u64(name: string): bigint | undefined;
}

/** Whether an address lies in a run; runs may end at 2^64. */
export function inRun(run: LinearRun, address: bigint): boolean {
  return BigInt.asUintN(64, address - run.start) < run.byteSize;
}

/** @throws {FormatError} when an address computed modulo 2^64 is none of physical memory. */
export function physicalAddressOf(address: bigint, what: string): number {
  const wrapped = BigInt.asUintN(64, address);
  if (wrapped >= 2n ** 52n)
    throw new FormatError("VMCOREINFO", `0x${wrapped.toString(16)} is no physical address of ${what}`);
  return Number(wrapped);
}

/** The error for a fact that a VMCOREINFO lacks. */
export function missingFact(fact: string): FormatError {
  return new FormatError("VMCOREINFO", `VMCOREINFO has no ${fact}`);
}
