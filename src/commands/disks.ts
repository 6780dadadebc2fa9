import type { Kernel } from "../kernel/index.ts";
import {
  blockDeviceName,
  forEachBlockDevice,
  forEachBusyRequest,
  forEachHdStruct,
  type Gaps,
  hasHdStruct,
  hdStructDisk,
  hdStructName,
  inFlight,
  queueIsMq,
  readClocks,
  requestOperation,
} from "../linux/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A disk or a partition as JSON has it. */
export interface DiskRow {
  name: string | null;
  major: number | null;
  minor: number | null;
  /** Bytes. */
  size: number | null;
  /** Requests that the driver has, as /sys/block/DISK/inflight counts them. */
  reads: number | null;
  writes: number | null;
  /** Addresses of the `struct block_device` (until v5.11 the `struct hd_struct`) and the `struct gendisk`. */
  device: string;
  disk: string | null;
}

/** Sectors of the block layer, whatever those of the disk are. */
const sectorByteSize = 512;

/** Disks and partitions, by device number. */
export function listDisks(kernel: Kernel, gaps: Gaps): { rows: DiskRow[] } {
  const { program } = kernel;
  const rows = hasHdStruct(program)
    ? Array.from(gaps.walk(forEachHdStruct(program)), (part) => hdStructRow(program, part, gaps))
    : Array.from(gaps.walk(forEachBlockDevice(program)), (device) => blockDeviceRow(program, device, gaps));
  const order = ({ major, minor }: DiskRow): number => (major ?? 0) * 2 ** 20 + (minor ?? 0);
  return { rows: rows.sort((left, right) => order(left) - order(right)) };
}

function blockDeviceRow(program: Program, device: KernelObject, gaps: Gaps): DiskRow {
  return {
    name: gaps.column("name", () => blockDeviceName(device)),
    ...deviceNumber(gaps, () => device.member("bd_dev").number()),
    size: gaps.column("size", () => device.member("bd_nr_sectors").number() * sectorByteSize),
    ...requestCounts(program, gaps, device, () => device.member("bd_disk").dereference()),
    device: hex(device.address!),
    disk: gaps.column("disk", () => hex(BigInt(device.member("bd_disk").scalar()))),
  };
}

function hdStructRow(program: Program, part: KernelObject, gaps: Gaps): DiskRow {
  return {
    name: gaps.column("name", () => hdStructName(part)),
    ...deviceNumber(gaps, () => part.member("__dev").member("devt").number()),
    size: gaps.column("size", () => part.member("nr_sects").number() * sectorByteSize),
    ...requestCounts(program, gaps, part, () => hdStructDisk(part)),
    device: hex(part.address!),
    disk: gaps.column("disk", () => hex(hdStructDisk(part).address!)),
  };
}

/** @param disk the `struct gendisk` */
function requestCounts(
  program: Program,
  gaps: Gaps,
  device: KernelObject,
  disk: () => KernelObject,
): Pick<DiskRow, "reads" | "writes"> {
  const counts = gaps.column("requests", () =>
    inFlight(program, device, disk().member("queue").dereference()),
  );
  return { reads: counts?.reads ?? null, writes: counts?.writes ?? null };
}

/** MAJOR and MINOR of a `dev_t` (include/linux/kdev_t.h). */
function deviceNumber(gaps: Gaps, read: () => number): Pick<DiskRow, "major" | "minor"> {
  const number = gaps.column("number", read);
  return number === null ? { major: null, minor: null } : { major: number >>> 20, minor: number & 0xf_ffff };
}

export function diskLines(rows: readonly DiskRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "DEVICE" },
      { title: "GENDISK" },
      { title: "MAJOR", align: "right" },
      { title: "MINOR", align: "right" },
      { title: "KIB", align: "right" },
      { title: "READS", align: "right" },
      { title: "WRITES", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.device.slice(2),
      cell(row.disk?.slice(2)),
      cell(row.major),
      cell(row.minor),
      row.size === null ? "?" : String(row.size / 1024),
      cell(row.reads),
      cell(row.writes),
      cell(row.name),
    ]),
  );
}

/** A request that a disk has not answered, as JSON has it. */
export interface RequestRow {
  disk: string | null;
  tag: number;
  /** Number of the hardware queue. */
  hardwareQueue: number;
  /** read, write, flush, discard, …; the number of others. */
  operation: string | null;
  /** First sector, of 512 bytes. */
  sector: number | null;
  /** Bytes. */
  size: number | null;
  /** idle (not given to the driver yet), in-flight, complete. */
  state: string | null;
  /** Seconds since it was begun; null where it is not noted. */
  age: number | null;
  /** Address of the `struct request`. */
  request: string;
}

/** `enum mq_rq_state` (include/linux/blk-mq.h). */
const requestStates = ["idle", "in-flight", "complete"];

/** Requests of all disks that have a tag, by disk and tag. */
export function listRequests(kernel: Kernel, gaps: Gaps): { rows: RequestRow[] } {
  const rows: RequestRow[] = [];
  const seen = new Set<bigint>();
  const now = gaps.column("clocks", () => readClocks(kernel.program).monotonic);
  for (const disk of gendisks(kernel.program, gaps)) {
    const queue = gaps.column("queue", () => disk.member("queue").dereference());
    // Partitions have the queue of their disk.
    if (queue?.address === undefined || seen.has(queue.address)) continue;
    seen.add(queue.address);
    if (gaps.column("queue", () => queueIsMq(queue)) !== true) continue;
    const name = gaps.column("disk", () => disk.member("disk_name").string());
    for (const { request, tag, hardwareQueue } of gaps.walk(forEachBusyRequest(queue))) {
      rows.push({
        disk: name,
        tag,
        hardwareQueue,
        operation: gaps.column("operation", () => operationName(kernel, request)),
        sector: gaps.column("sector", () => request.member("__sector").number()),
        size: gaps.column("size", () => request.member("__data_len").number()),
        state: gaps.column("state", () => requestStates[request.member("state").number()] ?? null),
        age: gaps.column("age", () => {
          const start = request.member("start_time_ns").scalar() as bigint;
          return now === null || start === 0n ? null : Number(now - start) / 1e9;
        }),
        request: hex(request.address!),
      });
    }
  }
  return { rows };
}

/** The `struct gendisk` of every disk and partition. */
function* gendisks(program: Program, gaps: Gaps): Generator<KernelObject> {
  if (hasHdStruct(program)) {
    for (const part of gaps.walk(forEachHdStruct(program))) yield hdStructDisk(part);
    return;
  }
  for (const device of gaps.walk(forEachBlockDevice(program))) yield device.member("bd_disk").dereference();
}

/** `REQ_OP_ZONE_RESET` without what all begin with, in lower case. */
function operationName({ types }: Kernel, request: KernelObject): string {
  const operation = requestOperation(request);
  const type = types.find("enum req_op") ?? types.find("enum req_opf");
  const name = type?.enumeratorName(BigInt(operation));
  return name === undefined ? String(operation) : name.replace("REQ_OP_", "").toLowerCase();
}

export function requestLines(rows: readonly RequestRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "REQUEST" },
      { title: "DISK" },
      { title: "QUEUE", align: "right" },
      { title: "TAG", align: "right" },
      { title: "OPERATION" },
      { title: "SECTOR", align: "right" },
      { title: "BYTES", align: "right" },
      { title: "AGE s", align: "right" },
      { title: "STATE" },
    ],
    rows.map((row) => [
      row.request.slice(2),
      cell(row.disk),
      String(row.hardwareQueue),
      String(row.tag),
      cell(row.operation),
      cell(row.sector),
      cell(row.size),
      row.age === null ? "-" : row.age.toFixed(3),
      cell(row.state),
    ]),
  );
}
