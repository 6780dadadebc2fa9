import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  findTask,
  forEachMount,
  type Gaps,
  mountDirectory,
  mountOptions,
  mountOwnOptions,
  mountType,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";
import { firstProcess, taskRoot } from "./tasks.ts";

/** A mount as JSON has it. */
export interface MountRow {
  id: number | null;
  /** Id of the mount it is on. */
  parent: number | null;
  device: string | null;
  /** null where the process cannot reach it. */
  directory: string | null;
  type: string | null;
  /** The ones that all file systems have. */
  options: readonly string[] | null;
  /** Those of its own type; null where only its code knows them. */
  own: readonly string[] | null;
  /** Addresses of the `struct mount` and the `struct super_block`. */
  mount: string;
  superBlock: string | null;
}

/**
 * Mounts as a process sees them, the first one without a PID. What it cannot reach is left out.
 * @throws {UsageError} for what is no PID
 */
export function listMounts(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: MountRow[]; missing: string[] } {
  const { program } = kernel;
  const [target] = targets;
  if (targets.length > 1) throw new UsageError("mount: one PID at most");
  if (target !== undefined && !/^\d{1,10}$/.test(target)) throw new UsageError(`'${target}' is no PID`);
  const task = target === undefined ? firstProcess(kernel, gaps) : findTask(program, Number(target));
  if (task === undefined) return { rows: [], missing: [target!] };
  const proxy = task.member("nsproxy");
  if (proxy.isNull) return { rows: [], missing: [target ?? "PID 1"] };
  const root = gaps.column("root", () => taskRoot(task)) ?? undefined;
  const rows: MountRow[] = [];
  for (const mount of gaps.walk(forEachMount(proxy.member("mnt_ns")))) {
    const directory = gaps.column("directory", () => mountDirectory(program, mount, root));
    if (directory === undefined) continue;
    rows.push({
      id: gaps.column("id", () => mount.member("mnt_id").number()),
      parent: gaps.column("parent", () => mount.member("mnt_parent").member("mnt_id").number()),
      device: gaps.column("device", () => mount.member("mnt_devname").string(4096)),
      directory,
      type: gaps.column("type", () => mountType(mount)),
      options: gaps.column("options", () => mountOptions(mount)),
      own: gaps.column("own", () => mountOwnOptions(program, mount)) ?? null,
      mount: hex(mount.address!),
      superBlock: gaps.column("superBlock", () => hex(mount.subobject("mnt.mnt_sb").scalar())),
    });
  }
  return { rows, missing: [] };
}

const columns = [
  { title: "MOUNT" },
  { title: "SUPERBLOCK" },
  { title: "TYPE" },
  { title: "DEVICE" },
  { title: "DIRECTORY" },
  { title: "OPTIONS" },
] as const;

export function mountLines(rows: readonly MountRow[]): Iterable<string> {
  return tableLines(
    columns,
    rows.map((row) => [
      row.mount.slice(2),
      cell(row.superBlock?.slice(2)),
      cell(row.type),
      cell(row.device),
      cell(row.directory),
      row.options === null ? "?" : [...row.options, ...(row.own ?? ["?"])].join(","),
    ]),
  );
}
