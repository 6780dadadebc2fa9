import {
  type Architecture,
  isPrstatus,
  parsePrstatus,
  prstatusOfNotes,
  qemuCpusOfNotes,
  type QemuCpu,
  RegisterSet,
} from "../arch/index.ts";
import { DwarflessError, FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { x86SavedRegisters } from "./x86-registers.ts";

/** Where the registers of a CPU come from. */
export type RegisterSource = "crash_notes" | "NT_PRSTATUS" | "QEMU";

/** What a CPU was doing when the dump was made. */
export interface CpuRegisters {
  registers: RegisterSet;
  source: RegisterSource;
}

/** CORE note in memory: three u32, the name in 8 bytes, the description. */
const noteHeaderByteSize = 12;
const noteNameByteSize = 8;

/** The registers of each CPU, from the best of what the dump has. */
export class CpuRegisterSource {
  readonly #kernel: Kernel;
  readonly #architecture: Architecture;
  #byCpu: Map<number, CpuRegisters[]> | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#architecture = kernel.foundation.memory.translation.architecture;
  }

  /** All that is said of a CPU, the most trustworthy first. */
  of(cpu: number): readonly CpuRegisters[] {
    this.#byCpu ??= this.#read();
    return this.#byCpu.get(cpu) ?? [];
  }

  #read(): Map<number, CpuRegisters[]> {
    const found = new Map<number, CpuRegisters[]>();
    const add = (cpu: number, each: CpuRegisters): void => {
      found.set(cpu, [...(found.get(cpu) ?? []), each]);
    };
    const { dump, perCpu } = this.#kernel;
    for (const cpu of perCpu.possibleCpus) {
      const noted = this.#fromCrashNotes(cpu);
      if (noted !== undefined) add(cpu, noted);
    }
    if (dump.fromHypervisor) {
      // The notes' order is that of the CPUs; pr_pid is the number of the CPU plus one and no process.
      for (const { pid, registers } of prstatusOfNotes(this.#architecture, dump.notes)) {
        if (pid > 0) add(pid - 1, { registers, source: "NT_PRSTATUS" });
      }
      qemuCpusOfNotes(dump.notes).forEach((cpu, index) =>
        add(index, { registers: registersOfQemu(cpu), source: "QEMU" }),
      );
    }
    return found;
  }

  /** `crash_notes` (kernel/crash_core.c): filled when the kernel itself crashed into kdump. */
  #fromCrashNotes(cpu: number): CpuRegisters | undefined {
    const { foundation, perCpu } = this.#kernel;
    const { memory, symbols } = foundation;
    const variable = symbols.addressOf("crash_notes");
    if (variable === undefined) return undefined;
    try {
      const at = perCpu.address(memory.readU64(variable), cpu);
      const nameByteSize = memory.readU32(at);
      const byteSize = memory.readU32(at + 4n);
      if (nameByteSize !== 5 || byteSize !== this.#architecture.prstatus.byteSize) return undefined;
      const type = memory.readU32(at + 8n);
      const name = memory.readCString(at + BigInt(noteHeaderByteSize), noteNameByteSize);
      const description = memory.read(at + BigInt(noteHeaderByteSize + noteNameByteSize), byteSize);
      if (!isPrstatus({ name, type, description })) return undefined;
      return { registers: parsePrstatus(this.#architecture, description).registers, source: "crash_notes" };
    } catch (error) {
      if (error instanceof FaultError || error instanceof DwarflessError) return undefined;
      throw error;
    }
  }
}

/** QEMU's own note, under the names that `struct pt_regs` has. */
function registersOfQemu(cpu: QemuCpu): RegisterSet {
  const values = x86SavedRegisters.map((name) => {
    switch (name) {
      case "cs":
      case "ss":
        return BigInt(cpu.segments[name].selector);
      case "flags":
        return cpu.registers.get("rflags");
      case "orig_ax":
        return 0xffff_ffff_ffff_ffffn;
      default:
        return cpu.registers.get(name.startsWith("r") ? name : `r${name}`);
    }
  });
  return new RegisterSet(x86SavedRegisters, BigUint64Array.from(values));
}
