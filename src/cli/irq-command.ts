import {
  gateLines,
  type GateRow,
  irqLines,
  type IrqRow,
  listGates,
  listIrqs,
  listSoftirqs,
  softirqLines,
  type SoftirqRow,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { TableCommand } from "./table-command.ts";

interface IrqFlags {
  all?: boolean;
  softirqs?: boolean;
  descriptors?: boolean;
}

export const irq: TableCommand<IrqRow | SoftirqRow | GateRow, IrqFlags> = {
  name: "irq",
  description: "interrupts: handlers, affinity, and how often each CPU handled them; softirqs",
  argument: "a dump; then numbers of interrupts",
  example: "vmcore 24",
  plural: ({ softirqs, descriptors }) =>
    softirqs === true ? "softirqs" : descriptors === true ? "gates" : "interrupts",
  options: [
    ["-a, --all", "also those without a handler"],
    ["-s, --softirqs", "softirqs instead"],
    ["-d, --descriptors", "the interrupt descriptor table instead (x86)"],
  ],
  list(kernel, gaps, targets, { all, softirqs, descriptors }) {
    if (softirqs !== true && descriptors !== true) return listIrqs(kernel, gaps, targets, all ?? false);
    if (targets.length > 0 || all === true || (softirqs === true && descriptors === true)) {
      throw new UsageError("irq: -s and -d stand alone");
    }
    return softirqs === true ? listSoftirqs(kernel, gaps) : listGates(kernel, gaps);
  },
  lines(rows, { softirqs, descriptors }) {
    if (softirqs === true) return softirqLines(rows as readonly SoftirqRow[]);
    return descriptors === true ? gateLines(rows as readonly GateRow[]) : irqLines(rows as readonly IrqRow[]);
  },
};
