import type { Command } from "commander";
import { listThreads, threadLines, type ThreadRow } from "../commands/index.ts";
import { logCommand } from "./log-command.ts";
import type { Streams } from "./streams.ts";
import { type TableCommand, tableCommand } from "./table-command.ts";

/** Commands that show what Linux keeps, subsystem by subsystem. */
export function linuxCommands(streams: Streams, setExitCode: (code: number) => void): Command[] {
  const table = <Row extends object, Flags>(definition: TableCommand<Row, Flags>): Command =>
    tableCommand(definition, streams, setExitCode);
  return [table(ps), logCommand(streams)];
}

interface PsFlags {
  active?: boolean;
  state?: string;
  kernel?: boolean;
  user?: boolean;
  group?: boolean;
}

const ps: TableCommand<ThreadRow, PsFlags> = {
  name: "ps",
  description: "threads: all, or by PID, name, state",
  argument: "a dump; then PIDs, names, patterns of names with * and ?, or addresses of tasks",
  example: "vmcore --state D 'kworker*'",
  plural: "threads",
  options: [
    ["-A, --active", "only what the CPUs ran"],
    ["-s, --state <LETTERS>", "only threads in these states: R, S, D, T, t, X, Z, P, I"],
    ["-k, --kernel", "only threads of the kernel"],
    ["-u, --user", "only threads of processes"],
    ["-G, --group", "only the leaders of thread groups"],
  ],
  list(kernel, gaps, targets, flags) {
    return listThreads(kernel, gaps, {
      targets,
      states: flags.state,
      active: flags.active ?? false,
      kernel: flags.kernel === true ? true : flags.user === true ? false : undefined,
      leaders: flags.group ?? false,
    });
  },
  lines: threadLines,
};
