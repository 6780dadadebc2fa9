import type { Kernel } from "../kernel/index.ts";
import { cpuHrtimers, cpuTimers, type Gaps, readClocks } from "../linux/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A timer that is armed, as JSON has it. */
export interface TimerRow {
  cpu: number;
  /** `timer` of the wheel, or `hrtimer`. */
  kind: string;
  /** Of hrtimers their clock; of others the index of their base. */
  clock: string;
  /** When it fires: nanoseconds of its clock (`"0x…"`), or ticks as `jiffies` counts. */
  expires: string;
  /** The same from now on: nanoseconds, or ticks; null where the clock cannot be read. */
  remaining: number | null;
  /** Symbol of what is called; null where it has none. */
  function: string | null;
  /** Address of the `struct timer_list` or `struct hrtimer`. */
  timer: string;
}

const clockNames = ["monotonic", "realtime", "boottime", "tai"];

/** Timers of all CPUs: one that a panic stopped is no longer online, and has its timers still. */
export function listTimers(kernel: Kernel, gaps: Gaps): { rows: TimerRow[] } {
  const { program, perCpu } = kernel;
  const rows: TimerRow[] = [];
  const jiffies = gaps.column("jiffies", () => program.variable("jiffies_64").scalar() as bigint);
  const clocks = gaps.column("clocks", () => readClocks(program));
  const now = clocks === null ? [] : [clocks.monotonic, clocks.realtime, clocks.boottime];
  for (const cpu of perCpu.possibleCpus) {
    for (const { timer, base, expires } of gaps.column("timers", () => cpuTimers(program, cpu)) ?? []) {
      rows.push({
        cpu,
        kind: "timer",
        clock: `base ${base}`,
        expires: hex(expires),
        remaining: jiffies === null ? null : Number(BigInt.asIntN(64, expires - jiffies)),
        function: gaps.column("function", () => functionName(program, timer)),
        timer: hex(timer.address!),
      });
    }
    try {
      for (const { timer, clock, expires } of gaps.walk(cpuHrtimers(program, cpu))) {
        const time = now[clock % 4];
        rows.push({
          cpu,
          kind: "hrtimer",
          clock: `${clockNames[clock % 4] ?? clock}${clock >= 4 ? ", soft" : ""}`,
          expires: hex(BigInt.asUintN(64, expires)),
          remaining: time === undefined ? null : Number(expires - time),
          function: gaps.column("function", () => functionName(program, timer)),
          timer: hex(timer.address!),
        });
      }
    } catch (error) {
      gaps.note("hrtimers", error);
    }
  }
  return { rows };
}

function functionName(program: Program, timer: KernelObject): string | null {
  const address = timer.member("function").scalar() as bigint;
  const found = program.symbolizer.symbolAt(address);
  if (found === undefined) return null;
  return found.module === undefined ? found.name : `${found.name} [${found.module}]`;
}

export function timerLines(rows: readonly TimerRow[]): Iterable<string> {
  const remaining = (row: TimerRow): string => {
    if (row.remaining === null) return "?";
    return row.kind === "timer" ? `${row.remaining} ticks` : `${(row.remaining / 1e9).toFixed(6)} s`;
  };
  return tableLines(
    [
      { title: "CPU", align: "right" },
      { title: "KIND" },
      { title: "CLOCK" },
      { title: "EXPIRES", align: "right" },
      { title: "REMAINING", align: "right" },
      { title: "TIMER" },
      { title: "FUNCTION" },
    ],
    rows.map((row) => [
      String(row.cpu),
      row.kind,
      row.clock,
      row.expires.slice(2),
      remaining(row),
      row.timer.slice(2),
      cell(row.function),
    ]),
  );
}
