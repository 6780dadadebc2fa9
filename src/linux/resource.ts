import type { KernelObject } from "../program/index.ts";
import { linkedEntries } from "./walk.ts";

/** A range of I/O ports or of physical memory, and who has it. */
export interface ResourceRange {
  /** The `struct resource`. */
  resource: KernelObject;
  /** How many others it lies in. */
  depth: number;
}

/** Deeper trees are taken for damage. */
const maximumDepth = 64;

/**
 * What lies in a `struct resource` (include/linux/ioport.h), as /proc/iomem and /proc/ioports list it.
 * @throws {BrokenLinkError}
 */
export function* forEachResource(root: KernelObject, depth = 0): Generator<ResourceRange, undefined> {
  if (depth >= maximumDepth) return;
  for (const resource of linkedEntries("resources", root.member("child"), "sibling")) {
    // What does not say so too is no child: nobody can be led in a circle through these.
    if (resource.member("parent").scalar() !== root.address) return;
    yield { resource, depth };
    yield* forEachResource(resource, depth + 1);
  }
}
