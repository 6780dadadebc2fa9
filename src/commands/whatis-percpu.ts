import type { Kernel } from "../kernel/index.ts";
import { percpuAreaAt, type PercpuLayout } from "../linux/index.ts";
import { hex } from "./hex.ts";
import type { Candidate, Whatis } from "./whatis-finder.ts";

/** The per-CPU variable, or memory that was allocated for every CPU, that an address is in. */
export function perCpuAt({ kernel }: Whatis, address: bigint): Candidate | undefined {
  const { perCpu, symbols, modules } = kernel;
  for (const cpu of perCpu.possibleCpus) {
    const offset = perCpu.offset(cpu);
    // CONFIG_SMP=n: the variables are ordinary ones.
    if (offset === 0n) continue;
    const linked = BigInt.asUintN(64, address - offset);
    const evidence = [`__per_cpu_offset[${cpu}] = ${hex(offset)}`];
    const module = modules.find(
      ({ perCpu: own }) =>
        own !== undefined && linked >= own.address && linked < own.address + BigInt(own.byteSize),
    );
    if (perCpu.contains(linked) || module !== undefined) {
      const at = module === undefined ? linkedPerCpu(kernel, linked) : symbols.find(linked);
      if (at === undefined) continue;
      const { name, module: owner } = at.symbol;
      const place = owner === undefined ? "" : ` [${owner}]`;
      return {
        kind: "per-CPU",
        text: `${name}${at.offset === 0 ? "" : `+${hex(at.offset)}`}${place} of CPU ${cpu}`,
        start: hex(address - BigInt(at.offset)),
        size: null,
        evidence: [...evidence, `kallsyms: ${hex(linked - BigInt(at.offset)).slice(2)} ${name}`],
      };
    }
  }
  return allocatedAt(kernel, address);
}

/** Memory that alloc_percpu() gives out, in any chunk. */
function allocatedAt(kernel: Kernel, address: bigint): Candidate | undefined {
  const layout = percpuLayout(kernel);
  const area = layout && percpuAreaAt(kernel.program, layout, address);
  if (area === undefined) return undefined;
  const { cpu, start, byteSize, isAllocated, chunk } = area;
  const offset = kernel.perCpu.offset(cpu);
  const inside = address === start ? "" : `+${hex(address - start)}`;
  const pointer = hex(BigInt.asUintN(64, start - offset));
  return {
    kind: "per-CPU",
    text: isAllocated
      ? `allocated per-CPU memory of CPU ${cpu}, by the pointer ${pointer}${inside}`
      : `free per-CPU memory of CPU ${cpu}`,
    start: hex(start),
    size: byteSize,
    evidence: [
      `__per_cpu_offset[${cpu}] = ${hex(offset)}`,
      `struct pcpu_chunk ${hex(chunk.address!).slice(2)}: base_addr = ${hex(chunk.member("base_addr").scalar())}, alloc_map and bound_map have ${byteSize} bytes there`,
    ],
  };
}

/** Undefined where symbols of data are not kept. */
function percpuLayout({ foundation, perCpu }: Kernel): PercpuLayout | undefined {
  const { symbols, memory } = foundation;
  const lists = symbols.addressOf("pcpu_chunk_lists") ?? symbols.addressOf("pcpu_slot");
  const slots = symbols.addressOf("pcpu_nr_slots");
  const offsets = symbols.addressOf("pcpu_unit_offsets");
  if (lists === undefined || slots === undefined || offsets === undefined) return undefined;
  const array = memory.readU64(offsets);
  return {
    lists: memory.readU64(lists),
    slotCount: memory.readU32(slots),
    unitOffsets: new Map(perCpu.possibleCpus.map((cpu) => [cpu, memory.readU64(array + BigInt(cpu * 8))])),
    pageByteSize: memory.pageByteSize,
  };
}

/** The kernel's per-CPU symbol at a linked address, which before v6.15 is no address but a small number. */
function linkedPerCpu(
  kernel: Kernel,
  linked: bigint,
): { symbol: { name: string; module?: undefined }; offset: number } | undefined {
  const { symbols } = kernel.foundation;
  const nearest = symbols.find(linked);
  return nearest && { symbol: { name: symbols.name(nearest.index) }, offset: nearest.offset };
}
