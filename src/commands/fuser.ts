import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { forEachFile, forEachVma, type Gaps, type Task } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { inodeOf } from "./file-target.ts";
import { hex } from "./hex.ts";
import { tableLines } from "./table.ts";
import { chosenTasks, taskObject } from "./tasks.ts";

/** A process that uses a file as JSON has it. */
export interface FileUserRow {
  /** What was asked for. */
  file: string;
  pid: number;
  comm: string;
  task: string;
  /** `root`, `cwd`, `exe`, `mmap`, `fd 3`. */
  uses: readonly string[];
}

/** Which processes use files: of paths, or of the addresses of `struct inode`s. @throws {UsageError} without one */
export function listFileUsers(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: FileUserRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("fuser: who uses what path, or inode?");
  const wanted = new Map<bigint, string>();
  for (const target of targets) {
    const inode = inodeOf(kernel, gaps, target);
    if (inode !== undefined) wanted.set(inode.address!, target);
  }
  const rows: FileUserRow[] = [];
  for (const task of chosenTasks(kernel, gaps, []).tasks) {
    if (task.isKernelThread) continue;
    const uses = new Map<bigint, string[]>();
    for (const [inode, use] of usesOf(taskObject(kernel, task), gaps)) {
      if (!wanted.has(inode)) continue;
      const list = uses.get(inode) ?? [];
      if (!list.includes(use)) list.push(use);
      uses.set(inode, list);
    }
    for (const [inode, list] of uses) rows.push(rowOf(wanted.get(inode)!, task, list));
  }
  return { rows, missing: targets.filter((target) => !rows.some(({ file }) => file === target)) };
}

function rowOf(file: string, task: Task, uses: string[]): FileUserRow {
  return { file, pid: task.pid, comm: task.comm, task: hex(task.address), uses };
}

/** Addresses of the inodes that a process uses, each with what for. */
function* usesOf(task: KernelObject, gaps: Gaps): Generator<[inode: bigint, use: string], undefined> {
  const inodeOfDentry = (path: KernelObject): bigint =>
    path.member("dentry").member("d_inode").scalar() as bigint;
  const inodeOfFile = (file: KernelObject): bigint => file.member("f_inode").scalar() as bigint;
  const fs = gaps.column("fs", () => task.member("fs").read());
  if (fs !== null && !fs.isNull) {
    for (const [use, member] of [
      ["root", "root"],
      ["cwd", "pwd"],
    ] as const) {
      const inode = gaps.column(use, () => inodeOfDentry(fs.member(member)));
      if (inode !== null) yield [inode, use];
    }
  }
  for (const { descriptor, file } of gaps.walk(forEachFile(task))) {
    const inode = gaps.column("fd", () => inodeOfFile(file));
    if (inode !== null) yield [inode, `fd ${descriptor}`];
  }
  const mm = gaps.column("mm", () => task.member("mm").read());
  if (mm === null || mm.isNull) return;
  const exe = gaps.column("exe", () => mm.member("exe_file").read());
  if (exe !== null && !exe.isNull) {
    const inode = gaps.column("exe", () => inodeOfFile(exe));
    if (inode !== null) yield [inode, "exe"];
  }
  for (const area of gaps.walk(forEachVma(mm.dereference()))) {
    const inode = gaps.column("mmap", () => {
      const file = area.member("vm_file").read();
      return file.isNull ? null : inodeOfFile(file);
    });
    if (inode !== null) yield [inode, "mmap"];
  }
}

export function fileUserLines(rows: readonly FileUserRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "PID", align: "right" },
      { title: "TASK" },
      { title: "COMM" },
      { title: "USES" },
      { title: "FILE" },
    ],
    rows.map((row) => [String(row.pid), row.task.slice(2), row.comm, row.uses.join(", "), row.file]),
  );
}
