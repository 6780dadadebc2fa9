import type { Kernel } from "../kernel/index.ts";
import { getKconfig } from "../linux/index.ts";
import { globPattern } from "./pattern.ts";

/** An option of the kernel's configuration as JSON has it. */
export interface OptionRow {
  /** `CONFIG_…` */
  name: string;
  /** As the configuration has it: `y`, `m`, a number, a string with its quotes; `n` for what is not set. */
  value: string;
}

/**
 * Options of the kernel's configuration, or those whose names fit patterns, with `CONFIG_` or without.
 * @throws {DwarflessError} `LOOKUP` where the kernel has it not in memory; {@link FormatError}; {@link FaultError}
 */
export function listOptions(
  kernel: Kernel,
  targets: readonly string[],
): { rows: OptionRow[]; missing: string[] } {
  const filters = targets.map((target) => ({
    target,
    pattern: globPattern(/^(CONFIG_|\*)/.test(target) ? target : `CONFIG_${target}`),
    found: false,
  }));
  const rows: OptionRow[] = [];
  for (const [name, value] of getKconfig(kernel.program)) {
    const fitting = filters.filter(({ pattern }) => pattern.test(name));
    for (const filter of fitting) filter.found = true;
    if (filters.length === 0 || fitting.length > 0) rows.push({ name, value });
  }
  return { rows, missing: filters.filter(({ found }) => !found).map(({ target }) => target) };
}

/** Lines as the configuration itself has them. */
export function* optionLines(rows: readonly OptionRow[]): Generator<string> {
  for (const { name, value } of rows) yield value === "n" ? `# ${name} is not set` : `${name}=${value}`;
}
