import type { Kernel } from "../kernel/index.ts";
import { forEachSwapInfo, type Gaps, swapFilePath, swapIsFile, swapUsageInPages } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";
import { firstProcess, taskRoot } from "./tasks.ts";

/** A swap device as JSON has it. */
export interface SwapRow {
  /** Path of the file or device. */
  name: string | null;
  /** `file`, or `partition` for any block device, as /proc/swaps has it. */
  type: string | null;
  /** Bytes. */
  size: number | null;
  used: number | null;
  /** The highest is used first. */
  priority: number | null;
  /** Address of the `struct swap_info_struct`. */
  info: string;
}

/** What the kernel swaps to. */
export function listSwaps(kernel: Kernel, gaps: Gaps): { rows: SwapRow[] } {
  const { program } = kernel;
  const bytes = (pages: number | bigint): number => Number(pages) * program.memory.pageByteSize;
  const infos = gaps.column("swap", () => [...forEachSwapInfo(program)]) ?? [];
  if (infos.length === 0) return { rows: [] };
  const root = gaps.column("root", () => taskRoot(firstProcess(kernel, gaps))) ?? undefined;
  const rows = infos.map((info): SwapRow => {
    return {
      name: gaps.column("name", () => swapFilePath(program, info, root)),
      type: gaps.column("type", () => (swapIsFile(info) ? "file" : "partition")),
      size: gaps.column("size", () => bytes(info.member("pages").number())),
      used: gaps.column("used", () => bytes(swapUsageInPages(info))),
      priority: gaps.column("priority", () => info.member("prio").number()),
      info: hex(info.address!),
    };
  });
  return { rows };
}

export function swapLines(rows: readonly SwapRow[]): Iterable<string> {
  const kib = (size: number | null): string => (size === null ? "?" : String(size / 1024));
  return tableLines(
    [
      { title: "SWAP_INFO" },
      { title: "TYPE" },
      { title: "SIZE KIB", align: "right" },
      { title: "USED KIB", align: "right" },
      { title: "PRIORITY", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.info.slice(2),
      cell(row.type),
      kib(row.size),
      kib(row.used),
      cell(row.priority),
      cell(row.name),
    ]),
  );
}
