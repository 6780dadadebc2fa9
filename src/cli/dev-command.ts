import {
  deviceLines,
  type DeviceNodeRow,
  type DeviceRow,
  deviceTreeLines,
  diskLines,
  type DiskRow,
  listDevices,
  listDeviceTree,
  listDisks,
  listPciDevices,
  listRequests,
  listResources,
  listSubsystems,
  pciLines,
  type PciRow,
  requestLines,
  type RequestRow,
  resourceLines,
  type ResourceRow,
  subsystemLines,
  type SubsystemRow,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Gaps } from "../linux/index.ts";
import type { TableCommand } from "./table-command.ts";

interface DevFlags {
  disks?: boolean;
  requests?: boolean;
  io?: boolean;
  pci?: boolean;
  subsystems?: boolean;
  tree?: boolean;
}

type DevRow = DeviceRow | DiskRow | RequestRow | ResourceRow | PciRow | SubsystemRow | DeviceNodeRow;

/** One table of `dev`: its rows, and what they are in JSON. */
interface View<Row> {
  plural: string;
  list(kernel: Kernel, gaps: Gaps): { rows: Row[] };
  lines(rows: readonly Row[]): Iterable<string>;
}

function view<Row extends DevRow>(each: View<Row>): View<DevRow> {
  return { ...each, lines: (rows) => each.lines(rows as readonly Row[]) };
}

const views: Record<keyof DevFlags | "numbers", View<DevRow>> = {
  numbers: view({ plural: "devices", list: listDevices, lines: deviceLines }),
  disks: view({ plural: "disks", list: listDisks, lines: diskLines }),
  requests: view({ plural: "requests", list: listRequests, lines: requestLines }),
  io: view({ plural: "resources", list: listResources, lines: resourceLines }),
  pci: view({ plural: "pciDevices", list: listPciDevices, lines: pciLines }),
  subsystems: view({ plural: "subsystems", list: listSubsystems, lines: subsystemLines }),
  tree: view({ plural: "deviceNodes", list: listDeviceTree, lines: deviceTreeLines }),
};

/** @throws {UsageError} for several options at a time */
function chosenView(flags: DevFlags): View<DevRow> {
  const names = (["disks", "requests", "io", "pci", "subsystems", "tree"] as const).filter(
    (name) => flags[name],
  );
  if (names.length > 1) throw new UsageError("dev: one of -d, -r, -i, -p, -s, -t");
  return views[names[0] ?? "numbers"];
}

export const dev: TableCommand<DevRow, DevFlags> = {
  name: "dev",
  description:
    "device numbers of drivers; disks, requests, I/O ports and memory, PCI, buses and classes, device tree",
  argument: "a dump, or the parts of a split one",
  example: "vmcore -d",
  plural: (flags) => chosenView(flags).plural,
  takesQueries: false,
  options: [
    ["-d, --disks", "disks and partitions, with how many requests are in flight"],
    ["-r, --requests", "requests that disks have not answered"],
    ["-i, --io", "who has which I/O ports and which physical addresses"],
    ["-p, --pci", "PCI devices"],
    ["-s, --subsystems", "buses and classes with their devices"],
    ["-t, --tree", "the firmware's device tree with its properties"],
  ],
  list: (kernel, gaps, _, flags) => chosenView(flags).list(kernel, gaps),
  lines: (rows, flags) => chosenView(flags).lines(rows),
};
