import { DwarflessError } from "../io/index.ts";
import type { KernelObject, Program } from "../program/index.ts";

/** More sizes of huge pages than any architecture has (HUGE_MAX_HSTATE). */
const maximumHstates = 16;

/**
 * `for_each_hstate` (include/linux/hugetlb.h): the `struct hstate` of each size of huge pages.
 * @throws {LookupError} without CONFIG_HUGETLB_PAGE; {@link FaultError}
 */
export function* forEachHstate(program: Program): Generator<KernelObject, undefined> {
  const hstates = program.variable("hstates");
  const length = Math.min(hstates.type.underlying.length ?? maximumHstates, maximumHstates);
  const count = Math.min(program.variable("hugetlb_max_hstate").number(), length);
  for (let index = 0; index < count; index++) yield hstates.index(index);
}

/** No page is of more than 2^40 ordinary ones. */
const maximumOrder = 40n;

function hstateOrder(hstate: KernelObject): bigint {
  const order = hstate.member("order").scalar() as bigint;
  if (order <= maximumOrder) return order;
  throw new DwarflessError("HSTATE", `huge pages cannot be of 2^${order} pages`);
}

/** `huge_page_size`: bytes. @throws {FaultError}; {@link DwarflessError} `HSTATE` */
export function hugePageSize(hstate: KernelObject): bigint {
  return BigInt(hstate.program.memory.pageByteSize) << hstateOrder(hstate);
}

/**
 * `hugetlb_total_pages`: ordinary pages that huge ones are made of.
 * @throws {LookupError} {@link FaultError}; {@link DwarflessError} `HSTATE`
 */
export function hugetlbTotalPages(program: Program): bigint {
  let pages = 0n;
  for (const hstate of forEachHstate(program)) {
    pages += (hstate.member("nr_huge_pages").scalar() as bigint) << hstateOrder(hstate);
  }
  return pages;
}
