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
