import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
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
