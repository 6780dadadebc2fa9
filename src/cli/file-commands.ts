import {
  areaLines,
  areaPageLines,
  type AreaPageRow,
  type AreaRow,
  cachedFileLines,
  fileLines,
  filePageLines,
  type FilePageRow,
  type FileRow,
  fileUserLines,
  type FileUserRow,
  listAreaPages,
  listAreas,
  listFilePages,
  listFiles,
  listFileUsers,
  listMountFiles,
  listMounts,
  mountLines,
  type MountRow,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { TableCommand } from "./table-command.ts";

export const mount: TableCommand<MountRow | FileRow, { files?: boolean }> = {
  name: "mount",
  description:
    "mounted file systems, as the first process sees them or another one does; open files on them (-f)",
  argument: "a dump; then a PID, or with -f directories or addresses of mounts",
  example: "vmcore 1",
  plural: (flags) => (flags.files === true ? "files" : "mounts"),
  options: [["-f, --files", "the open files on mounts"]],
  list: (kernel, gaps, targets, flags) =>
    flags.files === true ? listMountFiles(kernel, gaps, targets) : listMounts(kernel, gaps, targets),
  lines: (rows, flags) =>
    flags.files === true ? fileLines(rows as readonly FileRow[]) : mountLines(rows as readonly MountRow[]),
};

interface FilesFlags {
  cached?: boolean;
  pages?: boolean;
}

export const files: TableCommand<FileRow | FilePageRow, FilesFlags> = {
  name: "files",
  description:
    "open files of processes, with their root and current directories; pages of files in memory (-p)",
  argument:
    "a dump; then PIDs or addresses of tasks (default: all processes), or with -p paths or addresses of struct inodes",
  example: "vmcore 1",
  plural: (flags) => (flags.pages === true ? "pages" : "files"),
  options: [
    ["-c, --cached", "how many pages of each file are in memory, and its inode's address"],
    ["-p, --pages", "the pages of files that are in memory"],
  ],
  list(kernel, gaps, targets, flags) {
    if (flags.cached === true && flags.pages === true) throw new UsageError("files: -c or -p");
    return flags.pages === true ? listFilePages(kernel, gaps, targets) : listFiles(kernel, gaps, targets);
  },
  lines: (rows, flags) =>
    flags.pages === true
      ? filePageLines(rows as readonly FilePageRow[])
      : (flags.cached === true ? cachedFileLines : fileLines)(rows as readonly FileRow[]),
};

export const fuser: TableCommand<FileUserRow, object> = {
  name: "fuser",
  description: "which processes use a file: open, mapped, run, or as a directory of theirs",
  argument: "a dump; then paths as the first process sees them, or addresses of struct inodes",
  example: "vmcore /bin/busybox",
  plural: "users",
  list: listFileUsers,
  lines: fileUserLines,
};

export const vm: TableCommand<AreaRow | AreaPageRow, { pages?: boolean }> = {
  name: "vm",
  description: "address spaces of processes, area by area, or page by page (-p)",
  argument: "a dump; then PIDs or addresses of tasks",
  example: "vmcore 1",
  plural: (flags) => (flags.pages === true ? "pages" : "areas"),
  options: [["-p, --pages", "the pages that are in memory or in swap"]],
  list: (kernel, gaps, targets, flags) =>
    flags.pages === true ? listAreaPages(kernel, gaps, targets) : listAreas(kernel, gaps, targets),
  lines: (rows, flags) =>
    flags.pages === true
      ? areaPageLines(rows as readonly AreaPageRow[])
      : areaLines(rows as readonly AreaRow[]),
};
