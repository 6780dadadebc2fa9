import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
import { listForEachEntry } from "./list.ts";
import { perCpuPtr } from "./percpu.ts";
import { forEachCacheNode, nodeCount } from "./slab.ts";
import { objectAt, placeOf } from "./walk.ts";

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
  const hasSlabs = program.types.find("struct slab")?.findMember("slab_cache") !== undefined;
  const slab = objectAt(program, hasSlabs ? "struct slab" : "struct page", head);
  const cache = slab.member("slab_cache").dereference();
  const size = cache.member("size").scalar() as bigint;
  const count = slab.member("objects").number();
  if (size === 0n || address < start) return undefined;
  const index = Number((address - start) / size);
  if (index >= count || count > maximumObjects) return undefined;
  const object = start + BigInt(index) * size + leftPad(cache);
  return { cache, slab, object, index };
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
  if (isIn(freeObjects(program, cache, slab.member("freelist").scalar() as bigint), object)) return "slab";
  const here = placeOf(slab);
  const perCpu = cache.memberIf("cpu_slab");
  if (perCpu !== undefined && !perCpu.isNull) {
    for (const cpu of forEachPossibleCpu(program)) {
      const own = perCpuPtr(program, perCpu, cpu);
      const active = (own.memberIf("slab") ?? own.member("page")).scalar() as bigint;
      if (active !== here) continue;
      if (isIn(freeObjects(program, cache, own.member("freelist").scalar() as bigint), object)) return "CPU";
    }
  }
  for (const sheaf of sheaves(program, cache)) {
    const count = Math.min(sheaf.member("size").number(), maximumObjects);
    for (let index = 0; index < count; index++) {
      if ((sheaf.member("objects").index(index).scalar() as bigint) === object) return "sheaf";
    }
  }
  return undefined;
}

function isIn(objects: Iterable<bigint>, wanted: bigint): boolean {
  for (const object of objects) if (object === wanted) return true;
  return false;
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
