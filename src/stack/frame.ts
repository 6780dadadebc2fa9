import type { RegisterSet } from "../arch/index.ts";

/**
 * How a frame is known:
 * - `exact`: its instruction is the next to run: registers of a CPU, of a task that is not running, or
 *   saved by an interrupt or exception
 * - `call`: it called the frame before it; `pc` is the return address, one behind the call
 * - `user`: where the task is, or was, in user mode; the last frame
 * - `guess`: a word on the stack that looks like a return address, found by scanning; perhaps an old one
 * - `broken`: no frame: the walk cannot go on, and {@link Frame.problem} says why; guesses may follow
 */
export type FrameKind = "exact" | "call" | "user" | "guess" | "broken";

/** What a stack is for. */
export type StackKind =
  | "task"
  | "irq"
  | "nmi"
  | "debug"
  | "double-fault"
  | "machine-check"
  | "vmm-exception"
  | "exception"
  | "entry"
  | "overflow"
  | "sdei"
  | "unknown";

/** One function on a stack, inlined ones left out. */
export interface Frame {
  pc: bigint;
  kind: FrameKind;
  /** The stack that {@link Frame.stackPointer} points into. */
  stack: StackKind;
  /** Where the stack stood when the frame was left: what lies above belongs to it and its callers. */
  stackPointer: bigint;
  framePointer: bigint;
  /** Address of the word that `pc` was read from; undefined where it comes from registers. */
  slot: bigint | undefined;
  /**
   * Registers as they were at `pc`, as far as they were saved in one place; undefined where only the
   * program counter and the stack are known.
   */
  registers: RegisterSet | undefined;
  /** Where {@link Frame.registers} lie as `struct pt_regs`; undefined for a CPU's. */
  registersAddress: bigint | undefined;
  /** The symbol that took the place of the return address; undefined for ordinary frames. */
  through: string | undefined;
  /** Why the walk ends here; of `broken` frames. */
  problem: string | undefined;
}

/** Most frames of one stack; deeper ones are damage. */
export const maximumFrames = 1024;

/** Make a frame; what is not given is not known. */
export function frame(
  pc: bigint,
  kind: FrameKind,
  stack: StackKind,
  more: Partial<Frame> & { stackPointer: bigint },
): Frame {
  return {
    pc,
    kind,
    stack,
    stackPointer: more.stackPointer,
    framePointer: more.framePointer ?? 0n,
    slot: more.slot,
    registers: more.registers,
    registersAddress: more.registersAddress,
    through: more.through,
    problem: more.problem,
  };
}
