import type { KernelObject, Program } from "../program/index.ts";
import { folioPages } from "./page.ts";
import { objectAt } from "./walk.ts";
import { xaForEach, xaIsValue } from "./xarray.ts";

/** Pages of a file that are in memory, as one folio: one page, or several that belong together. */
export interface CachedFolio {
  /** Which page of the file the first one is. */
  index: bigint;
  /** The first `struct page`. */
  page: KernelObject;
  pageCount: number;
}

/**
 * The page cache of a file (include/linux/pagemap.h; drgn's `inode_for_each_page`): `inode->i_mapping->i_pages`, by
 * ascending index. What remembers pages that are gone, or in swap, is left out.
 * @throws {BrokenLinkError} {@link FaultError} {@link LookupError}
 */
export function* inodeForEachFolio(program: Program, inode: KernelObject): Generator<CachedFolio, undefined> {
  const mapping = inode.member("i_mapping");
  if (mapping.isNull) return;
  let last = 0n;
  for (const { index, entry } of xaForEach(mapping.member("i_pages"))) {
    // Before v5.17 huge pages have an entry for each of their pages.
    if (xaIsValue(entry) || entry === last) continue;
    last = entry;
    const page = objectAt(program, "struct page", entry);
    yield { index, page, pageCount: folioPages(program, page) };
  }
}

/** `inode->i_mapping->nrpages`: how many pages of a file are in memory. @throws {FaultError} */
export function inodeCachedPages(inode: KernelObject): bigint {
  const mapping = inode.member("i_mapping");
  return mapping.isNull ? 0n : (mapping.member("nrpages").scalar() as bigint);
}
