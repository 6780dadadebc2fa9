import type { Kernel } from "../kernel/index.ts";
import { forEachGate, forEachSoftirq, type Gaps } from "../linux/index.ts";
import { functionAt } from "./function-at.ts";
import { hex } from "./hex.ts";
import { tableLines } from "./table.ts";

/** A softirq as JSON has it. */
export interface SoftirqRow {
  number: number;
  name: string;
  /** By CPU: how often it was handled there. */
  counts: Readonly<Record<string, number>>;
  /** CPUs that have raised it and have not handled it. */
  pending: readonly number[];
  /** Who handles it; null for nobody. */
  function: string | null;
}

/** Softirqs, as /proc/softirqs counts them. */
export function listSoftirqs(kernel: Kernel, gaps: Gaps): { rows: SoftirqRow[] } {
  const { program } = kernel;
  const rows: SoftirqRow[] = [];
  try {
    for (const { number, name, counts, pending, action } of forEachSoftirq(program)) {
      rows.push({
        number,
        name,
        counts: Object.fromEntries(counts),
        pending,
        function: action === 0n ? null : functionAt(program, action),
      });
    }
  } catch (error) {
    gaps.note("softirqs", error);
  }
  return { rows };
}

export function softirqLines(rows: readonly SoftirqRow[]): Iterable<string> {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, each) => total + each, 0);
  const cpus = Object.keys(rows[0]?.counts ?? {});
  // Beyond what fits side by side one column has the sum.
  const columns = cpus.length <= 6 ? cpus : undefined;
  const titles = columns === undefined ? ["COUNT"] : columns.map((cpu) => `CPU${cpu}`);
  return tableLines(
    [
      { title: "SOFTIRQ" },
      ...titles.map((title) => ({ title, align: "right" as const })),
      { title: "PENDING ON" },
      { title: "FUNCTION" },
    ],
    rows.map((row) => [
      row.name,
      ...(columns === undefined ? [String(sum(row.counts))] : columns.map((cpu) => String(row.counts[cpu]))),
      row.pending.join(",") || "-",
      row.function ?? "-",
    ]),
  );
}

/** An entry of the interrupt descriptor table, as JSON has it. */
export interface GateRow {
  vector: number;
  function: string;
  handler: string;
}

/** What handles which vector on x86. */
export function listGates(kernel: Kernel, gaps: Gaps): { rows: GateRow[] } {
  const { program } = kernel;
  const gates = gaps.column("descriptor table", () => [...forEachGate(program)]) ?? [];
  return {
    rows: gates.map(({ vector, handler }) => ({
      vector,
      function: functionAt(program, handler),
      handler: hex(handler),
    })),
  };
}

export function gateLines(rows: readonly GateRow[]): Iterable<string> {
  return tableLines(
    [{ title: "VECTOR", align: "right" }, { title: "HANDLER" }, { title: "FUNCTION" }],
    rows.map((row) => [String(row.vector), row.handler.slice(2), row.function]),
  );
}
