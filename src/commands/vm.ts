import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { forEachVma, type Gaps, vmaAccess, vmaName } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";
import { chosenTasks, taskObject, taskRoot } from "./tasks.ts";

/** An area of a process's address space as JSON has it. */
export interface AreaRow {
  pid: number;
  start: string;
  /** First address behind it. */
  end: string;
  /** `r-xp`, as /proc/PID/maps has it. */
  access: string | null;
  /** Bytes from the start of its file; 0 without one. */
  offset: number | null;
  /** Major and minor number of the file's device; null without a file. */
  device: { major: number; minor: number } | null;
  inode: number | null;
  /** A path, `[heap]`, `[stack]`, …; empty for anonymous memory. */
  name: string | null;
  /** Address of the `struct vm_area_struct`. */
  area: string;
}

/** Areas of the address spaces of processes by PID. @throws {UsageError} without a PID */
export function listAreas(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: AreaRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("vm: of what PID?");
  const { tasks, missing } = chosenTasks(kernel, gaps, targets);
  const rows: AreaRow[] = [];
  for (const task of tasks) {
    const object = taskObject(kernel, task);
    const root = gaps.column("root", () => taskRoot(object)) ?? undefined;
    const mm = gaps.column("mm", () => object.member("mm").read());
    // Threads of the kernel have no address space of their own, and processes that have ended none any more.
    if (mm?.isNull === true) missing.push(`${task.pid} (${task.comm} has no address space)`);
    if (mm === null || mm.isNull) continue;
    for (const area of gaps.walk(forEachVma(mm.dereference()))) {
      const file = gaps.column("file", () => fileOf(area));
      rows.push({
        pid: task.pid,
        start: hex(area.member("vm_start").scalar()),
        end: hex(area.member("vm_end").scalar()),
        access: gaps.column("access", () => vmaAccess(area)),
        offset:
          file === null
            ? 0
            : gaps.column(
                "offset",
                () => area.member("vm_pgoff").number() * kernel.foundation.memory.pageByteSize,
              ),
        device: file === null ? null : gaps.column("device", () => deviceOf(file)),
        inode:
          file === null ? null : gaps.column("inode", () => file.member("f_inode").member("i_ino").number()),
        name: gaps.column("name", () => vmaName(kernel.program, area, root)),
        area: hex(area.address!),
      });
    }
  }
  return { rows, missing };
}

function fileOf(area: KernelObject): KernelObject | null {
  const file = area.member("vm_file").read();
  return file.isNull ? null : file.dereference();
}

/** Numbers of devices have 20 bits for the minor one (MINORBITS). */
function deviceOf(file: KernelObject): { major: number; minor: number } {
  const device = file.member("f_inode").member("i_sb").member("s_dev").number();
  return { major: device >>> 20, minor: device & 0xf_ffff };
}

const columns = [
  { title: "PID", align: "right" },
  { title: "AREA" },
  { title: "START", align: "right" },
  { title: "END", align: "right" },
  { title: "MODE" },
  { title: "OFFSET", align: "right" },
  { title: "DEV" },
  { title: "INODE", align: "right" },
  { title: "NAME" },
] as const;

export function areaLines(rows: readonly AreaRow[]): Iterable<string> {
  const number = (value: number): string => value.toString(16).padStart(2, "0");
  return tableLines(
    columns,
    rows.map(({ device, ...row }) => [
      String(row.pid),
      row.area.slice(2),
      row.start.slice(2),
      row.end.slice(2),
      cell(row.access),
      row.offset === null ? "?" : row.offset.toString(16),
      device === null ? "-" : `${number(device.major)}:${number(device.minor)}`,
      row.inode === null ? "-" : String(row.inode),
      row.name ?? "?",
    ]),
  );
}
