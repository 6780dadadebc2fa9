import type { Kernel } from "../kernel/index.ts";
import { forEachHstate, type Gaps, hugePageSize } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** Huge pages of one size as JSON has them; counts are of huge pages. */
export interface HugePageRow {
  /** `hugepages-2048kB`, as /sys/kernel/mm/hugepages has it. */
  name: string | null;
  /** Bytes of one. */
  size: number | null;
  total: number | null;
  free: number | null;
  reserved: number | null;
  surplus: number | null;
  /** Address of the `struct hstate`. */
  hstate: string;
}

/** Pools of huge pages, by size in the kernel's order. */
export function listHugePages(kernel: Kernel, gaps: Gaps): { rows: HugePageRow[] } {
  const rows: HugePageRow[] = [];
  for (const hstate of gaps.column("huge pages", () => [...forEachHstate(kernel.program)]) ?? []) {
    const count = (name: string): number | null => gaps.column(name, () => hstate.member(name).number());
    rows.push({
      name: gaps.column("name", () => hstate.member("name").string(32)),
      size: gaps.column("size", () => Number(hugePageSize(hstate))),
      total: count("nr_huge_pages"),
      free: count("free_huge_pages"),
      reserved: count("resv_huge_pages"),
      surplus: count("surplus_huge_pages"),
      hstate: hex(hstate.address!),
    });
  }
  return { rows };
}

export function hugePageLines(rows: readonly HugePageRow[]): Iterable<string> {
  const right = (title: string): { title: string; align: "right" } => ({ title, align: "right" });
  return tableLines(
    [
      { title: "HSTATE" },
      ...["SIZE KIB", "TOTAL", "FREE", "RESERVED", "SURPLUS"].map(right),
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.hstate.slice(2),
      row.size === null ? "?" : String(row.size / 1024),
      ...[row.total, row.free, row.reserved, row.surplus].map(cell),
      cell(row.name),
    ]),
  );
}
