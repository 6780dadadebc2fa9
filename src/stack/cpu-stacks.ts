import { DwarflessError } from "../io/index.ts";
import { type Kernel, StructReader } from "../kernel/index.ts";
import { kernelType } from "./kernel-types.ts";
import type { StackKind } from "./frame.ts";
import type { StackRegion } from "./regions.ts";

const defaultThreadByteSize = 0x4000n;
const defaultIrqByteSize = 0x4000n;
const pageByteSize = 4096n;

/** Name of an exception stack in `struct cea_exception_stacks`, without `_stack`. */
const exceptionKinds: Readonly<Record<string, StackKind>> = {
  DF: "double-fault",
  NMI: "nmi",
  DB: "debug",
  MCE: "machine-check",
  VC: "vmm-exception",
  VC2: "vmm-exception",
};

/** Bytes of a task's stack: THREAD_SIZE is no variable, but the first task's stack has labels around it. */
export function threadByteSize(kernel: Kernel): bigint {
  const { symbols } = kernel.foundation;
  for (const name of ["init_stack", "init_task"]) {
    // v6.10 (8f69cba096b5) renamed the labels.
    const start = symbols.addressOf(`__start_${name}`);
    const end = symbols.addressOf(`__end_${name}`);
    if (start === undefined || end === undefined) continue;
    const byteSize = end - start;
    if (byteSize >= pageByteSize && byteSize <= 1n << 20n) return byteSize;
  }
  const union = kernelType(kernel, "union", "thread_union");
  const stack = union?.findMember("stack")?.type.byteSizeIf;
  return stack === undefined ? defaultThreadByteSize : BigInt(stack);
}

/** The stacks that each CPU has besides those of tasks. */
export class CpuStacks {
  readonly #kernel: Kernel;
  readonly #threadByteSize: bigint;
  readonly #known = new Map<number, readonly StackRegion[]>();

  constructor(kernel: Kernel, threadSize: bigint) {
    this.#kernel = kernel;
    this.#threadByteSize = threadSize;
  }

  of(cpu: number): readonly StackRegion[] {
    let regions = this.#known.get(cpu);
    if (regions === undefined) {
      regions = [];
      const readers = [
        () => this.#irq(cpu),
        () => this.#exceptions(cpu),
        () => this.#entry(cpu),
        () => this.#arm64(cpu),
      ];
      for (const read of readers) {
        try {
          regions = [...regions, ...read()];
        } catch (error) {
          // A stack whose place cannot be read is one that no walk enters.
          if (!(error instanceof DwarflessError)) throw error;
        }
      }
      this.#known.set(cpu, regions);
    }
    return regions;
  }

  /** A CPU's copy of a per-CPU variable; of its member before some release. */
  #perCpu(cpu: number, name: string, hot?: string): bigint | undefined {
    const { symbols } = this.#kernel.foundation;
    const address = symbols.addressOf(name);
    if (address !== undefined) return this.#kernel.perCpu.address(address, cpu);
    // v6.2 to v6.14 kept the hottest variables in one struct.
    const together = symbols.addressOf("pcpu_hot");
    const type = kernelType(this.#kernel, "struct", "pcpu_hot");
    const member = hot === undefined ? undefined : type?.findMember(hot);
    if (together === undefined || member === undefined) return undefined;
    return this.#kernel.perCpu.address(together, cpu) + BigInt(member.bitOffset >> 3);
  }

  /** x86-64: `hardirq_stack_ptr` is the top, less the word that keeps the interrupted stack pointer. */
  #irq(cpu: number): StackRegion[] {
    const at = this.#perCpu(cpu, "hardirq_stack_ptr", "hardirq_stack_ptr");
    if (at === undefined) return [];
    const top = this.#kernel.foundation.memory.readU64(at);
    if (top === 0n) return [];
    const type = kernelType(this.#kernel, "struct", "irq_stack");
    const byteSize = type?.byteSizeIf === undefined ? defaultIrqByteSize : BigInt(type.byteSizeIf);
    const end = (top + pageByteSize - 1n) & ~(pageByteSize - 1n);
    return [{ kind: "irq", start: end - byteSize, end }];
  }

  /** x86-64: stacks that the processor itself switches to (IST). */
  #exceptions(cpu: number): StackRegion[] {
    const at = this.#perCpu(cpu, "cea_exception_stacks");
    const type = kernelType(this.#kernel, "struct", "cea_exception_stacks");
    if (at === undefined || type === undefined) return [];
    const base = this.#kernel.foundation.memory.readU64(at);
    const regions: StackRegion[] = [];
    for (const { name, type: member, bitOffset } of type.members) {
      const match = /^(.+)_stack$/.exec(name);
      const byteSize = member.byteSizeIf ?? 0;
      if (match === null || byteSize === 0 || base === 0n) continue;
      const start = base + BigInt(bitOffset >> 3);
      regions.push({ kind: exceptionKinds[match[1]!] ?? "exception", start, end: start + BigInt(byteSize) });
    }
    return regions;
  }

  /** x86-64: the page that entry from user mode begins on; the task state segment points to its top. */
  #entry(cpu: number): StackRegion[] {
    const at = this.#perCpu(cpu, "cpu_tss_rw");
    const type = kernelType(this.#kernel, "struct", "tss_struct");
    if (at === undefined || type === undefined) return [];
    const reader = new StructReader(this.#kernel.foundation.memory, type);
    if (!reader.has("x86_tss.sp0")) return [];
    const end = reader.unsigned(at, "x86_tss.sp0");
    return end === 0n ? [] : [{ kind: "entry", start: end - pageByteSize, end }];
  }

  /** arm64: pointers to the lowest addresses. */
  #arm64(cpu: number): StackRegion[] {
    const regions: StackRegion[] = [];
    const add = (kind: StackKind, start: bigint, byteSize: bigint): void => {
      if (start !== 0n) regions.push({ kind, start, end: start + byteSize });
    };
    const { memory } = this.#kernel.foundation;
    for (const [name, kind] of [
      ["irq_stack_ptr", "irq"],
      ["sdei_stack_normal_ptr", "sdei"],
      ["sdei_stack_critical_ptr", "sdei"],
    ] as const) {
      const at = this.#perCpu(cpu, name);
      if (at !== undefined) add(kind, memory.readU64(at), this.#threadByteSize);
    }
    const overflow = this.#perCpu(cpu, "overflow_stack");
    if (overflow !== undefined) add("overflow", overflow, pageByteSize);
    return regions;
  }
}
