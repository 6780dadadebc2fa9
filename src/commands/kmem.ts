import type { Kernel } from "../kernel/index.ts";
import {
  blockDevicePages,
  forEachOnlinePgdat,
  type Gaps,
  globalNodePageState,
  globalZonePageState,
  hasStatItem,
  hugetlbTotalPages,
  percpuCounterSum,
  pgdatZones,
  totalramPages,
  zoneWatermarks,
} from "../linux/index.ts";
import type { Program } from "../program/index.ts";
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
/** An item that was counted by zone before it was by node: page tables until v5.11 (f0c0c115fb81). */
const nodeOrZone =
  (item: string): Pages =>
  (program) =>
    (hasStatItem(program, "node_stat_item", item) ? globalNodePageState : globalZonePageState)(program, item);
const atomic =
  (name: string): Pages =>
  (program) =>
    program.variable(name).member("counter").scalar() as bigint;

/** The swap cache. Before v5.12 (b6038942480e) no item counts it; where nothing can be swapped it is empty. */
function swapCache(program: Program): bigint {
  const isEmpty =
    !hasStatItem(program, "node_stat_item", "NR_SWAPCACHE") &&
    (!program.hasVariable("total_swap_pages") ||
      BigInt(program.variable("total_swap_pages").scalar()) === 0n);
  return isEmpty ? 0n : globalNodePageState(program, "NR_SWAPCACHE");
}

/** Page cache of files. */
function cached(program: Program): bigint {
  const pages =
    globalNodePageState(program, "NR_FILE_PAGES") - swapCache(program) - blockDevicePages(program);
  return pages > 0n ? pages : 0n;
}

/** `si_mem_available` (mm/show_mem.c): what could be had without swapping. */
function available(program: Program): bigint {
  let low = 0n;
  for (const pgdat of forEachOnlinePgdat(program)) {
    for (const each of pgdatZones(pgdat)) low += zoneWatermarks(each).low;
  }
  // Of what can be given back, half or the low watermark is thought to be in use.
  const less = (pages: bigint): bigint => pages - (pages / 2n < low ? pages / 2n : low);
  const pages =
    zone("NR_FREE_PAGES")(program) -
    (program.variable("totalreserve_pages").scalar() as bigint) +
    less(node("NR_ACTIVE_FILE", "NR_INACTIVE_FILE")(program)) +
    less(node("NR_SLAB_RECLAIMABLE_B", "NR_KERNEL_MISC_RECLAIMABLE")(program));
  return pages > 0n ? pages : 0n;
}

/** `vm_commit_limit` (mm/util.c). */
function commitLimit(program: Program): bigint {
  const swap = BigInt(program.variable("total_swap_pages").scalar());
  const kibibytes = program.variable("sysctl_overcommit_kbytes").scalar() as bigint;
  if (kibibytes !== 0n) return (kibibytes * 1024n) / pageSize(program) + swap;
  const ratio = BigInt(program.variable("sysctl_overcommit_ratio").scalar());
  return ((totalramPages(program) - hugetlbTotalPages(program)) * ratio) / 100n + swap;
}

/** Items that not every kernel has; without one there is no row. */
const sometimes: ReadonlyMap<string, string> = new Map([
  ["SwapCached", "NR_SWAPCACHE"],
  ["SecPageTables", "NR_SECONDARY_PAGETABLE"],
  ["AnonHugePages", "NR_ANON_THPS"],
  ["ShmemHugePages", "NR_SHMEM_THPS"],
  ["ShmemPmdMapped", "NR_SHMEM_PMDMAPPED"],
  ["FileHugePages", "NR_FILE_THPS"],
  ["FilePmdMapped", "NR_FILE_PMDMAPPED"],
]);

/** Rows in the order of /proc/meminfo. */
const parts: readonly (readonly [name: string, pages: Pages])[] = [
  ["MemTotal", totalramPages],
  ["MemFree", zone("NR_FREE_PAGES")],
  ["MemAvailable", available],
  ["Buffers", blockDevicePages],
  ["Cached", cached],
  ["SwapCached", node("NR_SWAPCACHE")],
  ["Active", node("NR_ACTIVE_ANON", "NR_ACTIVE_FILE")],
  ["Inactive", node("NR_INACTIVE_ANON", "NR_INACTIVE_FILE")],
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
  ["PageTables", nodeOrZone("NR_PAGETABLE")],
  ["SecPageTables", node("NR_SECONDARY_PAGETABLE")],
  ["CommitLimit", commitLimit],
  ["Committed_AS", (program) => percpuCounterSum(program, program.variable("vm_committed_as"))],
  [
    "VmallocUsed",
    // v7.0 counts it per node.
    (program) =>
      (hasStatItem(program, "node_stat_item", "NR_VMALLOC")
        ? node("NR_VMALLOC")
        : atomic("nr_vmalloc_pages"))(program),
  ],
  [
    "Percpu",
    (program) =>
      (program.variable("pcpu_nr_populated").scalar() as bigint) *
      BigInt(program.variable("pcpu_nr_units").scalar()),
  ],
  ["AnonHugePages", node("NR_ANON_THPS")],
  ["ShmemHugePages", node("NR_SHMEM_THPS")],
  ["ShmemPmdMapped", node("NR_SHMEM_PMDMAPPED")],
  ["FileHugePages", node("NR_FILE_THPS")],
  ["FilePmdMapped", node("NR_FILE_PMDMAPPED")],
  ["CmaTotal", (program) => program.variable("totalcma_pages").scalar() as bigint],
  ["CmaFree", zone("NR_FREE_CMA_PAGES")],
  ["Hugetlb", hugetlbTotalPages],
];

function pageSize(program: Program): bigint {
  return BigInt(program.memory.pageByteSize);
}

/**
 * Where memory went, as the kernel's own counters have it.
 * @param only names of the rows that are wanted; all by default
 */
export function listMemory(kernel: Kernel, gaps: Gaps, only?: ReadonlySet<string>): { rows: MemoryRow[] } {
  const { program } = kernel;
  const has = (item: string): boolean =>
    hasStatItem(program, "node_stat_item", item) || hasStatItem(program, "zone_stat_item", item);
  const hasCma = program.types.find("struct zone")?.findMember("cma_pages") !== undefined;
  const rows = parts.flatMap(([name, read]): MemoryRow[] => {
    if (only?.has(name) === false) return [];
    const item = sometimes.get(name);
    if (item !== undefined && gaps.column(name, () => has(item)) === false) return [];
    if (name.startsWith("Cma") && !hasCma) return [];
    const pages = gaps.column(name, () => Number(read(program)));
    return [{ name, pages, size: pages === null ? null : pages * program.memory.pageByteSize }];
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
