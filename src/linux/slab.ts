import { DwarflessError } from "../io/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { nodeCount } from "./nodemask.ts";

/** What a slab cache holds. */
export interface SlabUse {
  slabs: bigint;
  objects: bigint;
  /** Objects that are given out; those that CPUs keep ready count too, as in /proc/slabinfo. */
  active: bigint;
}

/** `struct kmem_cache`s (mm/slab.h), the newest first. @throws {BrokenLinkError} */
export function forEachSlabCache(program: Program): Generator<KernelObject, undefined> {
  return listForEachEntry("struct kmem_cache", program.variable("slab_caches"), "list");
}

/** `struct kmem_cache_node`s of a cache. @throws {FaultError} */
export function* forEachCacheNode(program: Program, cache: KernelObject): Generator<KernelObject, undefined> {
  // v7.1 put the pointers of a node next to each other.
  const nodes = cache.memberIf("node") ?? cache.member("per_node");
  const count = Math.min(nodes.type.underlying.length ?? 1, nodeCount(program));
  for (let index = 0; index < count; index++) {
    const element = nodes.index(index);
    const node = element.type.underlying.kind === "pointer" ? element : element.member("node");
    if (!node.isNull) yield node.dereference();
  }
}

/**
 * How full a cache is, by the counts of its nodes and the free objects of slabs that are partly used.
 * @throws {LookupError} without CONFIG_SLUB_DEBUG; {@link BrokenLinkError}
 */
export function slabUse(program: Program, cache: KernelObject): SlabUse {
  const use = { slabs: 0n, objects: 0n, active: 0n };
  // v5.17 (d122019bf061): slabs are no longer pages with other names.
  const hasSlabs = program.types.find("struct slab")?.findMember("slab_list") !== undefined;
  const type = hasSlabs ? "struct slab" : "struct page";
  for (const node of forEachCacheNode(program, cache)) {
    use.slabs += node.member("nr_slabs").member("counter").scalar() as bigint;
    const objects = node.member("total_objects").member("counter").scalar() as bigint;
    use.objects += objects;
    use.active += objects;
    for (const slab of listForEachEntry(type, node.member("partial"), "slab_list")) {
      use.active -= BigInt(slab.member("objects").number() - slab.member("inuse").number());
    }
  }
  return use;
}

/** Slabs of more than 2^20 pages are taken for damage. */
const maximumSlabOrder = 20;

/**
 * What a cache asks for when it needs memory (`kmem_cache.oo`, mm/slub.c): bytes of a slab, and how many objects fit
 * one. Where memory is short slabs can be smaller.
 * @throws {FaultError}; {@link DwarflessError} `SLAB`
 */
export function usualSlab(program: Program, cache: KernelObject): { byteSize: number; objects: number } {
  const word = cache.member("oo").member("x").number() >>> 0;
  const order = word >>> 16;
  if (order > maximumSlabOrder) throw new DwarflessError("SLAB", `a slab cannot be of 2^${order} pages`);
  return { byteSize: program.memory.pageByteSize * 2 ** order, objects: word & 0xffff };
}
