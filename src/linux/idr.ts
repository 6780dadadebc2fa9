import type { KernelObject, Type } from "../program/index.ts";
import { objectAt } from "./walk.ts";
import { xaForEach, type XaEntry, xaLoad } from "./xarray.ts";

/**
 * `idr_for_each` (include/linux/idr.h): pointers of a `struct idr` by their ids.
 * @throws {BrokenLinkError}
 */
export function* idrForEach(idr: KernelObject): Generator<XaEntry, undefined> {
  const base = baseOf(idr);
  for (const { index, entry } of xaForEach(idr.member("idr_rt"))) yield { index: index + base, entry };
}

/** `idr_for_each_entry`: ids and the structs that the pointers point to. @throws {BrokenLinkError} */
export function* idrForEachEntry(
  type: Type | string,
  idr: KernelObject,
): Generator<{ id: number; object: KernelObject }, undefined> {
  for (const { index, entry } of idrForEach(idr)) {
    yield { id: Number(index), object: objectAt(idr.program, type, entry) };
  }
}

/** `idr_find`: the pointer of an id, 0 where there is none. @throws {BrokenLinkError} */
export function idrFind(idr: KernelObject, id: number): bigint {
  const index = BigInt(id) - baseOf(idr);
  return index < 0n ? 0n : xaLoad(idr.member("idr_rt"), index);
}

/** v4.16 (6ce711f27500) let ids begin elsewhere than at 0. */
function baseOf(idr: KernelObject): bigint {
  return BigInt((idr.memberIf("idr_base")?.scalar() as bigint | undefined) ?? 0n);
}
