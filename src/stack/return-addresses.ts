import { FaultError } from "../io/index.ts";
import { type Kernel, StructReader } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { kernelType } from "./kernel-types.ts";

/** A return address that was put aside by tracing. */
export interface RestoredAddress {
  address: bigint;
  /** Name of the code that stood in its place. */
  through: string;
}

/** Longest chain of return addresses put aside for one task. */
const maximumDepth = 4096;

/**
 * Return addresses that the kernel has replaced to learn of returns, and where it keeps the real ones:
 * function graph tracing, rethooks (kretprobes and fprobes since v5.18), kretprobes before.
 */
export class ReturnAddresses {
  readonly #memory: VirtualMemory;
  readonly #graph: ReadonlySet<bigint>;
  readonly #hook: ReadonlySet<bigint>;
  readonly #task: StructReader | undefined;
  readonly #rethook: StructReader | undefined;
  readonly #kretprobe: StructReader | undefined;
  readonly #graphEntry: StructReader | undefined;

  constructor(kernel: Kernel) {
    this.#memory = kernel.foundation.memory;
    const { symbols, memory } = kernel.foundation;
    const addresses = (...names: string[]): Set<bigint> => {
      const found = names.map((name) => symbols.addressOf(name));
      return new Set(found.filter((address) => address !== undefined));
    };
    this.#graph = addresses("return_to_handler");
    this.#hook = addresses("arch_rethook_trampoline", "__kretprobe_trampoline", "kretprobe_trampoline");
    const reader = (name: string): StructReader | undefined => {
      const type = kernelType(kernel, "struct", name);
      return type !== undefined ? new StructReader(memory, type) : undefined;
    };
    this.#task = reader("task_struct");
    this.#rethook = reader("rethook_node");
    this.#kretprobe = reader("kretprobe_instance");
    this.#graphEntry = reader("ftrace_ret_stack");
  }

  /** True for an address that stands in the place of a return address. */
  isReplaced(address: bigint): boolean {
    return this.#graph.has(address) || this.#hook.has(address);
  }

  /**
   * The return address that belongs into a slot of the stack.
   * @param framePointer what functions note as their frame where the slot is not known (arm64)
   * @returns undefined where the kernel's notes do not have it
   */
  restore(task: bigint, address: bigint, slot: bigint, framePointer?: bigint): RestoredAddress | undefined {
    try {
      if (this.#graph.has(address)) {
        const found = this.#fromGraph(task, slot, framePointer);
        return found === undefined ? undefined : { address: found, through: "return_to_handler" };
      }
      const found = this.#fromRethooks(task, slot, framePointer) ?? this.#fromKretprobes(task, slot);
      return found === undefined ? undefined : { address: found, through: "arch_rethook_trampoline" };
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
  }

  /** Function graph: `task.ret_stack`, filled from its start. */
  #fromGraph(task: bigint, slot: bigint, framePointer: bigint | undefined): bigint | undefined {
    const reader = this.#task;
    const entry = this.#graphEntry;
    if (reader === undefined || entry === undefined) return undefined;
    if (!reader.has("ret_stack") || !reader.has("curr_ret_stack") || !entry.has("ret")) return undefined;
    const base = reader.unsigned(task, "ret_stack");
    const current = Number(BigInt.asIntN(32, reader.unsigned(task, "curr_ret_stack")));
    if (base === 0n || current < 0 || current > maximumDepth) return undefined;
    const byteSize = BigInt(entry.type.byteSize);
    const fits = (at: bigint): bigint | undefined => {
      const ret = entry.unsigned(at, "ret");
      if (this.#graph.has(ret)) return undefined;
      const retp = entry.has("retp") ? entry.unsigned(at, "retp") : undefined;
      if (retp !== undefined && retp === slot) return ret;
      const fp = entry.has("fp") && framePointer !== undefined ? entry.unsigned(at, "fp") : undefined;
      return fp !== undefined && fp === framePointer ? ret : undefined;
    };
    const target = reader.typeOf("ret_stack").underlying.target?.underlying;
    if (target?.isComposite === true) {
      // Until v6.10 an array of entries, the last one in use by its number.
      for (let index = current; index >= 0; index--) {
        const found = fits(base + BigInt(index) * byteSize);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    // v6.11 (42675b723b48): words; behind each entry is one whose low bits say how far back it begins.
    for (let index = current, steps = 0; index > 0 && steps < maximumDepth; steps++) {
      index--;
      const back = Number(this.#memory.readU64(base + BigInt(index * 8)) & 0x3ffn);
      if (back === 0 || back > index) return undefined;
      index -= back;
      const found = fits(base + BigInt(index * 8));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** `task.rethooks.first`, a chain of `struct rethook_node`. */
  #fromRethooks(task: bigint, slot: bigint, framePointer: bigint | undefined): bigint | undefined {
    const reader = this.#task;
    const node = this.#rethook;
    if (reader?.has("rethooks.first") !== true || node === undefined) return undefined;
    const link = node.firstOf("llist", "node", "list");
    if (link === undefined || !node.has("ret_addr") || !node.has("frame")) return undefined;
    let at = reader.unsigned(task, "rethooks.first");
    for (let step = 0; at !== 0n && step < maximumDepth; step++) {
      const address = BigInt.asUintN(64, at - node.byteOffset(link));
      const noted = node.unsigned(address, "frame");
      const ret = node.unsigned(address, "ret_addr");
      if ((noted === slot || noted === framePointer) && !this.#hook.has(ret)) return ret;
      at = this.#memory.readU64(at);
    }
    return undefined;
  }

  /** `task.kretprobe_instances.first`, a chain of `struct kretprobe_instance`: kernels before v5.18. */
  #fromKretprobes(task: bigint, slot: bigint): bigint | undefined {
    const reader = this.#task;
    const instance = this.#kretprobe;
    if (reader?.has("kretprobe_instances.first") !== true || instance === undefined) return undefined;
    if (!instance.has("llist") || !instance.has("ret_addr") || !instance.has("fp")) return undefined;
    let at = reader.unsigned(task, "kretprobe_instances.first");
    for (let step = 0; at !== 0n && step < maximumDepth; step++) {
      const address = BigInt.asUintN(64, at - instance.byteOffset("llist"));
      const ret = instance.unsigned(address, "ret_addr");
      if (instance.unsigned(address, "fp") === slot && !this.#hook.has(ret)) return ret;
      at = this.#memory.readU64(at);
    }
    return undefined;
  }
}
