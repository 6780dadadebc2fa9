import { type DwarflessError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { forEachSlabCache, type Gaps, slabCacheForEachObject, slabUse, usualSlab } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { cell, tableLines } from "./table.ts";

/** A slab cache as JSON has it. */
export interface SlabRow {
  name: string | null;
  /** Bytes of an object, and with what surrounds it. */
  objectSize: number | null;
  size: number | null;
  active: number | null;
  objects: number | null;
  slabs: number | null;
  /** Bytes of a slab as the cache asks for it, and how many objects fit it. */
  slabSize: number | null;
  objectsPerSlab: number | null;
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
    const slab = gaps.column("slabSize", () => usualSlab(kernel.program, cache));
    rows.push({
      name,
      objectSize: gaps.column("objectSize", () => cache.member("object_size").number()),
      size: gaps.column("size", () => cache.member("size").number()),
      active: use === null ? null : Number(use.active),
      objects: use === null ? null : Number(use.objects),
      slabs: use === null ? null : Number(use.slabs),
      slabSize: slab?.byteSize ?? null,
      objectsPerSlab: slab?.objects ?? null,
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
      { title: "SLAB KIB", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.cache.slice(2),
      ...[row.objectSize, row.size, row.active, row.objects, row.slabs].map(cell),
      row.slabSize === null ? "?" : String(row.slabSize / 1024),
      cell(row.name),
    ]),
  );
}

/** An object of a slab cache as JSON has it. */
export interface SlabObjectRow {
  cache: string;
  /** Address of its payload. */
  address: string;
  state: "allocated" | "free";
  /** Where a free one waits to be given out: its slab's list, a CPU's list or a sheaf; null for one that is not free. */
  free: string | null;
  /** Address of the `struct slab`, before v5.17 the `struct page`. */
  slab: string;
}

/** Every object of slab caches by name or pattern. @throws {UsageError} without one */
export function listSlabObjects(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: SlabObjectRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("kmem -S: of what cache?");
  const filters = targets.map((target) => ({ target, pattern: globPattern(target), found: false }));
  const rows: SlabObjectRow[] = [];
  for (const cache of gaps.walk(forEachSlabCache(kernel.program))) {
    const name = gaps.column("name", () => cache.member("name").string(256)) ?? "?";
    const fitting = filters.filter(({ pattern }) => pattern.test(name));
    for (const filter of fitting) filter.found = true;
    if (fitting.length === 0) continue;
    gaps.column(`objects of ${name}`, () => {
      const onMissing = (error: DwarflessError): void => gaps.note(`objects of ${name}`, error);
      for (const { object, slab, free } of slabCacheForEachObject(kernel, cache, onMissing)) {
        rows.push({
          cache: name,
          address: hex(object),
          state: free === undefined ? "allocated" : "free",
          free: free ?? null,
          slab: hex(slab.address!),
        });
      }
    });
  }
  return { rows, missing: filters.filter(({ found }) => !found).map(({ target }) => target) };
}

export function slabObjectLines(rows: readonly SlabObjectRow[]): Iterable<string> {
  return tableLines(
    [{ title: "OBJECT" }, { title: "STATE" }, { title: "SLAB" }, { title: "CACHE" }],
    rows.map(({ address, state, free, slab, cache }) => [
      address.slice(2),
      free === null ? state : free === "slab" ? "free" : `free (${free})`,
      slab.slice(2),
      cache,
    ]),
  );
}
