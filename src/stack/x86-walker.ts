import type { RegisterSet } from "../arch/index.ts";
import type { StructReader } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import {
  ORC_REGISTER_AX,
  ORC_REGISTER_BP,
  ORC_REGISTER_BP_INDIRECT,
  ORC_REGISTER_DI,
  ORC_REGISTER_DX,
  ORC_REGISTER_PREV_SP,
  ORC_REGISTER_R10,
  ORC_REGISTER_R13,
  ORC_REGISTER_SP,
  ORC_REGISTER_SP_INDIRECT,
  ORC_REGISTER_UNDEFINED,
  ORC_TYPE_CALL,
  ORC_TYPE_END_OF_STACK,
  ORC_TYPE_REGS,
  ORC_TYPE_REGS_PARTIAL,
  ORC_TYPE_UNDEFINED,
  orcFramePointerEntry,
  type OrcEntry,
} from "../orc/index.ts";
import type { Frame } from "./frame.ts";
import { FrameWalk } from "./frame-walk.ts";
import {
  type StackWalker,
  type UnknownCode,
  type UnwindData,
  WalkProblem,
  type WalkSources,
  type WalkStart,
} from "./walk.ts";
import { calledBefore, followsX86Call } from "./x86-call.ts";
import {
  isX86UserMode,
  readX86InactiveFrame,
  readX86Registers,
  x86HardwarePartOffset,
} from "./x86-registers.ts";

const kernelHalf = 1n << 63n;

/** Register of `struct pt_regs` that ORC may count from, when a frame has all of them. */
const wholeSetRegisters: ReadonlyMap<number, string> = new Map([
  [ORC_REGISTER_AX, "ax"],
  [ORC_REGISTER_DX, "dx"],
  [ORC_REGISTER_DI, "di"],
  [ORC_REGISTER_R10, "r10"],
  [ORC_REGISTER_R13, "r13"],
]);

/** Walks stacks of x86-64 by ORC, as arch/x86/kernel/unwind_orc.c defines it. */
export class X86Walker implements StackWalker {
  readonly memory: VirtualMemory;
  readonly #orc: UnwindData;
  readonly #generated: UnknownCode;
  readonly #sources: WalkSources;

  constructor(sources: WalkSources, orc: UnwindData, generated: UnknownCode) {
    this.memory = sources.memory;
    this.#sources = sources;
    this.#orc = orc;
    this.#generated = generated;
  }

  walk(start: WalkStart): Frame[] {
    return new X86Walk(this.#sources, this.#orc, this.#generated, this, start).run();
  }

  waitingRegisters(task: StructReader, address: bigint): RegisterSet {
    return readX86InactiveFrame(this.memory, task.unsigned(address, "thread.sp"));
  }

  isUserMode(registers: RegisterSet): boolean {
    return isX86UserMode(registers.get("cs"));
  }

  isReturnAddress(word: bigint): boolean {
    return this.#orc.isCode(word) && followsX86Call(this.memory, word);
  }
}

class X86Walk extends FrameWalk {
  readonly #memory: VirtualMemory;
  readonly #sources: WalkSources;
  readonly #orc: UnwindData;
  readonly #generated: UnknownCode;
  /** True while `pc` is an instruction to run rather than one behind a call. */
  #exact = true;
  /** Registers of this frame; all of them where `#isWhole`. */
  #registers: RegisterSet | undefined;
  #isWhole = false;
  /** The last whole set: the processor's part alone was saved on top of it. */
  #outer: RegisterSet | undefined;
  /** First frame that rests on an unproved frame pointer. */
  #unprovedFrom: number | undefined;

  constructor(
    sources: WalkSources,
    orc: UnwindData,
    generated: UnknownCode,
    walker: StackWalker,
    start: WalkStart,
  ) {
    super(walker, start);
    this.#sources = sources;
    this.#memory = sources.memory;
    this.#orc = orc;
    this.#generated = generated;
  }

  run(): Frame[] {
    const { registers } = this.start;
    this.pc = registers.get("ip");
    this.sp = registers.get("sp");
    this.fp = registers.get("bp");
    this.#registers = registers;
    this.#isWhole = registers.has("di");
    if (!registers.has("cs") || !isX86UserMode(registers.get("cs"))) return this.walkOn();
    this.push("user", { registers });
    return this.frames;
  }

  protected override beforeBreak(): void {
    // What rests on a frame pointer of generated code is proved by reaching the end of the stack only.
    if (this.#unprovedFrom === undefined) return;
    for (const each of this.frames.slice(this.#unprovedFrom)) each.kind = "guess";
  }

  protected override step(): boolean {
    const entry = this.#entry();
    if (entry.type === ORC_TYPE_END_OF_STACK) {
      this.#unprovedFrom = undefined;
      return false;
    }
    if (entry.type === ORC_TYPE_UNDEFINED) return this.#leaveByCallSite();
    const cfa = this.#frameAddress(entry);
    const bp = this.#framePointer(entry, cfa);
    switch (entry.type) {
      case ORC_TYPE_CALL:
        return this.#leaveByCall(cfa, bp);
      case ORC_TYPE_REGS:
        return this.#leaveByRegisters(cfa, bp ?? this.#memory.readU64(cfa + 32n), false);
      case ORC_TYPE_REGS_PARTIAL:
        return this.#leaveByRegisters(cfa - BigInt(x86HardwarePartOffset), bp ?? this.fp, true);
      default:
        throw new WalkProblem("unwind data that makes no sense");
    }
  }

  #entry(): OrcEntry {
    const known = this.#orc.forFrame(this.pc, this.#exact);
    if (known !== undefined) return known;
    const code = this.#generated.find(this.#exact ? this.pc : this.pc - 1n);
    if (code?.like !== undefined) {
      const like = this.#orc.find(code.like);
      if (like !== undefined) return like;
    }
    if (code === undefined && !this.#generated.mayHold(this.pc)) {
      throw new WalkProblem(`0x${this.pc.toString(16)} is no code of this kernel`);
    }
    // Generated code has no ORC; that of BPF keeps a frame pointer.
    this.#unprovedFrom ??= this.frames.length;
    return orcFramePointerEntry;
  }

  /** Where the caller's stack began: the canonical frame address. */
  #frameAddress(entry: OrcEntry): bigint {
    const offset = BigInt(entry.spOffset);
    const add = (base: bigint): bigint => BigInt.asUintN(64, base + offset);
    switch (entry.spRegister) {
      case ORC_REGISTER_SP:
        return add(this.sp);
      case ORC_REGISTER_BP:
        return add(this.fp);
      case ORC_REGISTER_SP_INDIRECT:
        return add(this.#memory.readU64(this.sp));
      case ORC_REGISTER_BP_INDIRECT:
        return this.#memory.readU64(add(this.fp));
    }
    const name = wholeSetRegisters.get(entry.spRegister);
    if (name === undefined) throw new WalkProblem("unwind data that makes no sense");
    const set = this.#isWhole ? this.#registers : this.#outer;
    if (set === undefined || !set.has(name))
      throw new WalkProblem(`register ${name} of this frame is not known`);
    return add(set.get(name));
  }

  /** The caller's frame pointer; undefined where it was not saved. */
  #framePointer(entry: OrcEntry, cfa: bigint): bigint | undefined {
    const offset = BigInt(entry.bpOffset);
    switch (entry.bpRegister) {
      case ORC_REGISTER_UNDEFINED:
        return undefined;
      case ORC_REGISTER_PREV_SP:
        return this.#memory.readU64(cfa + offset);
      case ORC_REGISTER_BP:
        return this.#memory.readU64(BigInt.asUintN(64, this.fp + offset));
      default:
        throw new WalkProblem("unwind data that makes no sense");
    }
  }

  /**
   * Leave a function that the kernel leaves out of ORC, as `__crash_kexec`, which every panic that is
   * dumped by kexec ends in. The return address is the next word up the stack that points behind a call
   * of that very function. What follows is proved by the end of the stack.
   */
  #leaveByCallSite(): boolean {
    const entries = this.#generated.entriesOf(this.#exact ? this.pc : this.pc - 1n);
    const end = this.path.region?.end ?? 0n;
    for (let slot = (this.sp + 7n) & ~7n; entries.length > 0 && slot < end; slot += 8n) {
      const word = this.#memory.readU64(slot);
      if (word < kernelHalf || !this.#orc.isCode(word)) continue;
      const called = calledBefore(this.#memory, word);
      if (called === undefined || !entries.includes(called)) continue;
      this.#unprovedFrom ??= this.frames.length;
      return this.#leaveByCall(slot + 8n, undefined);
    }
    throw new WalkProblem("no unwind data for this address");
  }

  #leaveByCall(cfa: bigint, bp: bigint | undefined): boolean {
    const slot = cfa - 8n;
    let pc = this.#memory.readU64(slot);
    let through: string | undefined;
    const { returnAddresses } = this.#sources;
    const { task } = this.start;
    if (returnAddresses.isReplaced(pc)) {
      const restored = task === undefined ? undefined : returnAddresses.restore(task, pc, slot);
      if (restored === undefined) {
        this.#moveTo(pc, cfa, bp ?? this.fp, false);
        // Nothing called from there: it is where the processor will return to.
        this.push("exact", { slot });
        throw new WalkProblem("the return address was replaced, and the kernel's note of it is not found");
      }
      pc = restored.address;
      through = restored.through;
    }
    this.#isWhole = false;
    this.#registers = undefined;
    this.#outer = undefined;
    this.#moveTo(pc, cfa, bp ?? this.fp, false);
    this.push("call", { slot, through });
    return true;
  }

  #leaveByRegisters(address: bigint, bp: bigint, partial: boolean): boolean {
    const registers = readX86Registers(this.#memory, address, partial);
    if (this.#isWhole) this.#outer = this.#registers;
    this.#registers = registers;
    this.#isWhole = !partial;
    const pc = registers.get("ip");
    const slot = address + BigInt(x86HardwarePartOffset);
    if (isX86UserMode(registers.get("cs"))) {
      this.pc = pc;
      this.sp = registers.get("sp");
      this.fp = bp;
      this.push("user", { slot, registers, registersAddress: address });
      this.#unprovedFrom = undefined;
      return false;
    }
    this.#moveTo(pc, registers.get("sp"), bp, true);
    this.push("exact", { slot, registers, registersAddress: address });
    return true;
  }

  #moveTo(pc: bigint, sp: bigint, bp: bigint, exact: boolean): void {
    const lost = this.path.enter(sp);
    if (lost !== undefined) throw new WalkProblem(lost);
    if (pc < kernelHalf && !(exact && pc === 0n))
      throw new WalkProblem(`0x${pc.toString(16)} is no address of the kernel`);
    this.pc = pc;
    this.sp = sp;
    this.fp = bp;
    this.#exact = exact;
  }
}
