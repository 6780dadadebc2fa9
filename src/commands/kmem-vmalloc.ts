import type { Kernel } from "../kernel/index.ts";
import { forEachVmapArea, type Gaps, vmapKinds } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** An area of kernel addresses as JSON has it. */
export interface VmallocRow {
  start: string;
  /** First address behind it. */
  end: string;
  /** Bytes, with the page that guards its end. */
  size: number;
  /** `ioremap`, `vmalloc`, `vmap`, `user`, `dma-coherent`; null for areas of vm_map_ram(), which say nothing. */
  kinds: readonly string[] | null;
  /** Pages of memory that it was given; of an area without any 0. */
  pages: number | null;
  /** What an ioremap() maps. */
  physical: string | null;
  /** Who made it: a function and an offset. */
  caller: string | null;
  /** Addresses of the `struct vmap_area` and the `struct vm_struct`. */
  area: string;
  vm: string | null;
}

/** Areas that vmalloc(), vmap(), ioremap() and others handed out, by address. */
export function listVmalloc(kernel: Kernel, gaps: Gaps): { rows: VmallocRow[] } {
  const rows: { start: bigint; row: VmallocRow }[] = [];
  for (const { object, start, end, vm } of gaps.walk(forEachVmapArea(kernel.program))) {
    rows.push({
      start,
      row: {
        start: hex(start),
        end: hex(end),
        size: Number(end - start),
        kinds: vm === undefined ? null : gaps.column("kinds", () => vmapKinds(vm)),
        pages: vm === undefined ? null : gaps.column("pages", () => vm.member("nr_pages").number()),
        physical: vm === undefined ? null : gaps.column("physical", () => physicalOf(vm)),
        caller: vm === undefined ? null : gaps.column("caller", () => callerOf(kernel, vm)),
        area: hex(object.address!),
        vm: vm === undefined ? null : hex(vm.address!),
      },
    });
  }
  rows.sort((left, right) => (left.start < right.start ? -1 : left.start > right.start ? 1 : 0));
  return { rows: rows.map(({ row }) => row) };
}

function physicalOf(vm: KernelObject): string | null {
  const address = vm.member("phys_addr").scalar() as bigint;
  return address === 0n ? null : hex(address);
}

function callerOf(kernel: Kernel, vm: KernelObject): string | null {
  const caller = vm.member("caller").scalar() as bigint;
  if (caller === 0n) return null;
  const symbol = kernel.program.symbolizer.symbolAt(caller);
  return symbol === undefined ? hex(caller) : `${symbol.name}+${hex(symbol.offset)}`;
}

export function vmallocLines(rows: readonly VmallocRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "START" },
      { title: "END" },
      { title: "SIZE", align: "right" },
      { title: "PAGES", align: "right" },
      { title: "KIND" },
      { title: "PHYSICAL", align: "right" },
      { title: "CALLER" },
    ],
    rows.map((row) => [
      row.start.slice(2),
      row.end.slice(2),
      String(row.size),
      row.vm === null ? "-" : cell(row.pages),
      row.vm === null ? "vm_map_ram" : cell(row.kinds?.join(",")),
      row.physical?.slice(2) ?? "-",
      row.caller ?? "-",
    ]),
  );
}
