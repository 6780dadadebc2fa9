import type { Kernel } from "../kernel/index.ts";
import { forEachModuleParam, type Gaps, moduleParamText } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { cell, tableLines } from "./table.ts";

/** A parameter of a module as JSON has it. */
export interface ParameterRow {
  module: string;
  name: string | null;
  /** As /sys/module/MODULE/parameters shows it; null for one that a function of the module prints. */
  value: string | null;
  /** Mode of its file, in octal; `0` for one that has none. */
  mode: string | null;
  /** Address of the `struct kernel_param`. */
  parameter: string;
}

/** Parameters of modules that fit names or patterns; of all without any. */
export function listParameters(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: ParameterRow[]; missing: string[] } {
  const filters = targets.map((target) => ({ target, pattern: globPattern(target) }));
  const { modules, program } = kernel;
  const rows: ParameterRow[] = [];
  for (const module of modules) {
    if (filters.length > 0 && !filters.some(({ pattern }) => pattern.test(module.name))) continue;
    try {
      for (const parameter of forEachModuleParam(program.object(module.address, "struct module"))) {
        rows.push({
          module: module.name,
          name: gaps.column("name", () => parameter.member("name").string(256)),
          value: gaps.column("value", () => moduleParamText(program, parameter)) ?? null,
          mode: gaps.column("mode", () => parameter.member("perm").number().toString(8)),
          parameter: hex(parameter.address!),
        });
      }
    } catch (error) {
      gaps.note(`parameters of ${module.name}`, error);
    }
  }
  const missing = filters
    .filter(({ pattern }) => !modules.some(({ name }) => pattern.test(name)))
    .map(({ target }) => target);
  return { rows, missing };
}

export function parameterLines(rows: readonly ParameterRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "PARAMETER" },
      { title: "MODULE" },
      { title: "MODE", align: "right" },
      { title: "NAME" },
      { title: "VALUE" },
    ],
    rows.map((row) => [
      row.parameter.slice(2),
      row.module,
      cell(row.mode),
      cell(row.name),
      row.value?.replace(/\n$/, "") ?? "?",
    ]),
  );
}
