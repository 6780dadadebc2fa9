import { DwarflessError, FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type KernelObject, offsetOf } from "../program/index.ts";
import { directMap, directMapAddress } from "./direct-map.ts";
import { forEachOnlinePgdat, pgdatZones } from "./mmzone.ts";
import { pageState, pageToPfn, vmemmap } from "./page.ts";
import { type FreePlace, freeObjectsOf, freeOutside, slabObjects, slabType } from "./slab-object.ts";
import { objectAt } from "./walk.ts";

/** Bytes of `struct page`s that are read at once, and where one of them is missing. */
const chunkByteSize = 1 << 20;
const smallChunkByteSize = 1 << 12;
/** Pages of all zones together; more are taken for damage (4 TiB of memory). */
const maximumPages = 2 ** 30;

/** What to do with a part that cannot be read, or makes no sense. */
export type OnMissing = (error: DwarflessError) => void;

/**
 * The slabs of a cache: `struct slab`s, before v5.17 `struct page`s. No list has all of them, so every
 * `struct page` of every zone is looked at.
 * @param onMissing called for `struct page`s that the dump has not
 * @throws {LookupError} {@link FaultError}
 */
export function* forEachSlabOf(
  kernel: Kernel,
  cache: KernelObject,
  onMissing: OnMissing = () => {},
): Generator<KernelObject, undefined> {
  const { program } = kernel;
  const page = program.type("struct page");
  const base = vmemmap(program);
  if (base === undefined) {
    throw new DwarflessError("VMEMMAP", "where the structs of pages are is not known for this kernel");
  }
  const name = slabType(program);
  const cacheOffset = offsetOf(program.type(name), "slab_cache");
  const wanted = cache.address!;
  for (const { start, count } of pageRanges(kernel)) {
    const first = BigInt.asUintN(64, base + BigInt(start) * BigInt(page.byteSize));
    for (const { address, bytes } of pieces(kernel, first, count * page.byteSize, page.byteSize, onMissing)) {
      for (const at of places(bytes, page.byteSize, cacheOffset, wanted)) {
        const head = address + BigInt(at);
        // A page of another use may have the same number there.
        if (pageState(program, objectAt(program, page, head)).type !== "slab") continue;
        yield objectAt(program, name, head);
      }
    }
  }
}

/** Runs of page frames that zones have. */
function* pageRanges({ program }: Kernel): Generator<{ start: number; count: number }, undefined> {
  let left = maximumPages;
  for (const pgdat of forEachOnlinePgdat(program)) {
    for (const zone of pgdatZones(pgdat)) {
      const count = Math.min(zone.member("spanned_pages").number(), left);
      if (count <= 0) continue;
      left -= count;
      yield { start: zone.member("zone_start_pfn").number(), count };
    }
  }
}

/** The bytes of `struct page`s that can be read, whole structs each. */
function* pieces(
  { program }: Kernel,
  first: bigint,
  byteSize: number,
  pageStruct: number,
  onMissing: OnMissing,
): Generator<{ address: bigint; bytes: Uint8Array }, undefined> {
  const whole = (size: number): number => Math.max(pageStruct, size - (size % pageStruct));
  function* read(from: number, to: number, step: number): Generator<{ address: bigint; bytes: Uint8Array }> {
    for (let at = from; at < to; at += step) {
      const size = Math.min(step, to - at);
      const address = BigInt.asUintN(64, first + BigInt(at));
      try {
        yield { address, bytes: program.memory.read(address, size) };
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (step > whole(smallChunkByteSize)) yield* read(at, at + size, whole(smallChunkByteSize));
        // Where there is no memory there are no structs for it.
        else if (error.reason !== "unmapped") onMissing(error);
      }
    }
  }
  yield* read(0, byteSize, whole(chunkByteSize));
}

/** Offsets of the structs that have a pointer at an offset. */
function* places(
  bytes: Uint8Array,
  step: number,
  offset: number,
  pointer: bigint,
): Generator<number, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = Number(pointer & 0xffff_ffffn);
  const high = Number(pointer >> 32n);
  for (let at = 0; at + step <= bytes.length; at += step) {
    if (view.getUint32(at + offset, true) === low && view.getUint32(at + offset + 4, true) === high) yield at;
  }
}

/** An object of a slab cache. */
export interface SlabEntry {
  /** First address of its payload. */
  object: bigint;
  /** The `struct slab` it lies in. */
  slab: KernelObject;
  /** Where it waits to be given out; undefined for one that is given out. */
  free: FreePlace | undefined;
}

/**
 * The objects of a slab cache, free ones too, slab by slab (drgn's `slab_cache_for_each_allocated_object` is
 * those without `free`). Objects of KFENCE are none of them.
 * @param onMissing called for what the dump has not, and for slabs that cannot be this cache's
 * @throws {LookupError} {@link FaultError} {@link BrokenLinkError}
 */
export function* slabCacheForEachObject(
  kernel: Kernel,
  cache: KernelObject,
  onMissing: OnMissing = () => {},
): Generator<SlabEntry, undefined> {
  const { program } = kernel;
  const direct = directMap(kernel);
  if (direct === undefined)
    throw new DwarflessError("DIRECT_MAP", "the kernel's map of all memory is not known");
  const outside = freeOutside(program, cache);
  // `oo` says how many objects fit the usual slab, `min` one of the least pages.
  const counts = ["oo", "min"].map((name) => cache.member(name).member("x").number() & 0xffff);
  for (const slab of forEachSlabOf(kernel, cache, onMissing)) {
    const pfn = pageToPfn(program, slab.address!);
    const start = pfn === undefined ? undefined : directMapAddress(direct, pfn * program.memory.pageByteSize);
    if (start === undefined) continue;
    if (!counts.includes(slab.member("objects").number())) {
      onMissing(new DwarflessError("SLAB", "a slab with another number of objects than its cache's have"));
      continue;
    }
    let own: Set<bigint>;
    try {
      own = freeObjectsOf(program, slab);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      onMissing(error);
      continue;
    }
    for (const object of slabObjects(cache, slab, start)) {
      yield { object, slab, free: own.has(object) ? "slab" : outside.get(object) };
    }
  }
}
