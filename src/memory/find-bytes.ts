import type { PhysicalMemory } from "../dump/dump.ts";
import { scanPhysical, type ScanOptions, type ScanResult } from "./scan.ts";

/** Sees a place where a pattern stands; true ends the search. */
export type FoundVisitor = (address: number, pattern: number) => boolean | void;

/**
 * Find byte patterns anywhere in physical memory, per piece of memory one pattern after the other; each
 * place once and, for one pattern, ascending. Patterns are at most 4 KiB long, and not empty.
 */
export function findBytes(
  memory: PhysicalMemory,
  patterns: readonly Uint8Array[],
  options: Omit<ScanOptions, "overlapByteSize">,
  visit: FoundVisitor,
): ScanResult {
  const overlapByteSize = Math.max(0, ...patterns.map((pattern) => pattern.length - 1));
  return scanPhysical(memory, { ...options, overlapByteSize }, (bytes, address, ownByteSize) => {
    for (let index = 0; index < patterns.length; index++) {
      const pattern = patterns[index]!;
      for (let at = bytes.indexOf(pattern); at >= 0 && at < ownByteSize; at = bytes.indexOf(pattern, at + 1))
        if (visit(address + at, index) === true) return true;
    }
    return false;
  });
}
