import { isKernelAddress, type Architecture, type LinearRun } from "../arch/index.ts";
import type { VirtualSegment } from "../dump/dump.ts";
import type { Translation } from "./translation.ts";

/**
 * What the LOAD segments of /proc/vmcore and /proc/kcore say: where the image and the linear map are. No page
 * tables, so modules and vmalloc stay unmapped until symbols lead to those. Undefined when no segment has
 * both addresses.
 */
export function translationFromSegments(
  architecture: Architecture,
  segments: readonly VirtualSegment[],
): Translation | undefined {
  const runs: LinearRun[] = [];
  for (const { address, byteSize, physicalAddress } of segments) {
    if (physicalAddress === undefined || byteSize === 0n || !isKernelAddress(architecture, address)) continue;
    const delta = BigInt.asUintN(64, BigInt(physicalAddress) - address);
    const { imageStart } = architecture;
    const name = imageStart !== undefined && address >= imageStart ? "image" : "linear";
    runs.push({ name, start: address, byteSize, delta });
  }
  if (runs.length === 0) return undefined;
  return {
    architecture,
    pageByteSize: 4096,
    tables: undefined,
    runs,
    how: "addresses of the dump's segments",
  };
}

/** Physical minus virtual address of the image, modulo 2^64, as the segments have it. */
export function imageDeltaOfSegments(
  architecture: Architecture,
  segments: readonly VirtualSegment[],
): bigint | undefined {
  return translationFromSegments(architecture, segments)?.runs.find((run) => run.name === "image")?.delta;
}
