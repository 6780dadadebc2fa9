import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";

/** The softirqs by number (include/linux/interrupt.h), as /proc/softirqs names them; the same since v4.20. */
const names = ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"];

/** A softirq. */
export interface Softirq {
  number: number;
  name: string;
  /** How often each CPU handled it, by CPU. */
  counts: Map<number, number>;
  /** CPUs that have raised it and have not handled it. */
  pending: number[];
  /** Address of its function; 0 for none. */
  action: bigint;
}

/** What /proc/softirqs shows (`kstat`), with what is pending (`irq_stat`) and who handles it (`softirq_vec`). @throws {FaultError} */
export function* forEachSoftirq(program: Program): Generator<Softirq, undefined> {
  const cpus = [...forEachPossibleCpu(program)];
  const counts = new Map<number, KernelObject>();
  const pendingBits = new Map<number, number>();
  for (const cpu of cpus) {
    counts.set(cpu, program.perCpu(program.variable("kstat"), cpu).member("softirqs"));
    pendingBits.set(cpu, pendingOf(program, cpu));
  }
  const vector = program.variable("softirq_vec");
  for (let number = 0; number < vector.length; number++) {
    yield {
      number,
      name: names[number] ?? String(number),
      counts: new Map(cpus.map((cpu) => [cpu, counts.get(cpu)!.index(number).number()])),
      pending: cpus.filter((cpu) => ((pendingBits.get(cpu)! >>> number) & 1) === 1),
      action: vector.index(number).member("action").scalar() as bigint,
    };
  }
}

/** `local_softirq_pending`: x86 moved it out of `irq_stat` for a while (v6.2, 7443b296e699, to v6.14). */
function pendingOf(program: Program, cpu: number): number {
  const statistics = program.perCpu(program.variable("irq_stat"), cpu).memberIf("__softirq_pending");
  if (statistics !== undefined) return statistics.number();
  const own = program.variables.find("__softirq_pending");
  if (own !== undefined) return program.perCpu(program.variable("__softirq_pending"), cpu).number();
  return program.perCpu(program.variable("pcpu_hot"), cpu).member("softirq_pending").number();
}
