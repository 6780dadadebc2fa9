import type { Kernel } from "../kernel/index.ts";
import {
  blockDeviceName,
  blockDevices,
  characterDevices,
  type DeviceNumbers,
  forEachBlockDevice,
  type Gaps,
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
  /** Addresses of the `struct block_device` and the `struct gendisk`. */
  device: string;
  disk: string | null;
}

/** Sectors of the block layer, whatever those of the disk are. */
const sectorByteSize = 512;

/** Disks and partitions, by device number. */
export function listDisks(kernel: Kernel, gaps: Gaps): { rows: DiskRow[] } {
  const rows: DiskRow[] = [];
  for (const device of gaps.walk(forEachBlockDevice(kernel.program))) {
    const number = gaps.column("number", () => device.member("bd_dev").number());
    rows.push({
      name: gaps.column("name", () => blockDeviceName(device)),
      major: number === null ? null : number >>> 20,
      minor: number === null ? null : number & 0xf_ffff,
      size: gaps.column("size", () => device.member("bd_nr_sectors").number() * sectorByteSize),
      device: hex(device.address!),
      disk: gaps.column("disk", () => hex(BigInt(device.member("bd_disk").scalar()))),
    });
  }
  const order = ({ major, minor }: DiskRow): number => (major ?? 0) * 2 ** 20 + (minor ?? 0);
  return { rows: rows.sort((left, right) => order(left) - order(right)) };
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
