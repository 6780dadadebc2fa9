import type { Kernel } from "../kernel/index.ts";
import { devName, forEachPciDev, type Gaps } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A range of a PCI device: of a base address register (0 to 5), its ROM (6), or what lies beyond. */
export interface PciRange {
  index: number;
  start: string;
  end: string;
  /** IORESOURCE_IO, IORESOURCE_MEM and the like. */
  flags: string;
}

/** A PCI device as JSON has it. */
export interface PciRow {
  /** DOMAIN:BUS:DEVICE.FUNCTION */
  name: string | null;
  vendor: number | null;
  device: number | null;
  /** 24 bits: class, subclass, interface. */
  class: number | null;
  revision: number | null;
  driver: string | null;
  /** Its ranges of memory and ports, those that it has. */
  ranges: readonly PciRange[] | null;
  /** Address of the `struct pci_dev`. */
  pciDev: string;
}

/** PCI devices, bus by bus. */
export function listPciDevices(kernel: Kernel, gaps: Gaps): { rows: PciRow[] } {
  const rows: PciRow[] = [];
  for (const device of gaps.walk(forEachPciDev(kernel.program))) {
    const number = (column: string): number | null =>
      gaps.column(column, () => device.member(column).number());
    rows.push({
      name: gaps.column("name", () => devName(device.member("dev"))),
      vendor: number("vendor"),
      device: number("device"),
      class: number("class"),
      revision: number("revision"),
      driver: gaps.column("driver", () => {
        const driver = device.member("dev").member("driver");
        return driver.isNull ? null : driver.member("name").string(64);
      }),
      ranges: gaps.column("ranges", () =>
        [...device.member("resource").elements()].flatMap((range, index) => {
          const [start, end, flags] = ["start", "end", "flags"].map(
            (name) => range.member(name).scalar() as bigint,
          );
          return flags === 0n ? [] : [{ index, start: hex(start!), end: hex(end!), flags: hex(flags!) }];
        }),
      ),
      pciDev: hex(device.address!),
    });
  }
  return { rows };
}

export function pciLines(rows: readonly PciRow[]): Iterable<string> {
  const padded = (value: number | null, width: number): string =>
    value === null ? "?" : value.toString(16).padStart(width, "0");
  return tableLines(
    [
      { title: "PCI DEV" },
      { title: "NAME" },
      { title: "CLASS" },
      { title: "VENDOR:DEVICE" },
      { title: "REV" },
      { title: "DRIVER" },
      { title: "RANGES" },
    ],
    rows.map((row) => [
      row.pciDev.slice(2),
      cell(row.name),
      padded(row.class, 6),
      `${padded(row.vendor, 4)}:${padded(row.device, 4)}`,
      padded(row.revision, 2),
      row.driver ?? "-",
      row.ranges?.map(({ start, end }) => `${start.slice(2)}-${end.slice(2)}`).join(" ") ?? "?",
    ]),
  );
}
