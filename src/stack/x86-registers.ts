import { RegisterSet } from "../arch/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

/** `struct pt_regs` of x86-64 (arch/x86/include/asm/ptrace.h): u64 each, in this order since v2.6. */
export const x86SavedRegisters: readonly string[] =
  "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss".split(" ");

const wordByteSize = 8;

/** Where the part begins that the processor itself pushes: ip, cs, flags, sp, ss. */
const hardwarePart = x86SavedRegisters.indexOf("ip");
export const x86HardwarePartOffset: number = hardwarePart * wordByteSize;

/** Segment registers are 16 bits; what FRED puts above them (v6.9) is no part of them. */
const segmentMask = 0xffffn;

/**
 * Registers in memory as `struct pt_regs`.
 * @param partial only what the processor pushes was saved
 * @throws {FaultError}
 */
export function readX86Registers(memory: VirtualMemory, address: bigint, partial: boolean): RegisterSet {
  const first = partial ? hardwarePart : 0;
  const names = x86SavedRegisters.slice(first);
  const bytes = memory.read(address + BigInt(first * wordByteSize), names.length * wordByteSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new BigUint64Array(names.length);
  for (let index = 0; index < names.length; index++) {
    const value = view.getBigUint64(index * wordByteSize, true);
    values[index] = names[index] === "cs" || names[index] === "ss" ? value & segmentMask : value;
  }
  return new RegisterSet(names, values);
}

/** True where a code segment is one of user mode: its privilege level is not 0. */
export function isX86UserMode(cs: bigint): boolean {
  return (cs & 3n) !== 0n;
}

/** What `__switch_to_asm` leaves on the stack of a task: Linux `struct inactive_task_frame`. */
const inactiveFrame = "r15 r14 r13 r12 bx bp ip".split(" ");

/**
 * Registers of a task that is not running, from where its stack pointer was kept.
 * @throws {FaultError}
 */
export function readX86InactiveFrame(memory: VirtualMemory, stackPointer: bigint): RegisterSet {
  const byteSize = inactiveFrame.length * wordByteSize;
  const bytes = memory.read(stackPointer, byteSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new BigUint64Array(inactiveFrame.length + 1);
  for (let index = 0; index < inactiveFrame.length; index++) {
    values[index] = view.getBigUint64(index * wordByteSize, true);
  }
  values[inactiveFrame.length] = stackPointer + BigInt(byteSize);
  return new RegisterSet([...inactiveFrame, "sp"], values);
}
