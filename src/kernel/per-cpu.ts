import type { SymbolList } from "../kallsyms/index.ts";
import { FaultError, UsageError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

/** More CPUs than any kernel is built for (NR_CPUS). */
const maximumCpus = 8192;

/**
 * Where each CPU keeps its copy of per-CPU variables: symbol address + `__per_cpu_offset[cpu]`, modulo
 * 2^64 (include/linux/percpu-defs.h). Before v6.15 x86-64 linked these variables at zero, since then
 * like others, at addresses where the freed image of their initial values once was: a plain read there
 * would find anything.
 */
export class PerCpuArea {
  /** First address of the linked section and the first behind it; equal when the kernel has no such section. */
  readonly start: bigint;
  readonly end: bigint;
  /** CPUs that this kernel can have, ascending. */
  readonly possibleCpus: readonly number[];
  readonly onlineCpus: readonly number[];
  readonly presentCpus: readonly number[];
  readonly #offsets: ReadonlyMap<number, bigint>;

  constructor(memory: VirtualMemory, symbols: SymbolList) {
    this.start = symbols.addressOf("__per_cpu_start") ?? 0n;
    this.end = symbols.addressOf("__per_cpu_end") ?? this.start;
    const masks = new CpuMasks(memory, symbols);
    this.possibleCpus = masks.read("possible");
    this.onlineCpus = masks.read("online");
    this.presentCpus = masks.read("present");
    this.#offsets = readOffsets(memory, symbols, this.possibleCpus);
  }

  /** True for the address of a symbol that stands for a variable of each CPU. */
  contains(address: bigint): boolean {
    return address >= this.start && address < this.end;
  }

  /**
   * Address of one CPU's copy: of the per-CPU symbol, or of what a pointer from alloc_percpu() means.
   * @throws {UsageError} for a CPU that this kernel cannot have.
   */
  address(symbolAddress: bigint, cpu: number): bigint {
    return BigInt.asUintN(64, symbolAddress + this.offset(cpu));
  }

  /** @throws {UsageError} for a CPU that this kernel cannot have. */
  offset(cpu: number): bigint {
    const offset = this.#offsets.get(cpu);
    if (offset !== undefined) return offset;
    const cpus = listCpus(this.possibleCpus);
    throw new UsageError(`no CPU ${cpu}: this kernel's possible CPUs are ${cpus}`, "CPU");
  }
}

/** `0-3,8` for [0, 1, 2, 3, 8]; `none` for none. */
export function listCpus(cpus: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < cpus.length;) {
    let end = i;
    while (end + 1 < cpus.length && cpus[end + 1] === cpus[end]! + 1) end++;
    parts.push(end === i ? `${cpus[i]}` : `${cpus[i]}-${cpus[end]}`);
    i = end + 1;
  }
  return parts.length === 0 ? "none" : parts.join(",");
}

class CpuMasks {
  readonly #memory: VirtualMemory;
  readonly #symbols: SymbolList;
  readonly #limit: number;

  constructor(memory: VirtualMemory, symbols: SymbolList) {
    this.#memory = memory;
    this.#symbols = symbols;
    // nr_cpu_ids is a macro where the number is fixed at build time.
    const limit = symbols.addressOf("nr_cpu_ids");
    this.#limit = limit === undefined ? maximumCpus : Math.min(memory.readU32(limit), maximumCpus);
  }

  /** `__cpu_NAME_mask` (kernel/cpu.c): bits in unsigned longs. A kernel for one CPU has none. */
  read(name: "possible" | "online" | "present"): number[] {
    const index = this.#symbols.indexOf(`__cpu_${name}_mask`);
    if (index === undefined) return [0];
    const words = Math.min(Math.ceil(this.#limit / 64), maximumWords(this.#symbols, index));
    const address = this.#symbols.address(index);
    const cpus: number[] = [];
    for (let word = 0; word < words; word++) {
      const bits = this.#memory.readU64(address + BigInt(word * 8));
      for (let bit = 0; bit < 64 && word * 64 + bit < this.#limit; bit++) {
        if (((bits >> BigInt(bit)) & 1n) !== 0n) cpus.push(word * 64 + bit);
      }
    }
    return cpus;
  }
}

function readOffsets(
  memory: VirtualMemory,
  symbols: SymbolList,
  cpus: readonly number[],
): Map<number, bigint> {
  const offsets = new Map<number, bigint>();
  const index = symbols.indexOf("__per_cpu_offset");
  if (index === undefined) {
    // CONFIG_SMP=n: the variables are ordinary ones.
    for (const cpu of cpus) offsets.set(cpu, 0n);
    return offsets;
  }
  const address = symbols.address(index);
  const length = maximumWords(symbols, index);
  for (const cpu of cpus) {
    if (cpu >= length) continue;
    try {
      offsets.set(cpu, memory.readU64(address + BigInt(cpu * 8)));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }
  return offsets;
}

/** Unsigned longs that fit before the next symbol. */
function maximumWords(symbols: SymbolList, index: number): number {
  const bytes = symbols.distanceToNext(index);
  return bytes === undefined ? maximumCpus : Math.min(Number(bytes / 8n), maximumCpus);
}
