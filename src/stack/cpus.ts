import { DwarflessError } from "../io/index.ts";
import { type Kernel, StructReader } from "../kernel/index.ts";
import { kernelType } from "./kernel-types.ts";

/** PANIC_CPU_INVALID: no CPU has panicked. */
const noCpu = -1;

/** What runs where. */
export class Cpus {
  readonly #kernel: Kernel;
  readonly #runqueue: StructReader | undefined;
  #running: Map<bigint, number> | undefined;
  readonly #currents = new Map<number, bigint | undefined>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const type = kernelType(kernel, "struct", "rq");
    this.#runqueue = type !== undefined ? new StructReader(kernel.foundation.memory, type) : undefined;
  }

  /** CPUs that were in use. */
  get online(): readonly number[] {
    return this.#kernel.perCpu.onlineCpus;
  }

  /** CPUs in use, those included that a panic has stopped. */
  get started(): readonly number[] {
    const { possibleCpus, onlineCpus, presentCpus } = this.#kernel.perCpu;
    // After a panic the stopped CPUs are no longer online, though they are there.
    const cpus = this.panicCpu === undefined ? onlineCpus : presentCpus;
    return possibleCpus.filter((cpu) => cpus.includes(cpu));
  }

  /** The task that a CPU runs, its idle task included; undefined where that is not known. */
  current(cpu: number): bigint | undefined {
    if (!this.#currents.has(cpu)) this.#currents.set(cpu, this.#readCurrent(cpu));
    return this.#currents.get(cpu);
  }

  /**
   * The CPU that runs a task; undefined for a task that does not run. A CPU that a panic stopped is no
   * longer online but still has its task; one that never ran has its idle task, too.
   */
  cpuRunning(task: bigint): number | undefined {
    this.#running ??= this.#readRunning();
    return this.#running.get(task);
  }

  #readRunning(): Map<bigint, number> {
    const running = new Map<bigint, number>();
    for (const cpu of this.#kernel.perCpu.possibleCpus) {
      const task = this.current(cpu);
      if (task !== undefined && !running.has(task)) running.set(task, cpu);
    }
    return running;
  }

  /** What a CPU runs when there is nothing else: no task list has it. */
  idle(cpu: number): bigint | undefined {
    return this.#readRunqueue(cpu, "idle");
  }

  /** The CPU that panicked; undefined where none did. */
  get panicCpu(): number | undefined {
    const { memory, symbols } = this.#kernel.foundation;
    // The second is set where the kernel went down another way than by panic().
    for (const name of ["panic_cpu", "crashing_cpu"]) {
      const address = symbols.addressOf(name);
      if (address === undefined) continue;
      try {
        const cpu = memory.readU32(address) | 0;
        if (cpu !== noCpu && this.#kernel.perCpu.possibleCpus.includes(cpu)) return cpu;
      } catch (error) {
        if (!(error instanceof DwarflessError)) throw error;
      }
    }
    return undefined;
  }

  #readCurrent(cpu: number): bigint | undefined {
    const { memory, symbols } = this.#kernel.foundation;
    const { perCpu } = this.#kernel;
    try {
      // x86-64: what the CPU itself takes for current, which changes together with the stack.
      let address = symbols.addressOf("current_task");
      if (address === undefined) {
        const hot = symbols.addressOf("pcpu_hot");
        const member = kernelType(this.#kernel, "struct", "pcpu_hot")?.findMember("current_task");
        if (hot !== undefined && member !== undefined) address = hot + BigInt(member.bitOffset >> 3);
      }
      if (address !== undefined) {
        const task = memory.readU64(perCpu.address(address, cpu));
        if (task !== 0n) return task;
      }
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
    }
    return this.#readRunqueue(cpu, "curr");
  }

  #readRunqueue(cpu: number, member: string): bigint | undefined {
    const address = this.#kernel.foundation.symbols.addressOf("runqueues");
    if (address === undefined || this.#runqueue?.has(member) !== true) return undefined;
    try {
      const task = this.#runqueue.unsigned(this.#kernel.perCpu.address(address, cpu), member);
      return task === 0n ? undefined : task;
    } catch (error) {
      if (error instanceof DwarflessError) return undefined;
      throw error;
    }
  }
}
