import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type Gaps, inodeForEachFolio, pageState, pageToPfn } from "../linux/index.ts";
import { inodeOf } from "./file-target.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** Pages of a file in memory as JSON has them; several that belong together are one row. */
export interface FilePageRow {
  /** Address of the `struct inode`. */
  inode: string;
  /** Which page of the file the first one is. */
  index: number;
  pages: number;
  /** Address of the first `struct page`. */
  page: string;
  physical: string | null;
  references: number | null;
  flags: readonly string[] | null;
}

/** Pages of files that are in memory: of paths, or of the addresses of `struct inode`s. @throws {UsageError} without one */
export function listFilePages(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: FilePageRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("files -p: of what path, or inode?");
  const { program } = kernel;
  const rows: FilePageRow[] = [];
  const missing: string[] = [];
  for (const target of targets) {
    const inode = inodeOf(kernel, gaps, target);
    if (inode === undefined) {
      missing.push(target);
      continue;
    }
    for (const { index, page, pageCount } of gaps.walk(inodeForEachFolio(program, inode))) {
      const state = gaps.column("flags", () => pageState(program, page));
      rows.push({
        inode: hex(inode.address!),
        index: Number(index),
        pages: pageCount,
        page: hex(page.address!),
        physical: gaps.column("physical", () => {
          const frame = pageToPfn(program, page.address!);
          return frame === undefined ? null : hex(frame * program.memory.pageByteSize);
        }),
        references: state?.references ?? null,
        flags: state?.flags ?? null,
      });
    }
  }
  return { rows, missing };
}

export function filePageLines(rows: readonly FilePageRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "INODE" },
      { title: "INDEX", align: "right" },
      { title: "PAGES", align: "right" },
      { title: "PAGE" },
      { title: "PHYSICAL", align: "right" },
      { title: "REFS", align: "right" },
      { title: "FLAGS" },
    ],
    rows.map((row) => [
      row.inode.slice(2),
      String(row.index),
      String(row.pages),
      row.page.slice(2),
      cell(row.physical?.slice(2)),
      cell(row.references),
      cell(row.flags?.join("|")),
    ]),
  );
}
