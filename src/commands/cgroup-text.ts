import type { CgroupRow, Limit } from "./cgroup.ts";
import { tableLines } from "./table.ts";

const columns = [
  { title: "CGROUP" },
  { title: "H", align: "right" },
  { title: "PROCS", align: "right" },
  { title: "MEMORY KIB", align: "right" },
  { title: "MAX", align: "right" },
  { title: "OOM", align: "right" },
  { title: "PIDS", align: "right" },
  { title: "MAX", align: "right" },
  { title: "CPU MAX", align: "right" },
  { title: "WEIGHT", align: "right" },
  { title: "PATH" },
] as const;

/** Control groups as a table; `-` where nothing is counted or limited. */
export function cgroupLines(rows: readonly CgroupRow[]): Iterable<string> {
  return tableLines(
    columns,
    rows.map(({ memory, pids, cpu, ...row }) => [
      row.cgroup.slice(2),
      row.hierarchy === null ? "?" : String(row.hierarchy),
      String(row.processes.length),
      memory === null ? "-" : String(memory.current / 1024),
      memory === null ? "-" : kibibytes(memory.maximum),
      memory === null ? "-" : String(memory.oomKills ?? "?"),
      pids === null ? "-" : String(pids.current),
      pids === null ? "-" : String(pids.maximum),
      cpu === null ? "-" : quotaText(cpu.quota, cpu.period),
      cpu === null || cpu.weight === null ? "-" : String(cpu.weight),
      [row.path, ...remarks(row)].join(" "),
    ]),
  );
}

function kibibytes(limit: Limit): string {
  return limit === "max" ? limit : String(limit / 1024);
}

/** In hundredths of a CPU. */
function quotaText(quota: Limit | null, period: number | null): string {
  if (quota === null || period === null || period === 0) return "?";
  return quota === "max" ? quota : `${Number(((quota / period) * 100).toFixed(1))} %`;
}

function remarks(row: Pick<CgroupRow, "isDead" | "isFrozen" | "type">): string[] {
  return [
    ...(row.isDead === true ? ["(removed)"] : []),
    ...(row.isFrozen === true ? ["(frozen)"] : []),
    ...(row.type === null || row.type === "domain" ? [] : [`(${row.type})`]),
  ];
}
