import { inRun, type LinearRun } from "../arch/index.ts";
import { FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";

/**
 * The direct map: the run of kernel addresses that has all memory in its order. Where it may be the
 * architecture says by the kernel's variables, and page tables confirm it for memory that is known to lie
 * in it. Undefined where nothing confirms it.
 */
export function directMap(kernel: Kernel): LinearRun | undefined {
  const { memory, symbols } = kernel.foundation;
  const read = (name: string): bigint | undefined => {
    const address = symbols.addressOf(name);
    try {
      return address === undefined ? undefined : memory.readU64(address);
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
  };
  const stext = symbols.addressOf("_stext");
  // Allocated at boot, before there is any other map of memory.
  const known = ["mem_section", "mem_map", "pcpu_base_addr"].map(read);
  if (stext === undefined) return undefined;
  const variables = {
    u64: read,
    u32: (name: string): number | undefined => {
      const value = read(name);
      return value === undefined ? undefined : Number(value & 0xffff_ffffn);
    },
  };
  for (const run of memory.translation.architecture.linearRuns(variables, stext)) {
    for (const address of known) {
      if (address === undefined || !inRun(run, address)) continue;
      try {
        if (BigInt(memory.translate(address)) === BigInt.asUintN(64, address + run.delta)) return run;
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
      }
    }
  }
  return undefined;
}

/** `__va`: where the direct map has a physical address; undefined where it ends before. */
export function directMapAddress(run: LinearRun, physicalAddress: number): bigint | undefined {
  const address = BigInt.asUintN(64, BigInt(physicalAddress) - run.delta);
  return inRun(run, address) ? address : undefined;
}
