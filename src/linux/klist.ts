import type { KernelObject, Type } from "../program/index.ts";
import { entries, listForEachEntry } from "./list.ts";
import { placeOf } from "./walk.ts";

/** KNODE_DEAD: the node is being removed, and whoever walks the list passes over it. */
const dead = 1n;

/**
 * `klist_next` (include/linux/klist.h): addresses of the live `struct klist_node` of a `struct klist`.
 * @throws {BrokenLinkError}
 */
export function* klistForEach(klist: KernelObject): Generator<bigint, undefined> {
  for (const node of listForEachEntry("struct klist_node", klist.member("k_list"), "n_node")) {
    if (((node.member("n_klist").scalar() as bigint) & dead) === 0n) yield placeOf(node);
  }
}

/** The structs that have the nodes of a `struct klist` as a member. @throws {BrokenLinkError} */
export function* klistForEachEntry(
  type: Type | string,
  klist: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, klist, member, klistForEach(klist));
}
