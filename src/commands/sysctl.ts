import type { Kernel } from "../kernel/index.ts";
import { forEachSysctl, type Gaps, sysctlHandler, sysctlText } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";

/** A setting of /proc/sys as JSON has it. */
export interface SysctlRow {
  /** `kernel.panic`, as sysctl(8) names it; names below may have `/` where /proc/sys has a point. */
  name: string;
  /** As /proc/sys has it; null where only the code of its handler knows. */
  value: string | null;
  /** Name of the function that shows it. */
  handler: string | null;
  /** Of its value; null where it has none of its own. */
  address: string | null;
  /** Of the `struct ctl_table`. */
  table: string;
}

/** Settings, or those whose names fit patterns; `/` and `.` between their parts mean the same. */
export function listSysctls(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: SysctlRow[]; missing: string[] } {
  const { program } = kernel;
  const filters = targets.map((target) => ({
    target,
    pattern: globPattern(target.includes("/") ? nameOf(target) : target),
    found: false,
  }));
  const rows: SysctlRow[] = [];
  for (const { path, table } of gaps.walk(forEachSysctl(program))) {
    const name = nameOf(path);
    const fitting = filters.filter(({ pattern }) => pattern.test(name));
    for (const filter of fitting) filter.found = true;
    if (filters.length > 0 && fitting.length === 0) continue;
    const address = gaps.column("data", () => table.member("data").scalar() as bigint);
    rows.push({
      name,
      value: gaps.column("value", () => sysctlText(program, table) ?? null),
      handler: gaps.column("handler", () => sysctlHandler(program, table) ?? null),
      address: address === null || address === 0n ? null : hex(address),
      table: hex(table.address!),
    });
  }
  rows.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  return { rows, missing: filters.filter(({ found }) => !found).map(({ target }) => target) };
}

/** sysctl(8) swaps the two: a point in the name of a network device becomes `/`. */
function nameOf(path: string): string {
  return path.replace(/[./]/g, (character) => (character === "." ? "/" : "."));
}

/** `name = value`; what only a handler's code knows names that. */
export function* sysctlLines(rows: readonly SysctlRow[]): Generator<string> {
  for (const { name, value, handler } of rows) {
    yield `${name} = ${value ?? `? (${handler ?? "unknown"} knows)`}`;
  }
}
