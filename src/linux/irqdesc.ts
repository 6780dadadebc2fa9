import type { KernelObject, Program } from "../program/index.ts";
import { forEachCpu, forEachPossibleCpu } from "./cpumask.ts";
import { mtForEach } from "./mapletree.ts";
import { perCpuPtr } from "./percpu.ts";
import { radixTreeForEach } from "./radix-tree.ts";
import { linkedEntries, objectAt } from "./walk.ts";

/**
 * `for_each_irq_desc` (include/linux/irqnr.h): interrupts by number, and their `struct irq_desc`.
 * @throws {BrokenLinkError}
 */
export function* forEachIrqDesc(program: Program): Generator<{ irq: number; desc: KernelObject }, undefined> {
  // v6.5 (721255b9826b) has a maple tree, before it was a radix tree.
  if (program.variables.find("sparse_irqs") !== undefined) {
    for (const { first, entry } of mtForEach(program.variable("sparse_irqs"))) {
      yield { irq: Number(first), desc: objectAt(program, "struct irq_desc", entry) };
    }
    return;
  }
  for (const { index, entry } of radixTreeForEach(program.variable("irq_desc_tree"))) {
    yield { irq: Number(index), desc: objectAt(program, "struct irq_desc", entry) };
  }
}

/** Names of the handlers of an interrupt, as /proc/interrupts lists them. @throws {BrokenLinkError} */
export function irqActions(desc: KernelObject): string[] {
  const names: string[] = [];
  for (const action of linkedEntries("actions of an interrupt", desc.member("action"), "next")) {
    const name = action.member("name");
    names.push(name.isNull ? "" : name.string(256));
  }
  return names;
}

/** How often each CPU handled an interrupt, by CPU. @throws {FaultError} */
export function irqCounts(program: Program, desc: KernelObject): Map<number, number> {
  const pointer = desc.member("kstat_irqs");
  const counts = new Map<number, number>();
  if (pointer.isNull) return counts;
  for (const cpu of forEachPossibleCpu(program)) {
    const stat = perCpuPtr(program, pointer, cpu);
    // v6.10 (86d2a2f51fba) made a struct of the number.
    counts.set(cpu, (stat.type.underlying.kind === "struct" ? stat.member("cnt") : stat).number());
  }
  return counts;
}

/** CPUs that may handle an interrupt, as /proc/irq/N/smp_affinity has them. @throws {FaultError}; {@link LookupError} */
export function irqAffinity(program: Program, desc: KernelObject): number[] {
  const common = desc.member("irq_common_data");
  const waiting = desc.memberIf("pending_mask");
  const isWaiting = (common.member("state_use_accessors").number() & setAffinityPending) !== 0;
  return [...forEachCpu(program, isWaiting && waiting !== undefined ? waiting : common.member("affinity"))];
}

/** IRQD_SETAFFINITY_PENDING (include/linux/irq.h): another mask waits for the next interrupt. */
const setAffinityPending = 1 << 8;

/** CPUs that its controller was told, as effective_affinity has them. @throws {FaultError}; {@link LookupError} */
export function irqEffectiveAffinity(program: Program, desc: KernelObject): number[] {
  return [...forEachCpu(program, desc.member("irq_common_data").member("effective_affinity"))];
}

/** An entry of the table by which an x86 processor finds what handles a vector. */
export interface Gate {
  vector: number;
  /** Address of the handler. */
  handler: bigint;
}

/** Gates of `idt_table` that lead somewhere (arch/x86/include/asm/desc_defs.h). @throws {LookupError} on other processors */
export function* forEachGate(program: Program): Generator<Gate, undefined> {
  const table = program.variable("idt_table");
  for (let vector = 0; vector < table.length; vector++) {
    const gate = table.index(vector);
    const part = (name: string): bigint => BigInt(gate.member(name).number());
    const handler = part("offset_low") | (part("offset_middle") << 16n) | (part("offset_high") << 32n);
    if (handler !== 0n) yield { vector, handler };
  }
}
