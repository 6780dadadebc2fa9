import type { KernelObject } from "../program/index.ts";
import { type XaEntry, xaForEach, xaLoad } from "./xarray.ts";

/** `radix_tree_for_each_slot` (include/linux/radix-tree.h): the entries of a `struct radix_tree_root`. @throws {BrokenLinkError} */
export function radixTreeForEach(root: KernelObject): Generator<XaEntry, undefined> {
  return xaForEach(root);
}

/** `radix_tree_lookup`: the entry at an index, 0 where there is none. @throws {BrokenLinkError} */
export function radixTreeLookup(root: KernelObject, index: bigint | number): bigint {
  return xaLoad(root, index);
}
