import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  forEachSwapInfo,
  forEachVma,
  type Gaps,
  swapEntry,
  swapFilePath,
  userMemory,
  vmaName,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { tableLines } from "./table.ts";
import { chosenTasks, firstProcess, taskObject, taskRoot } from "./tasks.ts";

/** A page of a process's address space as JSON has it. */
export interface AreaPageRow {
  pid: number;
  /** Address of the `struct vm_area_struct`, and what the area is of. */
  area: string;
  name: string | null;
  virtual: string;
  /** Bytes: more than a page's for a huge page. */
  size: number;
  /** null for what is not in memory. */
  physical: string | null;
  /** Where in swap it is: the device, and which page of it. */
  swap: { device: string | null; page: number } | null;
  /** The page table entry. */
  entry: string;
}

/**
 * Pages of processes by PID that their page tables have: those in memory, and entries that say something else.
 * What was never touched, or can be read from its file again, has no entry.
 * @throws {UsageError} without a PID
 */
export function listAreaPages(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: AreaPageRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("vm -p: of what PID?");
  const { tasks, missing } = chosenTasks(kernel, gaps, targets);
  const devices = new Map<number, string | null>();
  const rows: AreaPageRow[] = [];
  for (const task of tasks) {
    const object = taskObject(kernel, task);
    const mm = gaps.column("mm", () => object.member("mm").read());
    if (mm === null || mm.isNull) continue;
    const memory = gaps.column("page tables", () => userMemory(kernel, mm.dereference()));
    if (memory === null) continue;
    const root = gaps.column("root", () => taskRoot(object)) ?? undefined;
    for (const area of gaps.walk(forEachVma(mm.dereference()))) {
      const name = gaps.column("name", () => vmaName(kernel.program, area, root));
      const bound = (member: string): bigint => area.member(member).scalar() as bigint;
      gaps.column("pages", () => {
        for (const page of memory.pageEntries(bound("vm_start"), bound("vm_end"))) {
          const place = page.physicalAddress === undefined ? swapEntry(kernel, page.entry) : undefined;
          rows.push({
            pid: task.pid,
            area: hex(area.address!),
            name,
            virtual: hex(page.address),
            size: page.byteSize,
            physical: page.physicalAddress === undefined ? null : hex(page.physicalAddress),
            swap: place === undefined ? null : { device: deviceOf(place.type), page: Number(place.offset) },
            entry: hex(page.entry),
          });
        }
      });
    }
  }
  return { rows, missing };

  function deviceOf(type: number): string | null {
    if (devices.size === 0) {
      const root = gaps.column("root", () => taskRoot(firstProcess(kernel, gaps))) ?? undefined;
      for (const info of gaps.walk(forEachSwapInfo(kernel.program))) {
        const number = gaps.column("swap type", () => info.member("type").number());
        const path = gaps.column("swap device", () => swapFilePath(kernel.program, info, root));
        if (number !== null) devices.set(number, path);
      }
    }
    return devices.get(type) ?? null;
  }
}

export function areaPageLines(rows: readonly AreaPageRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "PID", align: "right" },
      { title: "VIRTUAL", align: "right" },
      { title: "PHYSICAL", align: "right" },
      { title: "KIB", align: "right" },
      { title: "ENTRY", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      String(row.pid),
      row.virtual.slice(2),
      row.physical?.slice(2) ?? (row.swap === null ? "-" : "swap"),
      String(row.size / 1024),
      row.entry.slice(2),
      row.swap === null
        ? (row.name ?? "?")
        : `${row.name ?? "?"} (page ${row.swap.page} of ${row.swap.device ?? "?"})`,
    ]),
  );
}
