import type { KernelObject } from "../program/index.ts";
import { hlistForEachEntry } from "./list.ts";
import { linkedEntries } from "./walk.ts";

/** More bits than any table grows to. */
const maximumShift = 24;

/** Entries of a `struct neigh_table` (include/net/neighbour.h): `struct neighbour`s. @throws {BrokenLinkError} */
export function* forEachNeighbour(table: KernelObject): Generator<KernelObject, undefined> {
  const hash = table.member("nht").dereference();
  const count = 2 ** Math.min(hash.member("hash_shift").number(), maximumShift);
  // v6.13 (a01a67ab2fff) made lists with back pointers of the chains.
  const heads = hash.memberIf("hash_heads")?.read();
  for (let index = 0; index < count; index++) {
    if (heads !== undefined) yield* hlistForEachEntry("struct neighbour", heads.index(index), "hash");
    else yield* linkedEntries("neighbours", hash.member("hash_buckets").read().index(index), "next");
  }
}

/** Bits of `neighbour.nud_state` (include/uapi/linux/neighbour.h). */
const states = ["INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT"];

/** States of a neighbour as `ip neigh` names them; `NONE` for none. @throws {FaultError} */
export function neighbourStates(neighbour: KernelObject): string[] {
  const bits = neighbour.member("nud_state").number();
  return bits === 0 ? ["NONE"] : states.filter((_, bit) => ((bits >>> bit) & 1) === 1);
}
