import { RegisterSet } from "../arch/index.ts";
import { type Kernel, LayoutError, type StructReader } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { kernelType } from "./kernel-types.ts";

/** `struct user_pt_regs` of arm64, the start of `struct pt_regs`: u64 each. */
const savedRegisters = [...Array.from({ length: 31 }, (_, number) => `x${number}`), "sp", "pc", "pstate"];

/** `struct cpu_context` (arch/arm64/include/asm/processor.h): what `cpu_switch_to` keeps. */
const contextRegisters = "x19 x20 x21 x22 x23 x24 x25 x26 x27 x28 fp sp pc".split(" ");

/** Bits of PSTATE that say the exception level, and whether it is AArch32. */
const modeMask = 0x1fn;

/** True where PSTATE is one of user mode (EL0t), 64 or 32 bit. */
export function isArm64UserMode(pstate: bigint): boolean {
  return (pstate & 0xfn) === 0n && (pstate & modeMask) <= 0x10n;
}

/** Layout of `struct pt_regs` beyond its fixed start: byte offsets, undefined for what a kernel has not. */
export interface Arm64Layout {
  /** The frame record in it. */
  recordOffset: bigint | undefined;
  /** True where that record says what it is (v6.13, c2c6b27b5aa1). */
  hasMeta: boolean;
  systemCallOffset: bigint | undefined;
  firstArgumentOffset: bigint | undefined;
}

/** The layout as a kernel's BTF has it. */
export function arm64Layout(kernel: Kernel): Arm64Layout {
  const type = kernelType(kernel, "struct", "pt_regs");
  const offset = (name: string): bigint | undefined => {
    const member = type?.findMember(name);
    return member === undefined ? undefined : BigInt(member.bitOffset >> 3);
  };
  return {
    recordOffset: offset("stackframe"),
    hasMeta: kernelType(kernel, "struct", "frame_record_meta") !== undefined,
    systemCallOffset: offset("syscallno"),
    firstArgumentOffset: offset("orig_x0"),
  };
}

/** Reads registers that an arm64 kernel has saved. */
export class Arm64Registers {
  readonly layout: Arm64Layout;
  readonly #memory: VirtualMemory;

  constructor(memory: VirtualMemory, layout: Arm64Layout) {
    this.#memory = memory;
    this.layout = layout;
  }

  /** @throws {FaultError} */
  read(address: bigint): RegisterSet {
    const names = [...savedRegisters];
    const bytes = this.#memory.read(address, savedRegisters.length * 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = savedRegisters.map((_, index) => view.getBigUint64(index * 8, this.#memory.littleEndian));
    const { systemCallOffset, firstArgumentOffset } = this.layout;
    if (systemCallOffset !== undefined && firstArgumentOffset !== undefined) {
      names.push("orig_x0", "syscallno");
      values.push(this.#memory.readU64(address + firstArgumentOffset));
      values.push(BigInt(this.#memory.readU32(address + systemCallOffset)));
    }
    return new RegisterSet(names, BigUint64Array.from(values));
  }

  /**
   * Registers of a task that is not running.
   * @throws {FaultError}; {@link LayoutError}
   */
  readContext(task: StructReader, address: bigint): RegisterSet {
    const path = "thread.cpu_context";
    if (!task.has(path)) throw new LayoutError(task.type, path);
    const values = contextRegisters.map((name) => task.unsigned(address, `${path}.${name}`));
    const names = contextRegisters.map((name) => (name === "fp" ? "x29" : name));
    return new RegisterSet(names, BigUint64Array.from(values));
  }
}
