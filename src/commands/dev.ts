import type { Kernel } from "../kernel/index.ts";
import { blockDevices, characterDevices, type DeviceNumbers, type Gaps } from "../linux/index.ts";
import { tableLines } from "./table.ts";

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
