import type { KernelObject, Program } from "../program/index.ts";
import { listForEach } from "./list.ts";
import { forEachOnlineNode } from "./nodemask.ts";

/**
 * `for_each_online_pgdat` (include/linux/mmzone.h): the `struct pglist_data` of each NUMA node in use. A kernel
 * that is built for one node has one.
 * @throws {LookupError} {@link FaultError}
 */
export function* forEachOnlinePgdat(program: Program): Generator<KernelObject, undefined> {
  if (!program.hasVariable("node_data")) {
    yield program.variable("contig_page_data");
    return;
  }
  const nodes = program.variable("node_data");
  for (const node of forEachOnlineNode(program)) {
    const pgdat = nodes.index(node).read();
    if (!pgdat.isNull) yield pgdat.dereference();
  }
}

/** `struct zone`s of a node, those without memory too. */
export function pgdatZones(pgdat: KernelObject): Generator<KernelObject, undefined> {
  return pgdat.member("node_zones").elements() as Generator<KernelObject, undefined>;
}

/** `populated_zone`: whether a zone has memory. @throws {FaultError} */
export function populatedZone(zone: KernelObject): boolean {
  return (zone.member("present_pages").scalar() as bigint) !== 0n;
}

/** `zone->name`: DMA, DMA32, Normal, Movable, Device. @throws {FaultError} */
export function zoneName(zone: KernelObject): string {
  return zone.member("name").string(32);
}

/** Watermarks of a zone in pages, as the allocator compares with them. */
export interface Watermarks {
  min: bigint;
  low: bigint;
  high: bigint;
  /** Since v5.18 (c574bbe91703), for NUMA balancing between kinds of memory; undefined before. */
  promo: bigint | undefined;
}

/** `min_wmark_pages` and so on: the marks and what they are raised by for the time being. @throws {FaultError} */
export function zoneWatermarks(zone: KernelObject): Watermarks {
  // v5.0 (1c30844d2dfe) renamed it, when the boost came.
  const marks = zone.memberIf("_watermark") ?? zone.member("watermark");
  const boost = (zone.memberIf("watermark_boost")?.scalar() as bigint | undefined) ?? 0n;
  const mark = (index: number): bigint => (marks.index(index).scalar() as bigint) + boost;
  const hasPromo = (marks.type.underlying.length ?? 0) > 3;
  return { min: mark(0), low: mark(1), high: mark(2), promo: hasPromo ? mark(3) : undefined };
}

/** `zone->free_area[order].nr_free`: free blocks of 2^order pages, by order. @throws {FaultError} */
export function zoneFreeBlocks(zone: KernelObject): bigint[] {
  return [...zone.member("free_area").elements()].map((area) => area.member("nr_free").scalar() as bigint);
}

/**
 * Free blocks of one order and migrate type: addresses of the first `struct page` of each.
 * @throws {BrokenLinkError}
 */
export function* forEachFreeBlock(
  zone: KernelObject,
  order: number,
  migrateType: number,
): Generator<bigint, undefined> {
  const head = zone.member("free_area").index(order).member("free_list").index(migrateType);
  const page = zone.program.type("struct page");
  // v5.18 (bf75f200569d) gave the links a name of their own; they stand where `lru` does.
  const offset = BigInt((page.findMember("buddy_list") ?? page.member("lru")).bitOffset >> 3);
  for (const node of listForEach(head)) yield BigInt.asUintN(64, node - offset);
}

/** Names of migrate types as /proc/pagetypeinfo has them, by number: `migratetype_names` (mm/page_alloc.c). */
export function migrateTypeNames(program: Program, zone: KernelObject): string[] {
  const lists = zone.member("free_area").index(0).member("free_list").length;
  const names = program.variable("migratetype_names");
  return Array.from({ length: lists }, (_, index) => names.index(index).string(32));
}
