import type { RegisterSet } from "../arch/index.ts";
import type { StructReader } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { OrcEntry } from "../orc/index.ts";
import type { Frame } from "./frame.ts";
import type { RestoredAddress } from "./return-addresses.ts";
import type { GeneratedPiece } from "./generated-code.ts";
import type { StackRegions } from "./regions.ts";

/** Where a walk begins. */
export interface WalkStart {
  registers: RegisterSet;
  /** The task, for what the kernel notes of its rewritten return addresses; undefined for none. */
  task: bigint | undefined;
  regions: StackRegions;
  /** When to stop, as `Date.now()` counts. */
  deadline?: number | undefined;
}

/** Walks the stacks of one architecture. */
export interface StackWalker {
  readonly memory: VirtualMemory;
  walk(start: WalkStart): Frame[];
  /**
   * Registers that were kept of a task that is not running.
   * @throws {FaultError}
   */
  waitingRegisters(task: StructReader, address: bigint): RegisterSet;
  isUserMode(registers: RegisterSet): boolean;
  /** True where a word may be a return address: it points behind a call. */
  isReturnAddress(word: bigint): boolean;
}

/** What both walkers need of a kernel. */
export interface WalkSources {
  memory: VirtualMemory;
  returnAddresses: {
    isReplaced(address: bigint): boolean;
    restore(task: bigint, address: bigint, slot: bigint, framePointer?: bigint): RestoredAddress | undefined;
  };
}

/** Unwind data by address of code. */
export interface UnwindData {
  find(address: bigint): OrcEntry | undefined;
  forFrame(pc: bigint, exact: boolean): OrcEntry | undefined;
  isCode(pc: bigint): boolean;
}

/** Code without unwind data. */
export interface UnknownCode {
  /** Where the function begins that an address lies in: what calls of it name. None where that is not known. */
  entriesOf(address: bigint): readonly bigint[];
  find(address: bigint): GeneratedPiece | undefined;
  mayHold(address: bigint): boolean;
}

/** A function that an address lies in. */
export interface FunctionPlace {
  name: string;
  start: bigint;
  isFunction: boolean;
}

/** The walk cannot go on. */
export class WalkProblem extends Error {}
