import type { RegisterSet } from "../arch/index.ts";
import { DwarflessError, FaultError } from "../io/index.ts";
import { type Kernel, StructReader } from "../kernel/index.ts";
import { kernelType } from "./kernel-types.ts";
import { arm64Facts, Arm64Walker } from "./arm64-walker.ts";
import { CpuRegisterSource, type RegisterSource } from "./cpu-registers.ts";
import { CpuStacks, threadByteSize } from "./cpu-stacks.ts";
import { Cpus } from "./cpus.ts";
import { type Frame, frame } from "./frame.ts";
import { GeneratedCode } from "./generated-code.ts";
import { guessFrames } from "./guess.ts";
import { OrcSource } from "./orc-source.ts";
import { type StackRegion, StackRegions } from "./regions.ts";
import { ReturnAddresses } from "./return-addresses.ts";
import type { StackWalker } from "./walk.ts";
import { X86Walker } from "./x86-walker.ts";

/** A task's stack, from the innermost function outwards. */
export interface StackTrace {
  /** Address of the `struct task_struct`. */
  task: bigint;
  /** The CPU that ran the task when the dump was made; undefined for one that waited. */
  runningOn: number | undefined;
  /** Where the walk began: what the scheduler kept, or the registers of a CPU; undefined where it could not. */
  startedFrom: "switch" | RegisterSource | undefined;
  frames: Frame[];
  /** Why there are no frames; undefined where there are. */
  absence: string | undefined;
}

/** A function and the place in it. */
export interface FrameSymbol {
  symbol: string;
  /** Bytes from the function's start to `pc`: for return addresses to the instruction behind the call. */
  offset: bigint;
  /** As /proc/kallsyms has it; undefined for the kernel itself. */
  module: string | undefined;
}

export interface StackOptions {
  /** When to stop, as `Date.now()` counts. */
  deadline?: number | undefined;
}

/** Walks the stacks of a kernel's tasks and CPUs. */
export class Stacks {
  readonly kernel: Kernel;
  readonly cpus: Cpus;
  /** Bytes of the stack of a task. */
  readonly threadByteSize: bigint;
  readonly generated: GeneratedCode;
  /** Undefined for architectures that need none. */
  readonly orc: OrcSource | undefined;
  readonly #task: StructReader;
  readonly #cpuStacks: CpuStacks;
  readonly #registers: CpuRegisterSource;
  readonly #walker: StackWalker;

  /** @throws {DwarflessError} `NO_TYPES` without the kernel's own BTF; `ARCHITECTURE` */
  constructor(kernel: Kernel) {
    this.kernel = kernel;
    const type = kernelType(kernel, "struct", "task_struct");
    if (type === undefined)
      throw new DwarflessError("NO_TYPES", "stacks need the kernel's BTF, which this dump has not");
    const { memory } = kernel.foundation;
    this.#task = new StructReader(memory, type);
    this.cpus = new Cpus(kernel);
    this.threadByteSize = threadByteSize(kernel);
    this.generated = new GeneratedCode(kernel);
    this.#cpuStacks = new CpuStacks(kernel, this.threadByteSize);
    this.#registers = new CpuRegisterSource(kernel);
    const sources = { memory, returnAddresses: new ReturnAddresses(kernel) };
    const { name } = memory.translation.architecture;
    if (name === "x86-64") {
      this.orc = new OrcSource(kernel);
      this.#walker = new X86Walker(sources, this.orc, this.generated);
    } else if (name === "aarch64") {
      this.#walker = new Arm64Walker(sources, arm64Facts(kernel));
    } else {
      throw new DwarflessError("ARCHITECTURE", `stacks of ${name} are not known`);
    }
  }

  /** The stack of a task, by the address of its `struct task_struct`. */
  of(task: bigint, options: StackOptions = {}): StackTrace {
    const cpu = this.cpus.cpuRunning(task);
    const trace: StackTrace = {
      task,
      runningOn: cpu,
      startedFrom: undefined,
      frames: [],
      absence: undefined,
    };
    try {
      const region = this.#taskRegion(task);
      if (region.start === 0n) {
        trace.absence = "the task has ended and given its stack back";
        return trace;
      }
      const regions = [region, ...(cpu === undefined ? [] : this.#cpuStacks.of(cpu))];
      let start: { registers: RegisterSet; source: "switch" | RegisterSource } | undefined =
        cpu === undefined
          ? { registers: this.#blockedRegisters(task), source: "switch" }
          : this.#runningRegisters(cpu, regions);
      if (start === undefined) {
        if (this.cpus.online.includes(cpu!)) {
          trace.frames = this.#withoutRegisters(region, cpu!);
          return trace;
        }
        // A CPU that was never started, or taken out of use, left its task as it leaves every other.
        trace.runningOn = undefined;
        start = { registers: this.#blockedRegisters(task), source: "switch" };
      }
      trace.startedFrom = start.source;
      trace.frames = this.#walker.walk({
        registers: start.registers,
        task,
        regions: new StackRegions(regions),
        deadline: options.deadline,
      });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      trace.frames.push(frame(0n, "broken", "unknown", { stackPointer: 0n, problem: error.message }));
    }
    return trace;
  }

  /** What a CPU was doing: the stack of the task that it ran. */
  ofCpu(cpu: number, options: StackOptions = {}): StackTrace | undefined {
    const task = this.cpus.current(cpu);
    return task === undefined ? undefined : this.of(task, options);
  }

  /** The function that a frame is in; undefined for user mode, and where nothing is known. */
  symbolOf({ pc, kind }: Frame): FrameSymbol | undefined {
    if (kind === "user" || kind === "broken" || pc === 0n) return undefined;
    const looked = kind === "exact" ? pc : pc - 1n;
    const found = this.kernel.symbols.find(looked);
    if (found === undefined) {
      const piece = this.generated.find(looked);
      return piece && { symbol: piece.name, offset: pc - piece.start, module: piece.module };
    }
    const { name, address, module } = found.symbol;
    return { symbol: name, offset: pc - address, module };
  }

  #taskRegion(task: bigint): StackRegion {
    const start = this.#task.unsigned(task, "stack");
    return { kind: "task", start, end: start + this.threadByteSize };
  }

  #blockedRegisters(task: bigint): RegisterSet {
    return this.#walker.waitingRegisters(this.#task, task);
  }

  /** The registers of a CPU that fit: in user mode, or with a stack pointer that is in one of its stacks. */
  #runningRegisters(
    cpu: number,
    regions: readonly StackRegion[],
  ): { registers: RegisterSet; source: RegisterSource } | undefined {
    const all = new StackRegions(regions);
    return this.#registers
      .of(cpu)
      .find(
        ({ registers }) => this.#walker.isUserMode(registers) || all.find(registers.get("sp")) !== undefined,
      );
  }

  /** A running task whose registers the dump has not: what its stack has, as guesses. */
  #withoutRegisters(region: StackRegion, cpu: number): Frame[] {
    const problem = `the dump has no registers of CPU ${cpu}, on which this task ran`;
    return [
      frame(0n, "broken", "task", { stackPointer: region.start, problem }),
      ...guessFrames(this.#walker, region, region.start),
    ];
  }
}
