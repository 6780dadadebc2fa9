import type { Kernel } from "../kernel/index.ts";
import type { KernelObject } from "../program/index.ts";
import {
  blockDeviceName,
  blockDevices,
  characterDevices,
  type DeviceNumbers,
  forEachBlockDevice,
  forEachHdStruct,
  type Gaps,
  hasHdStruct,
  hdStructDisk,
  hdStructName,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** Device numbers as JSON has them. */
export interface DeviceRow {
  kind: "character" | "block";
  major: number;
  name: string;
  /** Of character devices. */
  firstMinor: number | null;
  minorCount: number | null;
}

/** Device numbers that drivers have taken, as /proc/devices lists them. */
export function listDevices(kernel: Kernel, gaps: Gaps): { rows: DeviceRow[] } {
  const { program } = kernel;
  const row =
    (kind: DeviceRow["kind"]) =>
    ({ major, name, firstMinor, minorCount }: DeviceNumbers): DeviceRow => ({
      kind,
      major,
      name,
      firstMinor: firstMinor ?? null,
      minorCount: minorCount ?? null,
    });
  const character = gaps.column("character devices", () => characterDevices(program)) ?? [];
  const block = gaps.column("block devices", () => blockDevices(program)) ?? [];
  return { rows: [...character.map(row("character")), ...block.map(row("block"))] };
}

export function deviceLines(rows: readonly DeviceRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "KIND" },
      { title: "MAJOR", align: "right" },
      { title: "MINORS", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.kind,
      String(row.major),
      row.firstMinor === null || row.minorCount === null
        ? "-"
        : `${row.firstMinor}-${row.firstMinor + row.minorCount - 1}`,
      row.name,
    ]),
  );
}

/** A disk or a partition as JSON has it. */
export interface DiskRow {
  name: string | null;
  major: number | null;
  minor: number | null;
  /** Bytes. */
  size: number | null;
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
    ? Array.from(gaps.walk(forEachHdStruct(program)), (part) => hdStructRow(part, gaps))
    : Array.from(gaps.walk(forEachBlockDevice(program)), (device) => blockDeviceRow(device, gaps));
  const order = ({ major, minor }: DiskRow): number => (major ?? 0) * 2 ** 20 + (minor ?? 0);
  return { rows: rows.sort((left, right) => order(left) - order(right)) };
}

function blockDeviceRow(device: KernelObject, gaps: Gaps): DiskRow {
  return {
    name: gaps.column("name", () => blockDeviceName(device)),
    ...deviceNumber(gaps, () => device.member("bd_dev").number()),
    size: gaps.column("size", () => device.member("bd_nr_sectors").number() * sectorByteSize),
    device: hex(device.address!),
    disk: gaps.column("disk", () => hex(BigInt(device.member("bd_disk").scalar()))),
  };
}

function hdStructRow(part: KernelObject, gaps: Gaps): DiskRow {
  return {
    name: gaps.column("name", () => hdStructName(part)),
    ...deviceNumber(gaps, () => part.member("__dev").member("devt").number()),
    size: gaps.column("size", () => part.member("nr_sects").number() * sectorByteSize),
    device: hex(part.address!),
    disk: gaps.column("disk", () => hex(hdStructDisk(part).address!)),
  };
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
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.device.slice(2),
      cell(row.disk?.slice(2)),
      cell(row.major),
      cell(row.minor),
      row.size === null ? "?" : String(row.size / 1024),
      cell(row.name),
    ]),
  );
}
