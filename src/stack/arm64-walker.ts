import type { RegisterSet } from "../arch/index.ts";
import type { Kernel, StructReader } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { followsArm64Call, hasOwnFrame } from "./arm64-prologue.ts";
import { arm64Layout, Arm64Registers, isArm64UserMode } from "./arm64-registers.ts";
import type { Frame } from "./frame.ts";
import { FrameWalk } from "./frame-walk.ts";
import {
  type FunctionPlace,
  type StackWalker,
  WalkProblem,
  type WalkSources,
  type WalkStart,
} from "./walk.ts";

const kernelHalf = 1n << 63n;
/** Pointer authentication codes where the kernel does not say: all bits above the 48 of its text. */
const defaultCodeMask = 0xffff_0000_0000_0000n;
/** `FRAME_META_TYPE_…` (arch/arm64/include/asm/stacktrace/frame.h, v6.13). */
const metaFinal = 1n;
const metaRegisters = 2n;

/** What the walker needs of an arm64 kernel. */
export interface Arm64Facts {
  registers: Arm64Registers;
  /** Bits of a pointer that hold its authentication code. */
  codeMask: bigint;
  functionAt(address: bigint): FunctionPlace | undefined;
}

/** The facts of a kernel. */
export function arm64Facts(kernel: Kernel): Arm64Facts {
  const stated = kernel.foundation.vmcoreinfo?.number("KERNELPACMASK");
  return {
    registers: new Arm64Registers(kernel.foundation.memory, arm64Layout(kernel)),
    codeMask: stated === undefined ? defaultCodeMask : BigInt.asUintN(64, stated),
    functionAt: (address) => {
      const found = kernel.symbols.find(address);
      if (found === undefined) return undefined;
      const { name, kind } = found.symbol;
      return { name, start: address - BigInt(found.offset), isFunction: kind === "function" };
    },
  };
}

/** Walks stacks of arm64 by frame records: {caller's record, return address}. */
export class Arm64Walker implements StackWalker {
  readonly memory: VirtualMemory;
  readonly registers: Arm64Registers;
  readonly sources: WalkSources;
  readonly #facts: Arm64Facts;

  constructor(sources: WalkSources, facts: Arm64Facts) {
    this.memory = sources.memory;
    this.sources = sources;
    this.registers = facts.registers;
    this.#facts = facts;
  }

  walk(start: WalkStart): Frame[] {
    return new Arm64Walk(this, start).run();
  }

  waitingRegisters(task: StructReader, address: bigint): RegisterSet {
    return this.registers.readContext(task, address);
  }

  isUserMode(registers: RegisterSet): boolean {
    return isArm64UserMode(registers.get("pstate"));
  }

  isReturnAddress(word: bigint): boolean {
    const address = this.withoutCode(word);
    return this.isCode(address) && followsArm64Call(this.memory, address);
  }

  /** True for an address of a function. */
  isCode(address: bigint): boolean {
    return this.functionAt(address - 4n)?.isFunction === true;
  }

  /** A pointer without its authentication code: bit 55 says what the others must be. */
  withoutCode(pointer: bigint): bigint {
    const { codeMask } = this.#facts;
    return (pointer & (1n << 55n)) !== 0n ? pointer | codeMask : pointer & ~codeMask;
  }

  /** The function that an address lies in. */
  functionAt(address: bigint): FunctionPlace | undefined {
    return this.#facts.functionAt(address);
  }
}

/** Names of the code that exceptions enter by: `el1h_64_irq`; from user mode `el0t_64_sync`. */
const entryName = /^(ret_to_|el[01])/;
const userEntryName = /^(ret_to_user|el0)/;

class Arm64Walk extends FrameWalk {
  readonly #walker: Arm64Walker;
  readonly #memory: VirtualMemory;

  constructor(walker: Arm64Walker, start: WalkStart) {
    super(walker, start);
    this.#walker = walker;
    this.#memory = walker.memory;
  }

  run(): Frame[] {
    const { registers } = this.start;
    this.pc = this.#walker.withoutCode(registers.get("pc"));
    this.fp = registers.get("x29");
    this.sp = registers.get("sp");
    if (!registers.has("pstate") || !isArm64UserMode(registers.get("pstate"))) return this.walkOn();
    this.push("user", { registers });
    return this.frames;
  }

  protected override begin(): void {
    this.#throughLink(this.start.registers);
  }

  /** A function interrupted before it had a frame, or that has none: its caller is in the link register. */
  #throughLink(registers: RegisterSet): void {
    if (!registers.has("x30")) return;
    const running = this.#walker.functionAt(this.pc);
    if (running === undefined || hasOwnFrame(this.#memory, running.start, this.pc)) return;
    const link = this.#walker.withoutCode(registers.get("x30"));
    if (!this.#walker.isCode(link)) return;
    this.pc = link;
    // At the first instruction of an exception the link register is the interrupted function's, which may
    // have its frame already and its caller put aside.
    this.push(running.name === "vectors" ? "guess" : "call", {});
  }

  protected override step(): boolean {
    // Before v5.11 the outermost record's caller was nowhere.
    if (this.fp === 0n || this.#isFirstOfException()) return false;
    const lost = this.path.enter(this.fp, true);
    if (lost !== undefined) throw new WalkProblem(lost);
    const record = this.fp;
    const next = this.#memory.readU64(record);
    const link = this.#memory.readU64(record + 8n);
    if (next === 0n && link === 0n) return this.#atMark(record);
    const pc = this.#walker.withoutCode(link);
    if (this.#throughSavedRegisters(record, next, pc)) return true;
    this.#take(pc, record, next);
    return true;
  }

  /** An exception from user mode that has not saved a register yet: the frame is one of user mode. */
  #isFirstOfException(): boolean {
    return (
      this.frames.length === 1 && this.fp < kernelHalf && this.#walker.functionAt(this.pc)?.name === "vectors"
    );
  }

  /** An ordinary record: the return address, and where the caller's record is. */
  #take(address: bigint, record: bigint, next: bigint): void {
    let pc = address;
    let through: string | undefined;
    let kind: Frame["kind"] = "call";
    const { returnAddresses } = this.#walker.sources;
    if (returnAddresses.isReplaced(pc)) {
      const { task } = this.start;
      const restored = task === undefined ? undefined : returnAddresses.restore(task, pc, next, next);
      // Nothing called from the code that stands there instead: it is where the function will return to.
      if (restored === undefined) kind = "exact";
      else {
        pc = this.#walker.withoutCode(restored.address);
        through = restored.through;
      }
    }
    if (pc < kernelHalf) throw new WalkProblem(`0x${pc.toString(16)} is no address of the kernel`);
    this.pc = pc;
    this.sp = record + 16n;
    if (next !== 0n && next <= record && this.start.regions.find(next) === this.path.region) {
      this.push("call", { slot: record + 8n, through });
      throw new WalkProblem(`frame record at 0x${record.toString(16)} leads back to 0x${next.toString(16)}`);
    }
    this.fp = next;
    this.push(kind, { slot: record + 8n, through });
  }

  /** A record of zeros: the end, or since v6.13 saved registers. */
  #atMark(record: bigint): boolean {
    const { recordOffset, hasMeta } = this.#walker.registers.layout;
    if (recordOffset === undefined) return false;
    const address = record - recordOffset;
    if (hasMeta) {
      const type = this.#memory.readU64(record + 16n);
      if (type === metaRegisters) {
        this.#enterSavedRegisters(address);
        return true;
      }
      if (type !== metaFinal) throw new WalkProblem(`frame record of unknown type ${type}`);
    }
    if (userEntryName.test(this.#walker.functionAt(this.pc - 4n)?.name ?? "")) {
      const registers = this.#walker.registers.read(address);
      if (isArm64UserMode(registers.get("pstate"))) {
        this.pc = registers.get("pc");
        this.sp = registers.get("sp");
        this.fp = registers.get("x29");
        this.push("user", { registers, registersAddress: address });
      }
    }
    return false;
  }

  /** Before v6.13 a record in `struct pt_regs` held what was interrupted, and looked like any other. */
  #throughSavedRegisters(record: bigint, next: bigint, pc: bigint): boolean {
    const { recordOffset, hasMeta } = this.#walker.registers.layout;
    if (recordOffset === undefined || hasMeta) return false;
    if (!entryName.test(this.#walker.functionAt(this.pc - 4n)?.name ?? "")) return false;
    const registers = this.#walker.registers.read(record - recordOffset);
    if (registers.get("pc") !== pc || registers.get("x29") !== next) return false;
    this.#enterSavedRegisters(record - recordOffset, registers);
    return true;
  }

  #enterSavedRegisters(address: bigint, registers: RegisterSet = this.#walker.registers.read(address)): void {
    const lost = this.path.enter(registers.get("sp"));
    if (lost !== undefined) throw new WalkProblem(lost);
    this.pc = this.#walker.withoutCode(registers.get("pc"));
    this.sp = registers.get("sp");
    this.fp = registers.get("x29");
    this.push("exact", { registers, registersAddress: address });
    this.#throughLink(registers);
  }
}
