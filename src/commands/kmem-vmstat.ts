import type { Kernel } from "../kernel/index.ts";
import { type Gaps, type VmstatItem, vmstatItems } from "../linux/index.ts";
import { globPattern } from "./pattern.ts";
import { tableLines } from "./table.ts";

/** A counter of /proc/vmstat as JSON has it. */
export interface VmstatRow {
  /** As /proc/vmstat has it. */
  name: string;
  /** What counts it: `zone`, `numa`, `node`, or `event`. */
  kind: VmstatItem["kind"];
  value: number;
}

/** Counters whose names fit patterns; all without any. */
export function listVmstat(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: VmstatRow[]; missing: string[] } {
  const filters = targets.map((target) => ({ target, pattern: globPattern(target) }));
  const items = gaps.column("counters", () => vmstatItems(kernel.program)) ?? [];
  const rows = items
    .filter(({ name }) => filters.length === 0 || filters.some(({ pattern }) => pattern.test(name)))
    .map(({ name, kind, value }) => ({ name, kind, value: Number(value) }));
  const missing = filters.filter(({ pattern }) => !rows.some(({ name }) => pattern.test(name)));
  return { rows, missing: missing.map(({ target }) => target) };
}

export function vmstatLines(rows: readonly VmstatRow[]): Iterable<string> {
  return tableLines(
    [{ title: "OF" }, { title: "VALUE", align: "right" }, { title: "NAME" }],
    rows.map(({ name, kind, value }) => [kind, String(value), name]),
  );
}
