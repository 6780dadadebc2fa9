import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { objectAt } from "./walk.ts";

/** Bytes that a bit of a chunk's maps stands for (PCPU_MIN_ALLOC_SIZE, mm/percpu-internal.h). */
const bitByteSize = 4;
/** More lists of chunks, and bits of a chunk, than any kernel has. */
const maximumSlots = 64;
const maximumBits = 1 << 24;

/** Memory that was, or can be, given out for every CPU. */
export interface PercpuArea {
  /** Of the `struct pcpu_chunk`. */
  chunk: KernelObject;
  cpu: number;
  /** Of the CPU's copy. */
  start: bigint;
  byteSize: number;
  isAllocated: boolean;
}

/** The symbols of mm/percpu.c that {@link percpuAreaAt} reads. */
export interface PercpuLayout {
  /** `pcpu_chunk_lists`: pointer to the heads of lists, before v5.14 (8744d859408d) `pcpu_slot`. */
  lists: bigint;
  slotCount: number;
  /** Bytes from a chunk's base to the unit of each CPU: `pcpu_unit_offsets`. */
  unitOffsets: ReadonlyMap<number, bigint>;
  pageByteSize: number;
}

/** `for_each_chunk`: the `struct pcpu_chunk`s of the percpu allocator (mm/percpu.c). @throws {BrokenLinkError} */
function* forEachPercpuChunk(program: Program, layout: PercpuLayout): Generator<KernelObject, undefined> {
  const head = program.type("struct list_head");
  for (let slot = 0; slot < Math.min(layout.slotCount, maximumSlots); slot++) {
    const list = objectAt(program, head, layout.lists + BigInt(slot * head.byteSize));
    yield* listForEachEntry("struct pcpu_chunk", list, "list");
  }
}

/**
 * What the percpu allocator has at an address, by the chunk's maps: the area that was given out, or what lies free around it.
 * @throws {BrokenLinkError} {@link FaultError} {@link LookupError}
 */
export function percpuAreaAt(
  program: Program,
  layout: PercpuLayout,
  address: bigint,
): PercpuArea | undefined {
  for (const chunk of forEachPercpuChunk(program, layout)) {
    const base = chunk.member("base_addr").scalar() as bigint;
    const byteSize = BigInt(chunk.member("nr_pages").number() * layout.pageByteSize);
    for (const [cpu, offset] of layout.unitOffsets) {
      const unit = base + offset;
      if (address < unit || address >= unit + byteSize) continue;
      const bits = Number(byteSize) / bitByteSize;
      const bit = Math.floor(Number(address - unit) / bitByteSize);
      if (bits > maximumBits) return undefined;
      const { from, to } = boundsAround(chunk.member("bound_map"), bit, bits);
      const isAllocated = isSet(chunk.member("alloc_map"), bit);
      return {
        chunk,
        cpu,
        start: unit + BigInt(from * bitByteSize),
        byteSize: (to - from) * bitByteSize,
        isAllocated,
      };
    }
  }
  return undefined;
}

/** `bound_map` has a bit set where an area begins. */
function boundsAround(map: KernelObject, bit: number, bits: number): { from: number; to: number } {
  let from = bit;
  while (from > 0 && !isSet(map, from)) from--;
  let to = bit + 1;
  while (to < bits && !isSet(map, to)) to++;
  return { from, to };
}

function isSet(map: KernelObject, bit: number): boolean {
  const start = map.scalar() as bigint;
  const word = map.program.memory.readU64(start + BigInt((bit >>> 6) * 8));
  return ((word >> BigInt(bit & 63)) & 1n) !== 0n;
}
