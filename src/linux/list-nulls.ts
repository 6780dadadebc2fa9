import type { KernelObject, Type } from "../program/index.ts";
import { entries } from "./list.ts";
import { placeOf, walkLinks } from "./walk.ts";

/**
 * `hlist_nulls_for_each` (include/linux/list_nulls.h): addresses of the nodes of a `struct hlist_nulls_head`,
 * whose end is any value with bit 0 set.
 * @throws {BrokenLinkError}
 */
export function hlistNullsForEach(head: KernelObject): Generator<bigint, undefined> {
  const name = `hlist_nulls at 0x${placeOf(head).toString(16)}`;
  const isEnd = (pointer: bigint): boolean => (pointer & 1n) === 1n;
  return walkLinks({ name, first: head.member("first"), next: "next", isEnd });
}

/** `hlist_nulls_for_each_entry`: the structs that have the nodes as a member. @throws {BrokenLinkError} */
export function* hlistNullsForEachEntry(
  type: Type | string,
  head: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, head, member, hlistNullsForEach(head));
}
