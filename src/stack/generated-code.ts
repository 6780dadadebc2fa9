import { FaultError } from "../io/index.ts";
import { type Kernel, StructReader } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { kernelType } from "./kernel-types.ts";

/** A piece of code that the kernel wrote at run time. */
export interface GeneratedPiece {
  name: string;
  /** As /proc/kallsyms names where such code is from. */
  module: string;
  start: bigint;
  end: bigint;
  /** Address of the code it is a copy of, for the address that was asked; undefined where it is none. */
  like: bigint | undefined;
}

const maximumTrampolines = 10_000;
/** `FTRACE_OPS_FL_SAVE_REGS` (include/linux/ftrace.h). */
const saveRegistersFlag = 1n << 2n;

interface Trampoline {
  start: bigint;
  end: bigint;
  origin: bigint | undefined;
}

/** The part of a function that its compiler put elsewhere; calls name the function. */
const partName = /\.cold(?:\.\d+)?$/;

/** Code without unwind data of its own: trampolines of ftrace, programs of BPF, functions left out of ORC. */
export class GeneratedCode {
  readonly #kernel: Kernel;
  readonly #memory: VirtualMemory;
  #trampolines: readonly Trampoline[] | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#memory = kernel.foundation.memory;
  }

  find(address: bigint): GeneratedPiece | undefined {
    this.#trampolines ??= this.#readTrampolines();
    for (const { start, end, origin } of this.#trampolines) {
      if (address < start || address >= end) continue;
      return {
        name: "ftrace_trampoline",
        module: "__builtin__ftrace",
        start,
        end,
        like: origin === undefined ? undefined : origin + (address - start),
      };
    }
    const found = this.#kernel.symbols.find(address);
    if (found === undefined || found.symbol.module !== "bpf") return undefined;
    const start = found.symbol.address;
    const end = start + BigInt(found.symbol.byteSize);
    return { name: found.symbol.name, module: "bpf", start, end, like: undefined };
  }

  /** Where the function begins that an address lies in; of a part that was split off, the whole function's begin. */
  entriesOf(address: bigint): readonly bigint[] {
    const found = this.#kernel.symbols.find(address);
    if (found === undefined) return [];
    const { name, address: start, module } = found.symbol;
    if (!partName.test(name)) return [start];
    const whole = this.#kernel.symbols.named(name.replace(partName, ""), module ?? "");
    return whole.map((symbol) => symbol.address);
  }

  /** True where code may lie that no list has: it is mapped, and no part of the kernel or a module. */
  mayHold(address: bigint): boolean {
    const found = this.#kernel.symbols.find(address);
    if (found !== undefined) return false;
    try {
      this.#memory.readU8(address);
      return true;
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  }

  /** `ftrace_ops_list` (kernel/trace/ftrace.c): a trampoline is a copy of one of two routines. */
  #readTrampolines(): Trampoline[] {
    const { symbols } = this.#kernel.foundation;
    const head = symbols.addressOf("ftrace_ops_list");
    const end = symbols.addressOf("ftrace_list_end");
    const type = kernelType(this.#kernel, "struct", "ftrace_ops");
    if (head === undefined || type === undefined) return [];
    const reader = new StructReader(this.#memory, type);
    if (!["trampoline", "trampoline_size", "next", "flags"].every((member) => reader.has(member))) return [];
    const found: Trampoline[] = [];
    try {
      let at = this.#memory.readU64(head);
      for (let step = 0; at !== 0n && at !== end && step < maximumTrampolines; step++) {
        const start = reader.unsigned(at, "trampoline");
        const byteSize = reader.unsigned(at, "trampoline_size");
        if (start !== 0n && byteSize > 0n && byteSize < 1n << 20n) {
          const saves = (reader.unsigned(at, "flags") & saveRegistersFlag) !== 0n;
          const origin = symbols.addressOf(saves ? "ftrace_regs_caller" : "ftrace_caller");
          found.push({ start, end: start + byteSize, origin });
        }
        at = reader.unsigned(at, "next");
      }
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
    return found;
  }
}
