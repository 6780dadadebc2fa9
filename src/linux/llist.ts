import { type KernelObject, offsetOf, type Type } from "../program/index.ts";
import { entries } from "./list.ts";
import { followLink, LinkWatch, placeOf, structOf } from "./walk.ts";

/**
 * `llist_for_each` (include/linux/llist.h): addresses of the nodes of a `struct llist_head`, newest first.
 * @throws {BrokenLinkError}
 */
export function* llistForEach(head: KernelObject): Generator<bigint, undefined> {
  const { memory } = head.program;
  const name = `llist at 0x${placeOf(head).toString(16)}`;
  const offset = BigInt(offsetOf(structOf(head.member("first")), "next"));
  const watch = new LinkWatch(name);
  let link = placeOf(head) + BigInt(offsetOf(structOf(head), "first"));
  let node = followLink(memory, name, link, link);
  while (node !== 0n) {
    watch.step(link, node);
    const following = followLink(memory, name, link, node + offset);
    yield node;
    link = node + offset;
    node = following;
  }
}

/** `llist_for_each_entry`: the structs that have the nodes as a member. @throws {BrokenLinkError} */
export function* llistForEachEntry(
  type: Type | string,
  head: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, head, member, llistForEach(head));
}
