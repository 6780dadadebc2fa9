import { DwarflessError, FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Type } from "../program/index.ts";
import type { RegisterSet } from "../arch/index.ts";
import type { Frame } from "./frame.ts";
import { FunctionTypes } from "./function-types.ts";
import { kernelType } from "./kernel-types.ts";
import type { FrameSymbol, Stacks } from "./stacks.ts";

/** A parameter of a function on a stack. */
export interface Argument {
  /** Empty where its declaration has none. */
  name: string;
  /** As C writes it. */
  type: string;
  /** Undefined where it is not proved. */
  value: bigint | undefined;
}

/** The system call that a stack is in. */
export interface SystemCall {
  number: number;
  /** Without `sys_`; undefined where the kernel does not tell. */
  name: string | undefined;
  arguments: readonly Argument[];
}

/** Registers that carry arguments of functions, and of system calls. */
const callRegisters = {
  "x86-64": ["di", "si", "dx", "cx", "r8", "r9"],
  aarch64: ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"],
} as const;
const systemCallRegisters = {
  "x86-64": ["di", "si", "dx", "r10", "r8", "r9"],
  // The result takes the place of the first, which is kept aside.
  aarch64: ["orig_x0", "x1", "x2", "x3", "x4", "x5"],
} as const;

/** Functions that system calls enter by; each architecture has its prefix. */
const systemCallName = /^__(?:x64|ia32|arm64|do|se)_(?:compat_)?sys_(\w+?)(?:\.\w+)*$/;
/** The body of a system call: its wrapper does nothing but take its arguments out of the saved registers. */
const wrappedCall = /^__(?:do|se)_sys_/;
/** Functions that the entry code of an exception or interrupt calls with its saved registers. */
const entryFunction =
  /^(?:exc_\w+|sysvec_\w+|common_interrupt|spurious_interrupt|do_syscall_64|do_int80_\w+|el[01]\w*_handler)$/;
/** Functions that every system call of the tables is called as, with the registers saved at entry. */
const registersFunction = /^__(?:x64|ia32|arm64)_(?:compat_)?sys_/;
/** No system call has a larger number. */
const maximumSystemCall = 1024;
/** More parameters than registers carry. */
const maximumArguments = 6;

/** Arguments of the functions on a stack, as far as they can be proved. */
export class Arguments {
  readonly #stacks: Stacks;
  readonly #kernel: Kernel;
  readonly #functions: FunctionTypes;
  readonly #machine: "x86-64" | "aarch64";

  constructor(stacks: Stacks) {
    this.#stacks = stacks;
    this.#kernel = stacks.kernel;
    this.#functions = new FunctionTypes(stacks.kernel);
    const { name } = stacks.kernel.foundation.memory.translation.architecture;
    this.#machine = name === "aarch64" ? "aarch64" : "x86-64";
  }

  /**
   * Parameters of the function of a frame. Values are given where it is certain that they are theirs:
   * the saved registers that entry code hands on, and the argument registers at a function's first
   * instruction. Compiled code keeps no others for sure.
   * @returns undefined where BTF does not know the function
   */
  of(frames: readonly Frame[], index: number): readonly Argument[] | undefined {
    const frame = frames[index]!;
    const symbol = this.#stacks.symbolOf(frame);
    if (symbol === undefined) return undefined;
    const prototype = this.#functions.find(symbol.symbol, symbol.module);
    if (prototype === undefined) return undefined;
    if (wrappedCall.test(symbol.symbol)) return this.systemCall(frames)?.arguments;
    const saved = this.#savedFor(frames, index, symbol);
    return prototype.parameters.map(({ name, type }, position) => ({
      name,
      type: type.typeName(),
      value: isSavedRegisters(type) ? saved : this.#atEntry(frame, symbol, position, prototype),
    }));
  }

  /** The system call that a task was in, by its registers at the end of the stack. */
  systemCall(frames: readonly Frame[]): SystemCall | undefined {
    const last = frames.at(-1);
    const registers = last?.registers;
    if (last?.kind !== "user" || registers === undefined || frames.length < 2) return undefined;
    const number = this.#systemCallNumber(frames, registers);
    if (number === undefined) return undefined;
    const fromFrames = frames
      .map((frame) => systemCallName.exec(this.#stacks.symbolOf(frame)?.symbol ?? "")?.[1])
      .findLast((name) => name !== undefined);
    const name = fromFrames ?? this.#nameInTable(number);
    return { number, name, arguments: this.#systemCallArguments(name, registers) };
  }

  /** Where the registers saved by entry code lie, for the function that it called with them. */
  #savedFor(frames: readonly Frame[], index: number, { symbol }: FrameSymbol): bigint | undefined {
    if (entryFunction.test(symbol)) {
      // The caller is the entry code, whose frame ends where the registers were saved.
      return frames[index + 2]?.registersAddress;
    }
    const last = frames.at(-1);
    if (!registersFunction.test(symbol) || last?.kind !== "user") return undefined;
    return last.registersAddress;
  }

  #atEntry(frame: Frame, { offset }: FrameSymbol, position: number, type: Type): bigint | undefined {
    if (frame.kind !== "exact" || offset !== 0n || frame.registers === undefined) return undefined;
    // Values in several registers, or on the stack, move those that follow.
    if (!type.parameters.slice(0, position + 1).every((each) => isPlain(each.type))) return undefined;
    const register = callRegisters[this.#machine][position];
    return register !== undefined && frame.registers.has(register)
      ? frame.registers.get(register)
      : undefined;
  }

  #systemCallNumber(frames: readonly Frame[], registers: RegisterSet): number | undefined {
    const name = this.#machine === "aarch64" ? "syscallno" : "orig_ax";
    if (!registers.has(name)) return undefined;
    const entry = this.#stacks.symbolOf(frames.at(-2)!)?.symbol ?? "";
    const isEntry =
      this.#machine === "aarch64"
        ? /^el0t?_64_sync/
        : /^(?:entry_SYSCALL|entry_INT80|asm_int80|ret_from_fork)/;
    if (!isEntry.test(entry)) return undefined;
    const number = Number(BigInt.asIntN(32, registers.get(name)));
    return number >= 0 && number < maximumSystemCall ? number : undefined;
  }

  /** The function that the kernel's table has under a number. */
  #nameInTable(number: number): string | undefined {
    const { memory, symbols } = this.#kernel.foundation;
    const table = symbols.addressOf("sys_call_table");
    if (table === undefined) return undefined;
    try {
      const found = this.#kernel.symbols.find(memory.readU64(table + BigInt(number * 8)));
      return systemCallName.exec(found?.symbol.name ?? "")?.[1];
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
  }

  #systemCallArguments(name: string | undefined, registers: RegisterSet): Argument[] {
    const declared = name === undefined ? undefined : (this.#fromBtf(name) ?? this.#fromMetadata(name));
    if (declared === undefined) return [];
    return declared.slice(0, maximumArguments).map((each, position) => {
      const register = systemCallRegisters[this.#machine][position]!;
      const raw = registers.has(register) ? registers.get(register) : undefined;
      return { name: each.name, type: each.type, value: raw === undefined ? undefined : each.narrow(raw) };
    });
  }

  /** `__do_sys_NAME` has the types that the system call was defined with. */
  #fromBtf(name: string): Declared[] | undefined {
    const type = this.#functions.find(`__do_sys_${name}`, undefined);
    return type?.parameters.map((each) => ({
      name: each.name,
      type: each.type.typeName(),
      narrow: (value: bigint) => narrowed(value, each.type.byteSizeIf),
    }));
  }

  /** Names and types as text, which the kernel keeps for tracing system calls: `struct syscall_metadata`. */
  #fromMetadata(name: string): Declared[] | undefined {
    const address = this.#kernel.foundation.symbols.addressOf(`__syscall_meta__${name}`);
    const struct = kernelType(this.#kernel, "struct", "syscall_metadata");
    if (address === undefined || struct === undefined) return undefined;
    try {
      const metadata = this.#kernel.program.object(address, struct);
      // A bit field since v7.0.
      const count = Math.min(metadata.member("nb_args").number(), maximumArguments);
      return Array.from({ length: count }, (_, index) => {
        const type = metadata.member("types").at(index).string(128);
        const byteSize = this.#kernel.types.find(type)?.byteSizeIf;
        return {
          name: metadata.member("args").at(index).string(64),
          type,
          narrow: (value: bigint) => narrowed(value, byteSize),
        };
      });
    } catch (error) {
      if (error instanceof DwarflessError) return undefined;
      throw error;
    }
  }
}

interface Declared {
  name: string;
  type: string;
  narrow: (value: bigint) => bigint;
}

/** The part of a register that belongs to a type; the rest is whatever the caller left there. */
function narrowed(value: bigint, byteSize: number | undefined): bigint {
  return byteSize !== undefined && byteSize < 8 ? BigInt.asUintN(byteSize * 8, value) : value;
}

function isSavedRegisters(type: Type): boolean {
  const { kind, target } = type.underlying;
  return kind === "pointer" && target?.underlying.kind === "struct" && target.underlying.name === "pt_regs";
}

/** True for values that take one register. */
function isPlain(type: Type): boolean {
  const { kind, byteSizeIf } = type.underlying;
  return (
    (kind === "int" || kind === "bool" || kind === "enum" || kind === "pointer") && (byteSizeIf ?? 16) <= 8
  );
}
