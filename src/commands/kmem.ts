import type { Kernel } from "../kernel/index.ts";
import {
  forEachSlabCache,
  type Gaps,
  globalNodePageState,
  globalZonePageState,
  hasStatItem,
  percpuCounterSum,
  slabUse,
  totalramPages,
} from "../linux/index.ts";
import type { Program } from "../program/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { cell, tableLines } from "./table.ts";

/** A part of memory as JSON has it. */
export interface MemoryRow {
  /** As /proc/meminfo names it. */
  name: string;
  pages: number | null;
  /** Bytes. */
  size: number | null;
}

type Pages = (program: Program) => bigint;

const zone =
  (item: string): Pages =>
  (program) =>
    globalZonePageState(program, item);
const node =
  (...items: string[]): Pages =>
  (program) =>
    items.reduce((sum, item) => sum + globalNodePageState(program, item), 0n);
/** An item that not every kernel has. */
const atMost =
  (item: string): Pages =>
  (program) =>
    hasStatItem(program, "node_stat_item", item) ? globalNodePageState(program, item) : 0n;
const atomic =
  (name: string): Pages =>
  (program) =>
    program.variable(name).member("counter").scalar() as bigint;

/** Rows in the order of /proc/meminfo. `Cached` holds buffers too, which no counter tells apart. */
const parts: readonly (readonly [name: string, pages: Pages])[] = [
  ["MemTotal", totalramPages],
  ["MemFree", zone("NR_FREE_PAGES")],
  ["Cached", (program) => node("NR_FILE_PAGES")(program) - atMost("NR_SWAPCACHE")(program)],
  ["SwapCached", atMost("NR_SWAPCACHE")],
  ["Active", (program) => node("NR_ACTIVE_ANON")(program) + node("NR_ACTIVE_FILE")(program)],
  ["Inactive", (program) => node("NR_INACTIVE_ANON")(program) + node("NR_INACTIVE_FILE")(program)],
  ["Active(anon)", node("NR_ACTIVE_ANON")],
  ["Inactive(anon)", node("NR_INACTIVE_ANON")],
  ["Active(file)", node("NR_ACTIVE_FILE")],
  ["Inactive(file)", node("NR_INACTIVE_FILE")],
  ["Unevictable", node("NR_UNEVICTABLE")],
  ["Mlocked", zone("NR_MLOCK")],
  ["SwapTotal", (program) => BigInt(program.variable("total_swap_pages").scalar())],
  ["SwapFree", atomic("nr_swap_pages")],
  ["Dirty", node("NR_FILE_DIRTY")],
  ["Writeback", node("NR_WRITEBACK")],
  ["AnonPages", node("NR_ANON_MAPPED")],
  ["Mapped", node("NR_FILE_MAPPED")],
  ["Shmem", node("NR_SHMEM")],
  ["KReclaimable", node("NR_SLAB_RECLAIMABLE_B", "NR_KERNEL_MISC_RECLAIMABLE")],
  ["Slab", node("NR_SLAB_RECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE_B")],
  ["SReclaimable", node("NR_SLAB_RECLAIMABLE_B")],
  ["SUnreclaim", node("NR_SLAB_UNRECLAIMABLE_B")],
  ["KernelStack", (program) => (node("NR_KERNEL_STACK_KB")(program) * 1024n) / pageSize(program)],
  ["PageTables", node("NR_PAGETABLE")],
  ["Committed_AS", (program) => percpuCounterSum(program, program.variable("vm_committed_as"))],
];

function pageSize(program: Program): bigint {
  return BigInt(program.memory.pageByteSize);
}

/** Where memory went, as the kernel's own counters have it. */
export function listMemory(kernel: Kernel, gaps: Gaps): { rows: MemoryRow[] } {
  const { program } = kernel;
  const rows = parts.map(([name, read]): MemoryRow => {
    const pages = gaps.column(name, () => Number(read(program)));
    return { name, pages, size: pages === null ? null : pages * program.memory.pageByteSize };
  });
  return { rows };
}

export function memoryLines(rows: readonly MemoryRow[]): Iterable<string> {
  const total = rows.find(({ name }) => name === "MemTotal")?.pages ?? 0;
  return tableLines(
    [
      { title: "MEMORY" },
      { title: "PAGES", align: "right" },
      { title: "KIB", align: "right" },
      { title: "OF TOTAL", align: "right" },
    ],
    rows.map(({ name, pages, size }) => [
      name,
      cell(pages),
      size === null ? "?" : String(size / 1024),
      pages === null || total === 0 ? "-" : `${((100 * pages) / total).toFixed(1)} %`,
    ]),
  );
}

/** A slab cache as JSON has it. */
export interface SlabRow {
  name: string | null;
  /** Bytes of an object, and with what surrounds it. */
  objectSize: number | null;
  size: number | null;
  active: number | null;
  objects: number | null;
  slabs: number | null;
  /** Address of the `struct kmem_cache`. */
  cache: string;
}

/** Slab caches that fit names or patterns; all without any. */
export function listSlabs(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: SlabRow[]; missing: string[] } {
  const filters = targets.map((target) => ({ target, pattern: globPattern(target) }));
  const rows: SlabRow[] = [];
  for (const cache of gaps.walk(forEachSlabCache(kernel.program))) {
    const name = gaps.column("name", () => cache.member("name").string(256));
    if (filters.length > 0 && !filters.some(({ pattern }) => pattern.test(name ?? ""))) continue;
    const use = gaps.column("objects", () => slabUse(kernel.program, cache));
    rows.push({
      name,
      objectSize: gaps.column("objectSize", () => cache.member("object_size").number()),
      size: gaps.column("size", () => cache.member("size").number()),
      active: use === null ? null : Number(use.active),
      objects: use === null ? null : Number(use.objects),
      slabs: use === null ? null : Number(use.slabs),
      cache: hex(cache.address!),
    });
  }
  const missing = filters
    .filter(({ pattern }) => !rows.some(({ name }) => pattern.test(name ?? "")))
    .map(({ target }) => target);
  return { rows, missing };
}

export function slabLines(rows: readonly SlabRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "CACHE" },
      { title: "OBJSIZE", align: "right" },
      { title: "SIZE", align: "right" },
      { title: "ACTIVE", align: "right" },
      { title: "OBJECTS", align: "right" },
      { title: "SLABS", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.cache.slice(2),
      ...[row.objectSize, row.size, row.active, row.objects, row.slabs].map(cell),
      cell(row.name),
    ]),
  );
}
