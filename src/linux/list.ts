import { type KernelObject, offsetOf, type Type } from "../program/index.ts";
import { objectAt, placeOf, structOf, walkLinks } from "./walk.ts";

/**
 * `list_for_each` (include/linux/list.h): addresses of the nodes after a `struct list_head`, head left out.
 * @param direction `prev` goes from the end
 * @throws {BrokenLinkError} where the list cannot be followed, after the nodes before that
 */
export function listForEach(
  head: KernelObject,
  direction: "next" | "prev" = "next",
): Generator<bigint, undefined> {
  const start = placeOf(head);
  const name = `list at 0x${start.toString(16)}`;
  const first = head.member(direction);
  return walkLinks({ name, first, node: structOf(head), next: direction, isEnd: (node) => node === start });
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
export function hlistForEach(head: KernelObject): Generator<bigint, undefined> {
  const name = `hlist at 0x${placeOf(head).toString(16)}`;
  return walkLinks({ name, first: head.member("first"), next: "next", lockBits: 1n });
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
