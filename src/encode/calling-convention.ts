/** How many parameters travel in registers, and in which, as pahole 1.32 knows it per ELF machine. */

import * as d from "../dwarf/constants.ts";

export interface CallingConvention {
  /** Parameters passed in registers. */
  registerCount: number;
  /** DW_OP_regN of each; empty where registers are counted but not compared. */
  registers: readonly number[];
  /** A struct of up to two words travels in two registers. */
  aggregatesUseTwoRegisters: boolean;
}

const EM_SPARC = 2;
const EM_MIPS = 8;
const EM_PPC = 20;
const EM_PPC64 = 21;
const EM_S390 = 22;
const EM_ARM = 40;
const EM_SPARCV9 = 43;
const EM_ARC = 45;
const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const EM_RISCV = 243;

/** DWARF register numbers of the psABI documents: rdi rsi rdx rcx r8 r9; r2 to r6; x0 to x7. */
export function callingConventionOf(machine: number): CallingConvention {
  const reg = (...numbers: number[]): number[] => numbers.map((number) => d.DW_OP_reg0 + number);
  switch (machine) {
    case EM_X86_64:
      return { registerCount: 6, registers: reg(5, 4, 1, 2, 8, 9), aggregatesUseTwoRegisters: true };
    case EM_S390:
      return { registerCount: 5, registers: reg(2, 3, 4, 5, 6), aggregatesUseTwoRegisters: false };
    case EM_ARM:
    case EM_AARCH64:
      return { registerCount: 8, registers: reg(0, 1, 2, 3, 4, 5, 6, 7), aggregatesUseTwoRegisters: true };
    case EM_SPARC:
    case EM_SPARCV9:
      return { registerCount: 6, registers: [], aggregatesUseTwoRegisters: true };
    case EM_ARC:
    case EM_MIPS:
    case EM_PPC:
    case EM_PPC64:
    case EM_RISCV:
      return { registerCount: 8, registers: [], aggregatesUseTwoRegisters: true };
    default:
      return { registerCount: 0, registers: [], aggregatesUseTwoRegisters: true };
  }
}
