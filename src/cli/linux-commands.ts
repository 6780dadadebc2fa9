import type { Command } from "commander";
import {
  listModules,
  listParameters,
  listRunqueues,
  listThreads,
  listTimers,
  moduleLines,
  type ModuleRow,
  parameterLines,
  type ParameterRow,
  runqueueLines,
  type RunqueueRow,
  stateLines,
  threadLines,
  type ThreadRow,
  timerLines,
  type TimerRow,
} from "../commands/index.ts";
import { dev } from "./dev-command.ts";
import { files, fuser, mount, vm } from "./file-commands.ts";
import { kmem, swap } from "./kmem-command.ts";
import { irq } from "./irq-command.ts";
import { locksCommand } from "./locks-command.ts";
import { logCommand } from "./log-command.ts";
import { machCommand } from "./mach-command.ts";
import { netCommand } from "./net-command.ts";
import { serviceCommands } from "./service-commands.ts";
import { sysCommand } from "./sys-command.ts";
import { taskCommands } from "./task-commands.ts";
import type { Streams } from "./streams.ts";
import { type TableCommand, tableCommand } from "./table-command.ts";

/** Commands that show what Linux keeps, subsystem by subsystem. */
export function linuxCommands(streams: Streams, setExitCode: (code: number) => void): Command[] {
  const table = <Row extends object, Flags>(definition: TableCommand<Row, Flags>): Command =>
    tableCommand(definition, streams, setExitCode);
  return [
    table(ps),
    logCommand(streams),
    table(mod),
    table(mount),
    table(files),
    table(fuser),
    table(vm),
    table(irq),
    table(kmem),
    table(swap),
    table(runq),
    table(timer),
    table(dev),
    locksCommand(streams),
    sysCommand(streams, setExitCode),
    machCommand(streams),
    netCommand(streams, setExitCode),
    ...taskCommands(streams, setExitCode),
    ...serviceCommands(streams, setExitCode),
  ];
}

interface PsFlags {
  active?: boolean;
  state?: string;
  kernel?: boolean;
  user?: boolean;
  group?: boolean;
  policy?: string;
  lastRun?: boolean;
  summary?: boolean;
  times?: boolean;
  arguments?: boolean;
  limits?: boolean;
  parents?: boolean;
  children?: boolean;
  threads?: boolean;
}

const ps: TableCommand<ThreadRow, PsFlags> = {
  name: "ps",
  description: "threads: all, or by PID, name, state",
  argument: "a dump; then PIDs, names, patterns with * and ?, /REGULAR EXPRESSIONS/, or addresses of tasks",
  example: "vmcore --state D 'kworker*'",
  plural: "threads",
  options: [
    ["-A, --active", "only what the CPUs ran"],
    ["-s, --state <LETTERS>", "only threads in these states: R, S, D, T, t, X, Z, P, I"],
    ["-k, --kernel", "only threads of the kernel"],
    ["-u, --user", "only threads of processes"],
    ["-G, --group", "only the leaders of thread groups"],
    ["-y, --policy <NAMES>", "only threads of these scheduling policies: NORMAL, FIFO, RR, BATCH, …"],
    ["-l, --last-run", "those that had a CPU last first"],
    ["-S, --summary", "only how many are in each state"],
    ["-t, --times", "with start, user, system and run time"],
    ["-a, --arguments", "with arguments and environment, from the memory of the process"],
    ["-r, --limits", "with resource limits"],
    ["-p, --parents", "with parents, up to the first process"],
    ["-c, --children", "with children"],
    ["-g, --threads", "processes with their threads"],
  ],
  list(kernel, gaps, targets, flags) {
    return listThreads(kernel, gaps, {
      targets,
      states: flags.state,
      active: flags.active ?? false,
      kernel: flags.kernel === true ? true : flags.user === true ? false : undefined,
      leaders: flags.group ?? false,
      policies: flags.policy?.toUpperCase().split(","),
      byLastRun: flags.lastRun ?? false,
      times: flags.times ?? false,
      arguments: flags.arguments ?? false,
      limits: flags.limits ?? false,
      parents: flags.parents ?? false,
      children: flags.children ?? false,
      group: flags.threads ?? false,
    });
  },
  lines: (rows, flags) =>
    flags.summary === true
      ? stateLines(rows)
      : threadLines(rows, { lastRun: flags.lastRun ?? false, policies: flags.policy !== undefined }),
};

const mod: TableCommand<ModuleRow | ParameterRow, { parameters?: boolean }> = {
  name: "mod",
  description: "loaded modules; their parameters (-p)",
  argument: "a dump; then names, or patterns of names with * and ?",
  example: "vmcore 'nf_*'",
  plural: ({ parameters }) => (parameters === true ? "parameters" : "modules"),
  options: [["-p, --parameters", "parameters of modules with their values"]],
  list: (kernel, gaps, targets, { parameters }) =>
    parameters === true ? listParameters(kernel, gaps, targets) : listModules(kernel, gaps, targets),
  lines: (rows, { parameters }) =>
    parameters === true
      ? parameterLines(rows as readonly ParameterRow[])
      : moduleLines(rows as readonly ModuleRow[]),
};

const runq: TableCommand<RunqueueRow, object> = {
  name: "runq",
  description: "run queues of the CPUs: what runs, and what waits",
  argument: "a dump, or the parts of a split one",
  example: "vmcore",
  plural: "runqueues",
  takesQueries: false,
  list: listRunqueues,
  lines: runqueueLines,
};

const timer: TableCommand<TimerRow, object> = {
  name: "timer",
  description: "armed timers of the CPUs, of the wheel and high-resolution ones",
  argument: "a dump, or the parts of a split one",
  example: "vmcore",
  plural: "timers",
  takesQueries: false,
  list: listTimers,
  lines: timerLines,
};
