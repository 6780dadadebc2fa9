import type { KernelObject, Type } from "../program/index.ts";
import { entries } from "./list.ts";
import { placeOf, walkLinks } from "./walk.ts";

/**
 * `llist_for_each` (include/linux/llist.h): addresses of the nodes of a `struct llist_head`, newest first.
 * @throws {BrokenLinkError}
 */
export function llistForEach(head: KernelObject): Generator<bigint, undefined> {
  const name = `llist at 0x${placeOf(head).toString(16)}`;
  return walkLinks({ name, first: head.member("first"), next: "next" });
}

/** `llist_for_each_entry`: the structs that have the nodes as a member. @throws {BrokenLinkError} */
export function* llistForEachEntry(
  type: Type | string,
  head: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, head, member, llistForEach(head));
}
