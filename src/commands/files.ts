import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  dPath,
  forEachFile,
  type Gaps,
  inodeCachedPages,
  type PathPlace,
  pathPlace,
} from "../linux/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { hex } from "./hex.ts";
import { listMounts } from "./mount.ts";
import { parseAddress } from "./sym.ts";
import { cell, tableLines } from "./table.ts";
import { chosenTasks, taskObject, taskRoot } from "./tasks.ts";

/** An open file of a process as JSON has it. */
export interface FileRow {
  pid: number;
  comm: string;
  /** Its number in the process; null for the current and the root directory. */
  fd: number | null;
  /** `fd`, `cwd` or `root`. */
  use: string;
  /** As /proc/PID/fd has it. */
  path: string | null;
  /** regular, directory, character, block, pipe, socket, link, anonymous. */
  type: string | null;
  /** `r`, `w`, `rw`; empty for what is neither. */
  access: string | null;
  position: number | null;
  inode: number | null;
  /** Pages of it that are in memory. */
  cached: number | null;
  /** Address of the `struct inode`. */
  inodeAddress: string | null;
  /** Address of the `struct mount` it was opened on. */
  mount: string | null;
  /** Address of the `struct file`. */
  file: string | null;
}

const S_IFMT = 0xf000n;
const fileTypes: ReadonlyMap<bigint, string> = new Map([
  [0x1000n, "pipe"],
  [0x2000n, "character"],
  [0x4000n, "directory"],
  [0x6000n, "block"],
  [0x8000n, "regular"],
  [0xa000n, "link"],
  [0xc000n, "socket"],
]);

/** Open files of processes, by PID; of all without any. @throws {UsageError} */
export function listFiles(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: FileRow[]; missing: string[] } {
  const { tasks, missing } = chosenTasks(kernel, gaps, targets);
  const rows: FileRow[] = [];
  const { program } = kernel;
  for (const task of tasks) {
    const object = taskObject(kernel, task);
    const root = gaps.column("root", () => taskRoot(object)) ?? undefined;
    const who = { pid: task.pid, comm: task.comm };
    if (root !== undefined && !task.isKernelThread) {
      for (const [use, member] of [
        ["root", "root"],
        ["cwd", "pwd"],
      ] as const) {
        const place = gaps.column(use, () => pathPlace(object.member("fs").member(member)));
        if (place === null) continue;
        const inode = gaps.column("inode", () =>
          program.object(place.dentry, "struct dentry").member("d_inode").dereference(),
        );
        const path = gaps.column("path", () => dPath(program, place, use === "root" ? undefined : root));
        const mount = gaps.column("mount", () => mountOf(program, place));
        const rest = {
          type: "directory",
          access: null,
          position: null,
          ...inodeFacts(inode),
          mount,
          file: null,
        };
        rows.push({ ...who, fd: null, use, path, ...rest });
      }
    }
    for (const { descriptor, file } of openFiles(object)) {
      rows.push({
        ...who,
        fd: descriptor,
        use: "fd",
        path: gaps.column("path", () => dPath(program, pathPlace(file.member("f_path")), root)),
        type: gaps.column("type", () => typeOf(file)),
        access: gaps.column("access", () => accessOf(file)),
        position: gaps.column("position", () => file.member("f_pos").number()),
        ...inodeFacts(gaps.column("inode", () => file.member("f_inode").dereference())),
        mount: gaps.column("mount", () => mountOf(program, pathPlace(file.member("f_path")))),
        file: file.address === undefined ? null : hex(file.address),
      });
    }
  }
  return { rows, missing };

  function inodeFacts(inode: KernelObject | null): Pick<FileRow, "inode" | "cached" | "inodeAddress"> {
    if (inode === null) return { inode: null, cached: null, inodeAddress: null };
    return {
      inode: gaps.column("inode", () => inode.member("i_ino").number()),
      cached: gaps.column("cached", () => Number(inodeCachedPages(inode))),
      inodeAddress: hex(inode.address!),
    };
  }

  function* openFiles(task: KernelObject): ReturnType<typeof forEachFile> {
    try {
      yield* forEachFile(task);
    } catch (error) {
      gaps.note("files", error);
    }
  }
}

function mountOf(program: Program, { mnt }: PathPlace): string {
  return hex(program.object(mnt, "struct vfsmount").containerOf("struct mount", "mnt").scalar());
}

function typeOf(file: KernelObject): string {
  const mode = file.member("f_inode").member("i_mode").scalar() as bigint;
  return fileTypes.get(mode & S_IFMT) ?? "anonymous";
}

/** FMODE_READ and FMODE_WRITE. */
function accessOf(file: KernelObject): string {
  const mode = file.member("f_mode").scalar() as bigint;
  return `${(mode & 1n) !== 0n ? "r" : ""}${(mode & 2n) !== 0n ? "w" : ""}`;
}

/**
 * Open files on mounts: of the directories they are on as the first process sees them, or of the addresses of their
 * `struct mount`s or `struct super_block`s.
 * @throws {UsageError} without one
 */
export function listMountFiles(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: FileRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("mount -f: of the mount on what directory?");
  const mounts = listMounts(kernel, gaps, []).rows;
  const chosen = targets.map((target) => {
    const address = parseAddress(target);
    const wanted = address === undefined ? undefined : hex(address);
    return mounts.filter(
      ({ directory, mount, superBlock }) =>
        directory === target || (wanted !== undefined && (mount === wanted || superBlock === wanted)),
    );
  });
  const wanted = new Set(chosen.flat().map(({ mount }) => mount));
  const rows = wanted.size === 0 ? [] : listFiles(kernel, gaps, []).rows;
  return {
    rows: rows.filter(({ mount }) => mount !== null && wanted.has(mount)),
    missing: targets.filter((_, index) => chosen[index]!.length === 0),
  };
}

const columns = [
  { title: "PID", align: "right" },
  { title: "COMM" },
  { title: "FD", align: "right" },
  { title: "FILE" },
  { title: "INODE", align: "right" },
  { title: "TYPE" },
  { title: "MODE" },
  { title: "PATH" },
] as const;

export function fileLines(rows: readonly FileRow[]): Iterable<string> {
  return tableLines(
    columns,
    rows.map((row) => [
      String(row.pid),
      row.comm,
      row.fd === null ? row.use : String(row.fd),
      row.file?.slice(2) ?? "-",
      cell(row.inode),
      cell(row.type),
      row.access ?? "",
      cell(row.path),
    ]),
  );
}

/** Files with the pages of each that are in memory. */
export function cachedFileLines(rows: readonly FileRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "PID", align: "right" },
      { title: "COMM" },
      { title: "FD", align: "right" },
      { title: "INODE" },
      { title: "PAGES", align: "right" },
      { title: "TYPE" },
      { title: "PATH" },
    ],
    rows.map((row) => [
      String(row.pid),
      row.comm,
      row.fd === null ? row.use : String(row.fd),
      cell(row.inodeAddress?.slice(2)),
      cell(row.cached),
      cell(row.type),
      cell(row.path),
    ]),
  );
}
