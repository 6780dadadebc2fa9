import type { Command } from "commander";
import {
  cgroupLines,
  type CgroupRow,
  ipcKinds,
  ipcLines,
  type IpcRow,
  listCgroups,
  listIpc,
  listNamespaces,
  listSignals,
  listSysctls,
  namespaceLines,
  type NamespaceRow,
  signalLines,
  type SignalRow,
  sysctlLines,
  type SysctlRow,
} from "../commands/index.ts";
import type { Streams } from "./streams.ts";
import { type TableCommand, tableCommand } from "./table-command.ts";

/** Commands that show what processes have and share. */
export function taskCommands(streams: Streams, setExitCode: (code: number) => void): Command[] {
  const table = <Row extends object, Flags>(definition: TableCommand<Row, Flags>): Command =>
    tableCommand(definition, streams, setExitCode);
  return [table(ipc), table(lsns), table(cgroup), table(sig), table(sysctl)];
}

interface IpcFlags {
  shm?: boolean;
  sem?: boolean;
  msg?: boolean;
  mqueue?: boolean;
}

const ipc: TableCommand<IpcRow, IpcFlags> = {
  name: "ipc",
  description: "shared memory, semaphores, message queues, of System V and POSIX; who waits for them",
  argument: "a dump, or the parts of a split one",
  example: "vmcore -m",
  plural: "objects",
  takesQueries: false,
  options: [
    ["-m, --shm", "only shared memory"],
    ["-s, --sem", "only semaphores"],
    ["-q, --msg", "only message queues of System V"],
    ["-p, --mqueue", "only message queues of POSIX"],
  ],
  list: (kernel, gaps, _, flags) =>
    listIpc(
      kernel,
      gaps,
      ipcKinds.some((kind) => flags[kind]) ? ipcKinds.filter((kind) => flags[kind]) : ipcKinds,
    ),
  lines: ipcLines,
};

const lsns: TableCommand<NamespaceRow, object> = {
  name: "lsns",
  description: "namespaces, and the processes in them",
  argument: "a dump; then PIDs (default: all processes)",
  example: "vmcore 1",
  plural: "namespaces",
  list: listNamespaces,
  lines: namespaceLines,
};

const cgroup: TableCommand<CgroupRow, object> = {
  name: "cgroup",
  description: "control groups: processes, memory, limits",
  argument: "a dump; then PIDs, paths, or patterns of paths with * and ?",
  example: "vmcore '/system.slice/*'",
  plural: "cgroups",
  list: listCgroups,
  lines: cgroupLines,
};

const sig: TableCommand<SignalRow, object> = {
  name: "sig",
  description: "signals: blocked, pending with their senders, and what processes do on them",
  argument: "a dump; then PIDs of processes or threads (default: all processes)",
  example: "vmcore 1",
  plural: "threads",
  list: listSignals,
  lines: signalLines,
};

const sysctl: TableCommand<SysctlRow, object> = {
  name: "sysctl",
  description: "settings of the kernel, as /proc/sys has them",
  argument: "a dump; then names, or patterns of names with * and ?",
  example: "vmcore 'kernel.panic*'",
  plural: "settings",
  list: listSysctls,
  lines: sysctlLines,
};
