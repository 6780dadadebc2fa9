import { UsageError } from "../io/index.ts";
import { type Kernel, listCpus } from "../kernel/index.ts";
import {
  forEachIrqDesc,
  type Gaps,
  irqActions,
  irqAffinity,
  irqCounts,
  irqEffectiveAffinity,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** An interrupt as JSON has it. */
export interface IrqRow {
  irq: number;
  /** By CPU: how often it was handled there. */
  counts: Readonly<Record<string, number>> | null;
  chip: string | null;
  /** Number that its controller has for it. */
  hardwareIrq: number | null;
  /** `edge`, `fasteoi`, …; null where it has no name. */
  flow: string | null;
  /** Names of its handlers. */
  actions: readonly string[] | null;
  /** CPUs that may handle it, and those that its controller was told. */
  affinity: string | null;
  effectiveAffinity: string | null;
  /** Address of the `struct irq_desc`. */
  descriptor: string;
}

/**
 * Interrupts by number: those with a handler or a count, or the ones asked for.
 * @throws {UsageError} for what is no number
 */
export function listIrqs(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
  all = false,
): { rows: IrqRow[]; missing: string[] } {
  for (const target of targets) {
    if (!/^\d{1,9}$/.test(target)) throw new UsageError(`'${target}' is no number of an interrupt`);
  }
  const { program } = kernel;
  const wanted = new Set(targets.map(Number));
  const rows: IrqRow[] = [];
  for (const { irq, desc } of gaps.walk(forEachIrqDesc(program))) {
    if (wanted.size > 0 && !wanted.has(irq)) continue;
    const actions = gaps.column("actions", () => irqActions(desc));
    const counts = gaps.column("counts", () => irqCounts(program, desc));
    // A handler without a name stands for interrupts behind this one, which have their own (`irq_desc_is_chained`).
    const used =
      actions === null ||
      actions.some((name) => name !== "") ||
      [...(counts?.values() ?? [])].some((each) => each > 0);
    if (!used && !all && wanted.size === 0) continue;
    rows.push({
      irq,
      counts: counts === null ? null : Object.fromEntries(counts),
      chip: gaps.column("chip", () => {
        const chip = desc.member("irq_data").member("chip");
        return chip.isNull || chip.member("name").isNull ? null : chip.member("name").string(64);
      }),
      hardwareIrq: gaps.column("hardwareIrq", () => desc.member("irq_data").member("hwirq").number()),
      flow: gaps.column("flow", () => (desc.member("name").isNull ? null : desc.member("name").string(64))),
      actions,
      affinity: gaps.column("affinity", () => listCpus(irqAffinity(program, desc))),
      effectiveAffinity: gaps.column("effectiveAffinity", () =>
        listCpus(irqEffectiveAffinity(program, desc)),
      ),
      descriptor: hex(desc.address!),
    });
  }
  const missing = targets.filter((target) => !rows.some(({ irq }) => irq === Number(target)));
  return { rows, missing };
}

/** CPUs shown side by side; beyond that one column has the sum. */
const maximumCpuColumns = 6;

export function irqLines(rows: readonly IrqRow[]): Iterable<string> {
  const cpus = Object.keys(rows.find(({ counts }) => counts !== null)?.counts ?? {});
  const columns = cpus.length <= maximumCpuColumns ? cpus : undefined;
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, each) => total + each, 0);
  const countTitles = columns === undefined ? ["COUNT"] : columns.map((cpu) => `CPU${cpu}`);
  return tableLines(
    [
      { title: "IRQ", align: "right" },
      ...countTitles.map((title) => ({ title, align: "right" as const })),
      { title: "DESCRIPTOR" },
      { title: "CHIP" },
      { title: "HWIRQ", align: "right" },
      { title: "FLOW" },
      { title: "AFFINITY" },
      { title: "ACTIONS" },
    ],
    rows.map((row) => [
      String(row.irq),
      ...(columns === undefined
        ? [row.counts === null ? "?" : String(sum(row.counts))]
        : columns.map((cpu) => cell(row.counts?.[cpu]))),
      row.descriptor.slice(2),
      row.chip ?? "-",
      cell(row.hardwareIrq),
      row.flow ?? "-",
      cell(row.affinity),
      row.actions?.join(", ") ?? "?",
    ]),
  );
}
