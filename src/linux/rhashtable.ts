import type { KernelObject, Type } from "../program/index.ts";
import { entries } from "./list.ts";
import { objectAt, walkLinks } from "./walk.ts";

/** Larger tables are taken for damage. */
const maximumBuckets = 1 << 24;

/**
 * Addresses of the `struct rhash_head`s of a `struct rhashtable` (include/linux/rhashtable.h), those that a
 * resize in progress has moved to the next table among them.
 * @throws {BrokenLinkError}; {@link FaultError}
 */
export function* rhashtableForEach(table: KernelObject): Generator<bigint, undefined> {
  const seen = new Set<bigint>();
  for (
    let buckets = table.member("tbl").read();
    !buckets.isNull;
    buckets = buckets.member("future_tbl").read()
  ) {
    const address = buckets.scalar() as bigint;
    if (seen.has(address)) return;
    seen.add(address);
    for (const slot of slots(buckets)) yield* chain(table, slot);
  }
}

/** The structs that have the heads of a `struct rhashtable` as a member. @throws {BrokenLinkError} */
export function* rhashtableForEachEntry(
  type: Type | string,
  table: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, table, member, rhashtableForEach(table));
}

/** Addresses of the buckets of a `struct bucket_table`. */
function* slots(buckets: KernelObject): Generator<bigint, undefined> {
  const { memory } = buckets.program;
  const size = Math.min(buckets.member("size").number(), maximumBuckets);
  const nest = buckets.member("nest").number();
  const first = buckets.subobject("buckets").address!;
  if (nest === 0) {
    for (let index = 0; index < size; index++) yield first + BigInt(index * 8);
    return;
  }
  // Where no memory in one piece was to be had there are pages of pointers to pages of buckets.
  const perPage = memory.pageByteSize / 8;
  yield* nested(memory.readU64(first), Math.min(2 ** nest, size), Math.floor(size / 2 ** nest));

  function* nested(page: bigint, count: number, below: number): Generator<bigint, undefined> {
    if (page === 0n) return;
    for (let index = 0; index < Math.min(count, perPage); index++) {
      const at = page + BigInt(index * 8);
      if (below <= 0) yield at;
      else {
        const isLast = below <= perPage;
        yield* nested(memory.readU64(at), isLast ? below : perPage, isLast ? 0 : Math.floor(below / perPage));
      }
    }
  }
}

/** Bit 0 of a bucket is a lock; the end of a chain has it set too, and tells the bucket. */
function* chain(table: KernelObject, slot: bigint): Generator<bigint, undefined> {
  const { memory } = table.program;
  if ((memory.readU64(slot) & ~1n) === 0n) return;
  const head = objectAt(table.program, "struct rhash_head", slot);
  yield* walkLinks({
    name: `rhashtable bucket at 0x${slot.toString(16)}`,
    first: head.member("next"),
    node: head.type,
    next: "next",
    isEnd: (pointer) => pointer === 0n || (pointer & 1n) === 1n,
    lockBits: 1n,
  });
}
