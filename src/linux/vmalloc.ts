import type { KernelObject, Program } from "../program/index.ts";
import { rbtreeInorderForEachEntry } from "./rbtree.ts";

/** More than any machine has (MAX of `nr_vmap_nodes`, mm/vmalloc.c). */
const maximumNodes = 128;

/** An area of kernel addresses that vmalloc(), vmap(), ioremap() and others handed out. */
export interface VmapArea {
  /** The `struct vmap_area`. */
  object: KernelObject;
  start: bigint;
  /** First address behind it. */
  end: bigint;
  /** Its `struct vm_struct`; undefined for areas of vm_map_ram(), which have none. */
  vm: KernelObject | undefined;
}

/**
 * `struct vmap_area`s in use (mm/vmalloc.c), by address within each tree.
 * @throws {BrokenLinkError} {@link LookupError}
 */
export function* forEachVmapArea(program: Program): Generator<VmapArea, undefined> {
  for (const root of roots(program)) {
    for (const object of rbtreeInorderForEachEntry("struct vmap_area", root, "rb_node")) {
      const vm = object.member("vm").read();
      yield {
        object,
        start: object.member("va_start").scalar() as bigint,
        end: object.member("va_end").scalar() as bigint,
        vm: vm.isNull ? undefined : vm.dereference(),
      };
    }
  }
}

/** The trees: v6.9 (d093602919ad) made several of one. */
function* roots(program: Program): Generator<KernelObject, undefined> {
  if (!program.hasVariable("vmap_nodes")) {
    yield program.variable("vmap_area_root");
    return;
  }
  const nodes = program.variable("vmap_nodes");
  const count = Math.min(maximumNodes, program.variable("nr_vmap_nodes").number());
  for (let index = 0; index < count; index++) yield nodes.index(index).member("busy").member("root");
}

/** `VM_…` of include/linux/vmalloc.h; 0x200 and above differ between releases and are left out. */
const flagNames: readonly (readonly [bit: bigint, name: string])[] = [
  [0x1n, "ioremap"],
  [0x2n, "vmalloc"],
  [0x4n, "vmap"],
  [0x8n, "user"],
  [0x10n, "dma-coherent"],
];

/** What kind of mapping an area is, as /proc/vmallocinfo has it. @throws {FaultError} */
export function vmapKinds(vm: KernelObject): string[] {
  const flags = vm.member("flags").scalar() as bigint;
  return flagNames.filter(([bit]) => (flags & bit) !== 0n).map(([, name]) => name);
}
