import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
import { listForEachEntry } from "./list.ts";
import { perCpuPtr } from "./percpu.ts";
import { nodeCount } from "./nodemask.ts";
import { forEachCacheNode } from "./slab.ts";
import { objectAt } from "./walk.ts";

/** A slab, and an object's place in it. */
export interface SlabPlace {
  /** The `struct kmem_cache`. */
  cache: KernelObject;
  /** The `struct slab`, before v5.17 the `struct page`. */
  slab: KernelObject;
  /** First address of the object's payload. */
  object: bigint;
  /** Which object of the slab, from 0. */
  index: number;
}

/** The most objects that a slab can have (MAX_OBJS_PER_PAGE, mm/slub.c). */
const maximumObjects = 32767;

/**
 * The object of a SLUB slab that an address lies in; undefined where the address is behind the last one.
 * @param head the slab's first `struct page`
 * @param start the slab's first address
 * @throws {FaultError} {@link LookupError}
 */
export function slabObject(
  program: Program,
  head: bigint,
  start: bigint,
  address: bigint,
): SlabPlace | undefined {
  const slab = objectAt(program, slabType(program), head);
  const cache = slab.member("slab_cache").dereference();
  const size = cache.member("size").scalar() as bigint;
  const count = slab.member("objects").number();
  if (size === 0n || address < start) return undefined;
  const index = Number((address - start) / size);
  if (index >= count || count > maximumObjects) return undefined;
  const object = start + BigInt(index) * size + leftPad(cache);
  return { cache, slab, object, index };
}

/** `struct slab`, before v5.17 `struct page`. */
export function slabType(program: Program): string {
  const hasSlabs = program.types.find("struct slab")?.findMember("slab_cache") !== undefined;
  return hasSlabs ? "struct slab" : "struct page";
}

/** First addresses of the payloads of a slab's objects, from the slab's own. @throws {FaultError} */
export function slabObjects(cache: KernelObject, slab: KernelObject, start: bigint): bigint[] {
  const size = cache.member("size").scalar() as bigint;
  const count = Math.min(slab.member("objects").number(), maximumObjects);
  const first = start + leftPad(cache);
  return Array.from({ length: count }, (_, index) => first + BigInt(index) * size);
}

/** Bytes before the payload; more than none with SLAB_RED_ZONE only. */
function leftPad(cache: KernelObject): bigint {
  return (cache.memberIf("red_left_pad")?.scalar() as bigint | undefined) ?? 0n;
}

/** Where an object that is free waits to be given out. */
export type FreePlace = "slab" | "CPU" | "sheaf";

/**
 * Where a free object of a slab is kept: in the slab's list, in a CPU's list for that slab, or in a sheaf
 * of a CPU or node (since v6.18). Undefined for one that is given out.
 * @throws {FaultError} {@link BrokenLinkError} where one of these cannot be read
 */
export function freePlaceOf(program: Program, { cache, slab, object }: SlabPlace): FreePlace | undefined {
  return freeObjectsOf(program, slab).has(object) ? "slab" : freeOutside(program, cache).get(object);
}

/** The free objects that a slab's own list has. @throws {FaultError} */
export function freeObjectsOf(program: Program, slab: KernelObject): Set<bigint> {
  const cache = slab.member("slab_cache").dereference();
  return new Set(freeObjects(program, cache, slab.member("freelist").scalar() as bigint));
}

/**
 * The free objects of a cache that no slab's own list has, and where each waits.
 * @throws {FaultError} {@link BrokenLinkError} where one of these places cannot be read
 */
export function freeOutside(program: Program, cache: KernelObject): Map<bigint, "CPU" | "sheaf"> {
  const found = new Map<bigint, "CPU" | "sheaf">();
  const perCpu = cache.memberIf("cpu_slab");
  if (perCpu !== undefined && !perCpu.isNull) {
    for (const cpu of forEachPossibleCpu(program)) {
      const first = perCpuPtr(program, perCpu, cpu).member("freelist").scalar() as bigint;
      for (const object of freeObjects(program, cache, first)) found.set(object, "CPU");
    }
  }
  for (const sheaf of sheaves(program, cache)) {
    const count = Math.min(sheaf.member("size").number(), maximumObjects);
    for (let index = 0; index < count; index++) {
      found.set(sheaf.member("objects").index(index).scalar() as bigint, "sheaf");
    }
  }
  return found;
}

/** Objects of a free list; with CONFIG_SLAB_FREELIST_HARDENED the pointers are mixed with where they stand. */
function* freeObjects(program: Program, cache: KernelObject, first: bigint): Generator<bigint, undefined> {
  const offset = cache.member("offset").scalar() as bigint;
  const random = cache.memberIf("random")?.scalar() as bigint | undefined;
  let object = first;
  for (let count = 0; object !== 0n && count < maximumObjects; count++) {
    yield object;
    const place = object + offset;
    const stored = program.memory.readU64(place);
    // v5.7 (1ad53d9fa3f6) reverses the bytes of the place.
    object = random === undefined ? stored : stored ^ random ^ swapped(place);
  }
}

function swapped(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

/** `struct slab_sheaf`s of a cache that hold free objects. */
function* sheaves(program: Program, cache: KernelObject): Generator<KernelObject, undefined> {
  const perCpu = cache.memberIf("cpu_sheaves");
  if (perCpu === undefined || perCpu.isNull) return;
  for (const cpu of forEachPossibleCpu(program)) {
    const own = perCpuPtr(program, perCpu, cpu);
    for (const name of ["main", "spare", "rcu_free"]) {
      const sheaf = own.member(name).read();
      if (!sheaf.isNull) yield sheaf.dereference();
    }
  }
  for (const barn of barns(program, cache)) {
    yield* listForEachEntry("struct slab_sheaf", barn.member("sheaves_full"), "barn_list");
  }
}

function* barns(program: Program, cache: KernelObject): Generator<KernelObject, undefined> {
  // v7.1 moved the barns out of the nodes' structs.
  const nodes = cache.memberIf("per_node");
  if (nodes === undefined) {
    for (const node of forEachCacheNode(program, cache)) {
      const barn = node.memberIf("barn")?.read();
      if (barn !== undefined && !barn.isNull) yield barn.dereference();
    }
    return;
  }
  const count = Math.min(nodes.type.underlying.length ?? 1, nodeCount(program));
  for (let index = 0; index < count; index++) {
    const barn = nodes.index(index).memberIf("barn")?.read();
    if (barn !== undefined && !barn.isNull) yield barn.dereference();
  }
}
