import type { Kernel } from "../kernel/index.ts";
import {
  forEachFreeBlock,
  forEachOnlineCpu,
  forEachOnlinePgdat,
  type Gaps,
  migrateTypeNames,
  nodeStats,
  perCpuPtr,
  pgdatZones,
  populatedZone,
  zoneFreeBlocks,
  zoneName,
  zoneStats,
  zoneWatermarks,
} from "../linux/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A memory zone as JSON has it; counts are pages. */
export interface ZoneRow {
  node: number | null;
  name: string | null;
  /** Address of the `struct zone`. */
  zone: string;
  free: number | null;
  /** Watermarks, with what they are raised by for the time being. */
  min: number | null;
  low: number | null;
  high: number | null;
  /** null before v5.18. */
  promo: number | null;
  spanned: number | null;
  present: number | null;
  managed: number | null;
  /** First page frame. */
  startFrame: number | null;
  /** What is kept from allocations that could go to other zones, by zone. */
  protection: readonly number[] | null;
  /** Counters as /proc/zoneinfo names them. */
  stats: Readonly<Record<string, number>> | null;
  /** Free pages that CPUs keep for themselves. */
  pagesets: readonly { cpu: number; count: number; high: number; batch: number }[] | null;
}

/** Zones with memory, node by node. */
export function listZones(kernel: Kernel, gaps: Gaps): { rows: ZoneRow[] } {
  const { program } = kernel;
  const rows: ZoneRow[] = [];
  for (const { node, zone } of zonesWithMemory(program, gaps)) {
    const pages = (name: string): number | null => gaps.column(name, () => zone.member(name).number());
    const marks = gaps.column("watermarks", () => zoneWatermarks(zone));
    const stats = gaps.column("stats", () => numbers(zoneStats(program, zone)));
    rows.push({
      node,
      name: gaps.column("name", () => zoneName(zone)),
      zone: hex(zone.address!),
      free: stats?.["nr_free_pages"] ?? null,
      min: marks === null ? null : Number(marks.min),
      low: marks === null ? null : Number(marks.low),
      high: marks === null ? null : Number(marks.high),
      promo: marks?.promo === undefined ? null : Number(marks.promo),
      spanned: pages("spanned_pages"),
      present: pages("present_pages"),
      managed: gaps.column("managed_pages", () => zone.member("managed_pages").member("counter").number()),
      startFrame: pages("zone_start_pfn"),
      protection: gaps.column("protection", () =>
        [...zone.member("lowmem_reserve").elements()].map((each) => each.number()),
      ),
      stats,
      pagesets: gaps.column("pagesets", () => pagesetsOf(program, zone)),
    });
  }
  return { rows };
}

function* zonesWithMemory(
  program: Program,
  gaps: Gaps,
): Generator<{ node: number | null; zone: KernelObject }, undefined> {
  for (const pgdat of gaps.walk(forEachOnlinePgdat(program))) {
    const node = gaps.column("node", () => pgdat.member("node_id").number());
    for (const zone of pgdatZones(pgdat)) {
      if (gaps.column("present_pages", () => populatedZone(zone)) === true) yield { node, zone };
    }
  }
}

function numbers(counters: ReadonlyMap<string, bigint>): Record<string, number> {
  return Object.fromEntries([...counters].map(([name, value]) => [name, Number(value)]));
}

/** v5.14 (28f836b6777b) split counters and pages that CPUs keep; before it both were `pageset`. */
function pagesetsOf(program: Program, zone: KernelObject): ZoneRow["pagesets"] {
  const split = zone.memberIf("per_cpu_pageset");
  return [...forEachOnlineCpu(program)].map((cpu) => {
    const pages =
      split === undefined
        ? perCpuPtr(program, zone.member("pageset"), cpu).member("pcp")
        : perCpuPtr(program, split, cpu);
    const number = (name: string): number => pages.member(name).number();
    return { cpu, count: number("count"), high: number("high"), batch: number("batch") };
  });
}

export function zoneLines(rows: readonly ZoneRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "NODE", align: "right" },
      { title: "ZONE" },
      { title: "NAME" },
      ...["FREE", "MIN", "LOW", "HIGH", "SPANNED", "PRESENT", "MANAGED", "ON CPUS"].map((title) => ({
        title,
        align: "right" as const,
      })),
      { title: "START", align: "right" },
    ],
    rows.map((row) => [
      cell(row.node),
      row.zone.slice(2),
      cell(row.name),
      ...[row.free, row.min, row.low, row.high, row.spanned, row.present, row.managed].map(cell),
      cell(row.pagesets?.reduce((sum, { count }) => sum + count, 0)),
      row.startFrame === null ? "?" : row.startFrame.toString(16),
    ]),
  );
}

/** Free blocks of a zone as JSON has them. */
export interface FreeAreaRow {
  node: number | null;
  zone: string | null;
  /** Free pages of all orders. */
  pages: number | null;
  /** Free blocks of 2^order pages, by order, as the zone counts them. */
  blocks: readonly number[] | null;
  /** The same by migrate type, as many as its lists have. */
  migrateTypes: readonly { name: string; blocks: readonly number[] }[] | null;
}

/** What the buddy allocator has free, zone by zone. */
export function listFreeAreas(kernel: Kernel, gaps: Gaps): { rows: FreeAreaRow[] } {
  const { program } = kernel;
  const rows: FreeAreaRow[] = [];
  for (const { node, zone } of zonesWithMemory(program, gaps)) {
    const blocks = gaps.column("blocks", () => zoneFreeBlocks(zone).map(Number));
    const names = gaps.column("migrate types", () => migrateTypeNames(program, zone));
    rows.push({
      node,
      zone: gaps.column("zone", () => zoneName(zone)),
      pages: blocks === null ? null : blocks.reduce((sum, count, order) => sum + count * 2 ** order, 0),
      blocks,
      migrateTypes:
        names === null || blocks === null
          ? null
          : gaps.column("lists", () =>
              names.map((name, type) => ({
                name,
                blocks: blocks.map((_, order) => lengthOf(forEachFreeBlock(zone, order, type))),
              })),
            ),
    });
  }
  return { rows };
}

function lengthOf(items: Iterable<unknown>): number {
  let length = 0;
  for (const _ of items) length++;
  return length;
}

/** A line for each migrate type of each zone, and one for what the zone counts. */
export function freeAreaLines(rows: readonly FreeAreaRow[]): Iterable<string> {
  const orders = Math.max(0, ...rows.map(({ blocks }) => blocks?.length ?? 0));
  const pagesOf = (blocks: readonly number[]): number =>
    blocks.reduce((sum, count, order) => sum + count * 2 ** order, 0);
  return tableLines(
    [
      { title: "NODE", align: "right" },
      { title: "ZONE" },
      { title: "TYPE" },
      { title: "PAGES", align: "right" },
      ...Array.from({ length: orders }, (_, order) => ({ title: `2^${order}`, align: "right" as const })),
    ],
    rows.flatMap((row) => {
      const head = [cell(row.node), cell(row.zone)];
      const types = (row.migrateTypes ?? []).map(({ name, blocks }) => [
        ...head,
        name,
        String(pagesOf(blocks)),
        ...blocks.map(String),
      ]);
      return [...types, [...head, "all", cell(row.pages), ...(row.blocks ?? []).map(String)]];
    }),
  );
}

/** A NUMA node as JSON has it; counts are pages. */
export interface NodeRow {
  node: number | null;
  /** Address of the `struct pglist_data`. */
  data: string;
  startFrame: number | null;
  spanned: number | null;
  present: number | null;
  /** Of all its zones. */
  managed: number | null;
  free: number | null;
  /** Counters as /proc/zoneinfo and /sys/devices/system/node/nodeN/vmstat name them. */
  stats: Readonly<Record<string, number>> | null;
}

/** NUMA nodes and their counters. */
export function listNodes(kernel: Kernel, gaps: Gaps): { rows: NodeRow[] } {
  const { program } = kernel;
  const rows: NodeRow[] = [];
  for (const pgdat of gaps.walk(forEachOnlinePgdat(program))) {
    const number = (name: string): number | null => gaps.column(name, () => pgdat.member(name).number());
    const sum = (name: string, read: (zone: KernelObject) => number): number | null =>
      gaps.column(name, () => [...pgdatZones(pgdat)].reduce((total, zone) => total + read(zone), 0));
    rows.push({
      node: number("node_id"),
      data: hex(pgdat.address!),
      startFrame: number("node_start_pfn"),
      spanned: number("node_spanned_pages"),
      present: number("node_present_pages"),
      managed: sum("managed_pages", (zone) => zone.member("managed_pages").member("counter").number()),
      free: sum("free", (zone) => Number(zoneStats(program, zone).get("nr_free_pages") ?? 0n)),
      stats: gaps.column("stats", () => numbers(nodeStats(program, pgdat))),
    });
  }
  return { rows };
}

export function nodeLines(rows: readonly NodeRow[]): Iterable<string> {
  const right = (title: string): { title: string; align: "right" } => ({ title, align: "right" });
  return tableLines(
    [
      right("NODE"),
      { title: "DATA" },
      right("START"),
      ...["SPANNED", "PRESENT", "MANAGED", "FREE", "FILE", "ANON", "SLAB"].map(right),
    ],
    rows.map((row) => [
      cell(row.node),
      row.data.slice(2),
      row.startFrame === null ? "?" : row.startFrame.toString(16),
      ...[row.spanned, row.present, row.managed, row.free].map(cell),
      cell(row.stats?.["nr_file_pages"]),
      cell(row.stats?.["nr_anon_pages"]),
      row.stats === null
        ? "?"
        : String((row.stats["nr_slab_reclaimable"] ?? 0) + (row.stats["nr_slab_unreclaimable"] ?? 0)),
    ]),
  );
}
