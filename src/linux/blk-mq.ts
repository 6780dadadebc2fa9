import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
import { perCpuPtr } from "./percpu.ts";
import { sbitmapForEachSet } from "./sbitmap.ts";
import { objectAt } from "./walk.ts";
import { xaForEach } from "./xarray.ts";

/** More hardware queues than any disk has. */
const maximumQueues = 65_536;

/** True for a `struct request_queue` of requests with tags; false for one that only hands bios on. @throws {FaultError} */
export function queueIsMq(queue: KernelObject): boolean {
  return !queue.member("mq_ops").isNull;
}

/** `queue_for_each_hw_ctx` (include/linux/blk-mq.h): the `struct blk_mq_hw_ctx`s of a queue. @throws {BrokenLinkError} */
export function* forEachHctx(queue: KernelObject): Generator<KernelObject, undefined> {
  // v6.0 (4e5cc99e1e48) had an xarray for a while; before and since v6.19 it is an array.
  const table = queue.memberIf("hctx_table");
  if (table !== undefined) {
    for (const { entry } of xaForEach(table)) yield objectAt(queue.program, "struct blk_mq_hw_ctx", entry);
    return;
  }
  const array = queue.member("queue_hw_ctx").read();
  const count = Math.min(queue.member("nr_hw_queues").number(), maximumQueues);
  for (let index = 0; index < count; index++) {
    const context = array.index(index);
    if (!context.isNull) yield context.dereference();
  }
}

/** A request that has a tag of a hardware queue. */
export interface TaggedRequest {
  /** The `struct request`. */
  request: KernelObject;
  tag: number;
  /** Number of the hardware queue. */
  hardwareQueue: number;
}

/**
 * `blk_mq_queue_tag_busy_iter` (block/blk-mq-tag.c): requests of a queue that have a tag, and have not ended.
 * @throws {BrokenLinkError}; {@link FaultError}
 */
export function* forEachBusyRequest(queue: KernelObject): Generator<TaggedRequest, undefined> {
  const seen = new Set<bigint>();
  for (const context of forEachHctx(queue)) {
    const tags = context.member("tags");
    if (tags.isNull) continue;
    const requests = tags.member("rqs").read();
    const reserved = tags.member("nr_reserved_tags").number();
    for (const [bitmap, first] of [
      ["breserved_tags", 0],
      ["bitmap_tags", reserved],
    ] as const) {
      for (const bit of sbitmapForEachSet(tags.member(bitmap).member("sb"))) {
        const tag = first + bit;
        const request = requests.index(tag);
        const address = request.scalar() as bigint;
        // The tags of a set of queues may be shared: of other queues, and found again in the next context.
        if (address === 0n || seen.has(address)) continue;
        if (request.member("q").scalar() !== queue.address) continue;
        if (request.member("tag").number() !== tag) continue;
        if (referenceCount(request) === 0) continue;
        seen.add(address);
        const own = request.member("mq_hctx");
        yield {
          request: request.dereference(),
          tag,
          hardwareQueue: own.isNull ? context.member("queue_num").number() : own.member("queue_num").number(),
        };
      }
    }
  }
}

/** v5.16 (0bf6d96cb829) made a plain number of the refcount_t. */
function referenceCount(request: KernelObject): number {
  const count = request.member("ref");
  return (count.memberIf("refs") ?? count).member("counter").number();
}

/** REQ_OP_BITS (include/linux/blk_types.h). */
const operationMask = 0xff;

/** `req_op`: number of what a `struct request` does; odd for what changes the disk. @throws {FaultError} */
export function requestOperation(request: KernelObject): number {
  return request.member("cmd_flags").number() & operationMask;
}

/** Requests in flight by direction. */
export interface InFlight {
  reads: number;
  writes: number;
}

/** MQ_RQ_IN_FLIGHT of `enum mq_rq_state`. */
const stateInFlight = 1;

/**
 * What `/sys/block/DISK/inflight` shows of a disk or a partition: of queues with tags the requests that the
 * driver has, of others the bios that began and have not ended.
 * @param device the `struct block_device`, or `struct hd_struct` before v5.11
 * @param queue the `struct request_queue` of its disk
 * @throws {BrokenLinkError}; {@link FaultError}; {@link LookupError}
 */
export function inFlight(program: Program, device: KernelObject, queue: KernelObject): InFlight {
  const found = { reads: 0, writes: 0 };
  if (queueIsMq(queue)) {
    for (const { request } of forEachBusyRequest(queue)) {
      if (request.member("state").number() !== stateInFlight || !isCounted(program, request)) continue;
      if (isPartition(device) && request.member("part").scalar() !== device.address) continue;
      if ((requestOperation(request) & 1) === 1) found.writes++;
      else found.reads++;
    }
    return found;
  }
  for (const cpu of forEachPossibleCpu(program)) {
    const counts = perCpuPtr(program, device.memberIf("bd_stats") ?? device.member("dkstats"), cpu).member(
      "in_flight",
    );
    const count = (index: number): number =>
      Number(BigInt.asIntN(64, program.memory.readU64(counts.index(index).address!)));
    found.reads += count(0);
    found.writes += count(1);
  }
  return { reads: Math.max(found.reads, 0), writes: Math.max(found.writes, 0) };
}

/** RQF_IO_STAT before v6.11 (5f89154e8e9e) numbered the flags by an enum. */
const usualStatBit = 13;

/** `blk_do_io_stat`: whether the disk's statistics count it. */
function isCounted(program: Program, request: KernelObject): boolean {
  const bit = Number(program.types.findEnumerator("__RQF_IO_STAT")?.value ?? usualStatBit);
  const isSet = ((request.member("rq_flags").number() >>> bit) & 1) === 1;
  return isSet && !request.member("part").isNull;
}

function isPartition(device: KernelObject): boolean {
  const number = device.memberIf("bd_partno") ?? device.memberIf("partno");
  if (number !== undefined) return number.number() !== 0;
  // v6.10 (01e198f01d55) put the number into the flags.
  return (BigInt(device.member("__bd_flags").member("counter").scalar()) & 0xffn) !== 0n;
}
