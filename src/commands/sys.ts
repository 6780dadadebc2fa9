import type { Diagnostic } from "../io/index.ts";
import { type Kernel, listCpus } from "../kernel/index.ts";
import { type Gaps, readClocks, TaskReader, totalramPages } from "../linux/index.ts";
import { taintText } from "./mod.ts";

/** What `sys` says of a machine. Absent facts are null. */
export interface SystemInfo {
  system: string | null;
  nodeName: string | null;
  release: string | null;
  version: string | null;
  machine: string | null;
  cpus: { online: string; present: string; possible: string; onlineCount: number };
  /** UTC, as of the last tick. */
  date: string | null;
  /** Seconds since boot, those in suspend too. */
  uptime: number | null;
  /** Over 1, 5 and 15 minutes. */
  loadAverage: readonly number[] | null;
  threads: number | null;
  /** Processes and threads made since boot. */
  forks: number | null;
  /** Bytes. */
  memory: number | null;
  commandLine: string | null;
  /** Letters, as in `Tainted: G W`. */
  taints: string | null;
  /** `"0x…"` */
  taintMask: string | null;
}

/** FSHIFT: load averages have 11 bits behind the point (include/linux/sched/loadavg.h). */
const loadScale = 2048;

export function systemInfo(kernel: Kernel, gaps: Gaps): SystemInfo {
  const { program, perCpu } = kernel;
  const uts = (member: string): string | null =>
    gaps.column(member, () => program.variable("init_uts_ns").member("name").member(member).string(65));
  const clocks = gaps.column("clocks", () => readClocks(program));
  const taints = gaps.column("taints", () => BigInt(program.variable("tainted_mask").scalar()));
  return {
    system: uts("sysname"),
    nodeName: uts("nodename"),
    release: uts("release"),
    version: uts("version"),
    machine: uts("machine"),
    cpus: {
      online: listCpus(perCpu.onlineCpus),
      present: listCpus(perCpu.presentCpus),
      possible: listCpus(perCpu.possibleCpus),
      onlineCount: perCpu.onlineCpus.length,
    },
    date: clocks === null ? null : gaps.column("date", () => isoDate(clocks.realtime)),
    uptime: clocks === null ? null : Number(clocks.boottime) / 1e9,
    loadAverage: gaps.column("loadAverage", () =>
      [...program.variable("avenrun").elements()].map((each) => Number(each.scalar()) / loadScale),
    ),
    threads: gaps.column("threads", () => {
      const diagnostics: Diagnostic[] = [];
      const tasks = gaps.diagnosed(new TaskReader(kernel).all(diagnostics), diagnostics);
      return tasks.filter(({ pid }) => pid !== 0).length;
    }),
    forks: gaps.column("forks", () => program.variable("total_forks").number()),
    memory: gaps.column("memory", () => Number(totalramPages(program)) * program.memory.pageByteSize),
    commandLine: gaps.column("commandLine", () => program.variable("saved_command_line").string(4096)),
    taints: taints === null ? null : taintText(taints),
    taintMask: taints === null ? null : `0x${taints.toString(16)}`,
  };
}

function isoDate(nanoseconds: bigint): string | null {
  const date = new Date(Number(nanoseconds / 1_000_000n));
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

export function* systemLines(info: SystemInfo): Generator<string> {
  const line = (name: string, value: string | number | null): string =>
    `${`${name}:`.padEnd(14)}${value ?? "?"}`;
  yield line("system", `${info.system ?? "?"} ${info.release ?? "?"} ${info.machine ?? "?"}`);
  yield line("version", info.version);
  yield line("node", info.nodeName);
  yield line("cpus", `${info.cpus.onlineCount} (online ${info.cpus.online}, present ${info.cpus.present})`);
  yield line("date", info.date);
  yield line("uptime", info.uptime === null ? null : uptimeText(info.uptime));
  yield line("load average", info.loadAverage?.map((each) => each.toFixed(2)).join(", ") ?? null);
  yield line("threads", info.threads);
  yield line("memory", info.memory === null ? null : `${(info.memory / 2 ** 20).toFixed(1)} MiB`);
  yield line("command line", info.commandLine);
  yield line("tainted", info.taints === "" ? "no" : `${info.taints ?? "?"} (${info.taintMask ?? "?"})`);
}

/** `3 days, 04:05:06` */
function uptimeText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const clock = parts.map((part) => String(part).padStart(2, "0")).join(":");
  const days = Math.floor(whole / 86_400);
  return days === 0 ? clock : `${days} ${days === 1 ? "day" : "days"}, ${clock}`;
}
