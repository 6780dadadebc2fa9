import { DwarflessError } from "../io/index.ts";
import { type KernelObject, LookupError, type Program } from "../program/index.ts";
import { objectAt, placeOf } from "./walk.ts";

/** Sections that are looked at for the place of `struct page`s; a root of SPARSEMEM_EXTREME has at most a few thousand. */
const maximumSections = 4096;
/** Low bits of `section_mem_map` are flags (include/linux/mmzone.h, `SECTION_…`): the address is that of a page at least. */
const sectionMapMask = ~0xfffn;

/** What the kernel knows of a page of memory (include/linux/page-flags.h). */
export interface PageState {
  /** Names of `enum pageflags` without PG_. */
  flags: readonly string[];
  /** Of a page that is neither mapped to processes nor cached: `buddy`, `slab`, `table`, …; undefined for others. */
  type: string | undefined;
  references: number;
  /** What `page->mapping` says: a file's pages, anonymous memory, or nothing. */
  mapping: "file" | "anonymous" | undefined;
}

/**
 * `vmemmap` (include/asm-generic/memory_model.h): where the `struct page` of page frame 0 would be, as the
 * entries of `mem_section` have it. Undefined without CONFIG_SPARSEMEM_VMEMMAP, where it differs by section.
 * @throws {LookupError} {@link FaultError}
 */
export function vmemmap(program: Program): bigint | undefined {
  if (!known.has(program)) known.set(program, findVmemmap(program));
  return known.get(program);
}

/** It does not change while a kernel runs, and every page is looked up by it. */
const known = new WeakMap<Program, bigint | undefined>();

function findVmemmap(program: Program): bigint | undefined {
  const root = program.variable("mem_section").index(0);
  // Without SPARSEMEM_EXTREME it is an array of arrays, else one of pointers.
  const count = Math.min(maximumSections, root.type.underlying.length ?? sectionsPerRoot(program));
  const places = new Set<bigint>();
  for (let index = 0; index < count; index++) {
    const map = root.index(index).member("section_mem_map").scalar() as bigint;
    if (map !== 0n) places.add(map & sectionMapMask);
  }
  return places.size === 1 ? [...places][0] : undefined;
}

function sectionsPerRoot(program: Program): number {
  return Math.floor(program.memory.pageByteSize / program.type("struct mem_section").byteSize);
}

/**
 * `pfn_to_page`: the `struct page` of a page frame; undefined where its place is not known.
 * @throws {LookupError} {@link FaultError}
 */
export function pfnToPage(program: Program, pfn: number): KernelObject | undefined {
  const base = vmemmap(program);
  if (base === undefined) return undefined;
  const type = program.type("struct page");
  return objectAt(program, type, BigInt.asUintN(64, base + BigInt(pfn) * BigInt(type.byteSize)));
}

/** `page_to_pfn`; undefined for an address that is no `struct page`'s. @throws {LookupError} {@link FaultError} */
export function pageToPfn(program: Program, page: bigint): number | undefined {
  const base = vmemmap(program);
  if (base === undefined) return undefined;
  const size = BigInt(program.type("struct page").byteSize);
  const distance = BigInt.asUintN(64, page - base);
  const pfn = distance / size;
  return distance % size === 0n && pfn < 1n << 40n ? Number(pfn) : undefined;
}

/**
 * `compound_head`: of a tail page the first of its compound page, else the page itself.
 * @throws {FaultError}
 */
export function compoundHead(page: KernelObject): KernelObject {
  // v7.0 renamed it, as it may hold a mask now.
  const member = page.memberIf("compound_info") ?? page.member("compound_head");
  const info = member.scalar() as bigint;
  if ((info & 1n) === 0n) return page;
  const rest = info & ~1n;
  const distance = BigInt.asUintN(64, -rest);
  const isMask = distance < 1n << 40n && (distance & (distance - 1n)) === 0n;
  return objectAt(page.program, page.type, isMask ? placeOf(page) & rest : rest);
}

/** What a `struct page` says. @throws {FaultError} {@link LookupError} */
export function pageState(program: Program, page: KernelObject): PageState {
  const flags = pageFlags(program, page);
  const type = flags.includes("slab") ? "slab" : pageType(program, page);
  const mapping = type === undefined ? (page.member("mapping").scalar() as bigint) : 0n;
  return {
    flags,
    type,
    references: page.member("_refcount").member("counter").number(),
    // PAGE_MAPPING_ANON is bit 0; bit 1 marks pages that drivers or KSM can move.
    mapping:
      mapping === 0n
        ? undefined
        : (mapping & 3n) === 0n
          ? "file"
          : (mapping & 1n) === 1n
            ? "anonymous"
            : undefined,
  };
}

function flagsWord(page: KernelObject): bigint {
  const member = page.member("flags");
  // v6.18 wrapped the word.
  return (member.type.underlying.isComposite ? member.member("f") : member).scalar() as bigint;
}

function pageFlags(program: Program, page: KernelObject): string[] {
  const word = flagsWord(page);
  const { enumerators } = program.type("enum pageflags");
  const count = enumerators.find(({ name }) => name === "__NR_PAGEFLAGS")?.value ?? 32n;
  const names = new Map<bigint, string>();
  // Several names share a bit: the first is what the bit is called, the others are uses of it.
  for (const { name, value } of enumerators) {
    if (value < count && !names.has(value)) names.set(value, name.replace(/^PG_/, ""));
  }
  return [...names]
    .filter(([bit]) => ((word >> bit) & 1n) === 1n)
    .sort(([left], [right]) => Number(left - right))
    .map(([, name]) => name);
}

/** `PAGE_TYPE_BASE` and the bits below it, v4.18 to v6.9: those of a type are clear. */
const oldPageTypes: readonly (readonly [bit: number, name: string])[] = [
  [0x80, "buddy"],
  [0x100, "offline"],
  [0x200, "table"],
  [0x400, "guard"],
];
const oldTypeBase = 0xf000_0000;

function pageType(program: Program, page: KernelObject): string | undefined {
  const word = page.member("page_type").number() >>> 0;
  const types = program.types.find("enum pagetype")?.enumerators;
  const named = types?.filter(({ name }) => name.startsWith("PGTY_"));
  if (named !== undefined && named.length > 0) {
    // v6.12 (4ffca5a96678): a number in the top byte; the largest one is a mapcount below zero.
    const found = named.find(({ value }) => value === BigInt(word >>> 24))?.name.slice(5);
    return found === "mapcount_underflow" ? undefined : found;
  }
  const bits =
    types?.map(({ name, value }) => [Number(value), name.replace(/^PG_/, "")] as const) ?? oldPageTypes;
  return bits.find(([bit]) => ((oldTypeBase | bit) & word) >>> 0 === oldTypeBase)?.[1];
}

/** Larger folios are taken for damage (MAX_ORDER of all kernels is below). */
const maximumFolioOrder = 20;

/**
 * `folio_nr_pages` (include/linux/mm.h): how many pages belong together, by the first of them; 1 for a page by itself.
 * @throws {FaultError} {@link LookupError}; {@link DwarflessError} `FOLIO`
 */
export function folioPages(program: Program, page: KernelObject): number {
  const head = program.type("enum pageflags").enumerators.find(({ name }) => name === "PG_head");
  if (head === undefined) throw new LookupError("enumerator", "PG_head", [], `"enum pageflags"`);
  if (((flagsWord(page) >> head.value) & 1n) === 0n) return 1;
  const order = folioOrder(program, page);
  if (order > maximumFolioOrder) throw new DwarflessError("FOLIO", `a folio cannot be of 2^${order} pages`);
  return 2 ** order;
}

function folioOrder(program: Program, page: KernelObject): number {
  const type = program.types.find("struct folio");
  if (type !== undefined) {
    const folio = page.reinterpret(type);
    const order = folio.memberIf("_folio_order");
    if (order !== undefined) return order.number();
    // v6.6 (ebc1baf5c9b4) put it into the flags of the second page.
    const flags = folio.memberIf("_flags_1");
    if (flags !== undefined) return Number((flags.scalar() as bigint) & 0xffn);
  }
  return objectAt(program, page.type, placeOf(page) + BigInt(page.type.byteSize))
    .member("compound_order")
    .number();
}
