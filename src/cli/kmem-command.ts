import {
  freeAreaLines,
  hugePageLines,
  listFreeAreas,
  listHugePages,
  listMemory,
  listNodes,
  listSlabObjects,
  listSlabs,
  listSwaps,
  listVmalloc,
  listVmstat,
  listZones,
  memoryLines,
  nodeLines,
  slabLines,
  slabObjectLines,
  swapLines,
  type SwapRow,
  vmallocLines,
  vmstatLines,
  zoneLines,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Gaps } from "../linux/index.ts";
import type { Found, TableCommand } from "./table-command.ts";

/** One of the tables that `kmem` has. */
interface Part {
  /** The long name of its option. */
  name: string;
  option: readonly [flags: string, description: string];
  plural: string;
  takesQueries?: boolean;
  list(kernel: Kernel, gaps: Gaps, queries: readonly string[]): Found<object>;
  lines(rows: readonly object[]): Iterable<string>;
}

/** A table with the type of its rows forgotten: each is only ever given its own. */
function part<Row extends object>(
  definition: Omit<Part, "list" | "lines"> & {
    list(kernel: Kernel, gaps: Gaps, queries: readonly string[]): Found<Row>;
    lines(rows: readonly Row[]): Iterable<string>;
  },
): Part {
  return { ...definition, lines: (rows) => definition.lines(rows as readonly Row[]) };
}

const memory = part({
  name: "info",
  option: ["-i, --info", "where memory went, as /proc/meminfo has it (default)"],
  plural: "memory",
  list: (kernel, gaps) => listMemory(kernel, gaps),
  lines: memoryLines,
});

const parts: readonly Part[] = [
  memory,
  part({
    name: "slabs",
    option: ["-s, --slabs", "slab caches, as /proc/slabinfo has them"],
    plural: "caches",
    takesQueries: true,
    list: listSlabs,
    lines: slabLines,
  }),
  part({
    name: "objects",
    option: ["-S, --objects", "every object of the slab caches that are named, free or allocated"],
    plural: "objects",
    takesQueries: true,
    list: listSlabObjects,
    lines: slabObjectLines,
  }),
  part({
    name: "free",
    option: ["-f, --free", "free blocks by zone, order and migrate type, as /proc/pagetypeinfo has them"],
    plural: "zones",
    list: listFreeAreas,
    lines: freeAreaLines,
  }),
  part({
    name: "zones",
    option: ["-z, --zones", "zones and their watermarks, as /proc/zoneinfo has them"],
    plural: "zones",
    list: listZones,
    lines: zoneLines,
  }),
  part({
    name: "nodes",
    option: ["-n, --nodes", "NUMA nodes"],
    plural: "nodes",
    list: listNodes,
    lines: nodeLines,
  }),
  part({
    name: "vmalloc",
    option: ["-a, --vmalloc", "areas of vmalloc(), ioremap() and others, as /proc/vmallocinfo has them"],
    plural: "areas",
    list: listVmalloc,
    lines: vmallocLines,
  }),
  part({
    name: "vmstat",
    option: ["-c, --vmstat", "counters of zones, nodes and events, as /proc/vmstat has them"],
    plural: "counters",
    takesQueries: true,
    list: listVmstat,
    lines: vmstatLines,
  }),
  part({
    name: "huge",
    option: ["-H, --huge", "pools of huge pages"],
    plural: "pools",
    list: listHugePages,
    lines: hugePageLines,
  }),
];

type KmemFlags = Record<string, unknown>;

/** The table that was asked for. @throws {UsageError} for more than one */
function chosen(flags: KmemFlags): Part {
  const asked = parts.filter(({ name }) => flags[name] === true);
  if (asked.length > 1) {
    const short = asked.map(({ option }) => option[0].slice(0, 2));
    throw new UsageError(`kmem: ${short.join(" or ")}, one at a time`);
  }
  return asked[0] ?? memory;
}

export const kmem: TableCommand<object, KmemFlags> = {
  name: "kmem",
  description: "memory of the machine: where it went, slab caches, free blocks, zones, counters",
  argument: "a dump; with -s, -S and -c also names, or patterns of names",
  example: "vmcore -s 'kmalloc-*'",
  plural: (flags) => chosen(flags).plural,
  options: parts.map(({ option }) => option),
  list(kernel, gaps, targets, flags) {
    const table = chosen(flags);
    if (targets.length > 0 && table.takesQueries !== true) {
      throw new UsageError(`kmem: '${targets[0]}' is for -s, -S or -c`);
    }
    return table.list(kernel, gaps, targets);
  },
  lines: (rows, flags) => chosen(flags).lines(rows),
};

export const swap: TableCommand<SwapRow, object> = {
  name: "swap",
  description: "swap devices, as /proc/swaps has them",
  argument: "a dump, or the parts of a split one",
  example: "vmcore",
  plural: "swaps",
  takesQueries: false,
  list: listSwaps,
  lines: swapLines,
};
