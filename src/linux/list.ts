import { type KernelObject, offsetOf, type Type } from "../program/index.ts";
import { BrokenLinkError, followLink, LinkWatch, objectAt, placeOf, structOf } from "./walk.ts";

/** LIST_POISON1 and LIST_POISON2 with any POISON_POINTER_DELTA: what list_del() leaves behind. */
function isPoison(address: bigint): boolean {
  const low = address & 0xffff_ffffn;
  return (low === 0x100n || low === 0x122n || low === 0x200n) && address >> 48n === 0xdeadn;
}

/**
 * `list_for_each` (include/linux/list.h): addresses of the nodes after a `struct list_head`, head left out.
 * @param direction `prev` goes from the end
 * @throws {BrokenLinkError} where the list cannot be followed, after the nodes before that
 */
export function* listForEach(
  head: KernelObject,
  direction: "next" | "prev" = "next",
): Generator<bigint, undefined> {
  const { memory } = head.program;
  const start = placeOf(head);
  const offset = BigInt(offsetOf(structOf(head), direction));
  const name = `list at 0x${start.toString(16)}`;
  const watch = new LinkWatch(name);
  let link = start + offset;
  let node = followLink(memory, name, link, link);
  while (node !== start) {
    if (isPoison(node)) throw new BrokenLinkError(name, link, "its entry was removed from the list");
    watch.step(link, node);
    // Read before the node is given out: nobody's container must be made up from what is not there.
    const following = followLink(memory, name, link, node + offset);
    yield node;
    link = node + offset;
    node = following;
  }
}

/** `list_for_each_entry`: the structs that have the nodes as a member. @throws {BrokenLinkError} */
export function* listForEachEntry(
  type: Type | string,
  head: KernelObject,
  member: string,
  direction: "next" | "prev" = "next",
): Generator<KernelObject, undefined> {
  yield* entries(type, head, member, listForEach(head, direction));
}

/** `list_empty`. @throws {FaultError} */
export function listEmpty(head: KernelObject): boolean {
  const next = head.member("next").scalar();
  return next === placeOf(head);
}

/**
 * `hlist_for_each`: addresses of the nodes of a `struct hlist_head`, which ends in NULL. Also for the
 * lists of `struct hlist_bl_head` (include/linux/list_bl.h), whose bit 0 is a lock.
 * @throws {BrokenLinkError}
 */
export function* hlistForEach(head: KernelObject): Generator<bigint, undefined> {
  const { memory } = head.program;
  const name = `hlist at 0x${placeOf(head).toString(16)}`;
  const first = head.member("first");
  const offset = BigInt(offsetOf(structOf(first), "next"));
  const watch = new LinkWatch(name);
  let link = placeOf(head) + BigInt(offsetOf(structOf(head), "first"));
  let node = (followLink(memory, name, link, link) >> 1n) << 1n;
  while (node !== 0n) {
    if (isPoison(node)) throw new BrokenLinkError(name, link, "its entry was removed from the list");
    watch.step(link, node);
    const following = followLink(memory, name, link, node + offset);
    yield node;
    link = node + offset;
    node = following;
  }
}

/** `hlist_for_each_entry`: the structs that have the nodes as a member. @throws {BrokenLinkError} */
export function* hlistForEachEntry(
  type: Type | string,
  head: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, head, member, hlistForEach(head));
}

/** The structs that have nodes as a member, from the nodes' addresses. */
export function* entries(
  type: Type | string,
  head: KernelObject,
  member: string,
  nodes: Iterable<bigint>,
): Generator<KernelObject, undefined> {
  const { program } = head;
  const found = typeof type === "string" ? program.type(type) : type;
  const offset = BigInt(offsetOf(found, member));
  for (const node of nodes) yield objectAt(program, found, BigInt.asUintN(64, node - offset));
}
