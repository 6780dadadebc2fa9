import type { Kernel } from "../kernel/index.ts";
import {
  forEachNet,
  forEachNetdev,
  type Gaps,
  netdevAddresses,
  netdevStats,
  netInum,
} from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A network device as JSON has it. */
export interface NetdevRow {
  name: string | null;
  index: number | null;
  /** UP, LOOPBACK, RUNNING and the like. */
  flags: readonly string[] | null;
  mtu: number | null;
  /** Its own address, in hexadecimal with colons. */
  hardware: string | null;
  /** IPv4 and IPv6 addresses with the lengths of their prefixes. */
  addresses: readonly string[] | null;
  /** As /proc/net/dev has them; null where the driver counts in a way of its own. */
  received: TrafficRow | null;
  sent: TrafficRow | null;
  /** Network namespace: the inode of `/proc/PID/ns/net`. */
  namespace: number | null;
  /** Address of the `struct net_device`. */
  device: string;
}

/** What a device counted in one direction. */
export interface TrafficRow {
  bytes: number;
  packets: number;
  errors: number;
  dropped: number;
}

/** Bits of `net_device.flags` (include/uapi/linux/if.h). */
const deviceFlags = [
  "UP",
  "BROADCAST",
  "DEBUG",
  "LOOPBACK",
  "POINTOPOINT",
  "NOTRAILERS",
  "RUNNING",
  "NOARP",
  "PROMISC",
  "ALLMULTI",
  "MASTER",
  "SLAVE",
  "MULTICAST",
];

/** Devices of every network namespace. */
export function listNetdevs(kernel: Kernel, gaps: Gaps): NetdevRow[] {
  const { program } = kernel;
  const rows: NetdevRow[] = [];
  const namespaces = gaps.column("network namespaces", () => [...gaps.walk(forEachNet(program))]);
  for (const net of namespaces ?? [program.variable("init_net")]) {
    const namespace = gaps.column("namespace", () => netInum(net));
    for (const device of gaps.walk(forEachNetdev(net))) {
      const stats = gaps.column("statistics", () => netdevStats(program, device));
      rows.push({
        name: gaps.column("name", () => device.member("name").string()),
        index: gaps.column("index", () => device.member("ifindex").number()),
        flags: gaps.column("flags", () => {
          const flags = device.member("flags").number();
          return deviceFlags.filter((_, bit) => ((flags >>> bit) & 1) === 1);
        }),
        mtu: gaps.column("mtu", () => device.member("mtu").number()),
        hardware: gaps.column("hardware", () =>
          hardwareText(hardwareAddress(device, device.member("dev_addr").scalar() as bigint)),
        ),
        addresses: gaps.column("addresses", () => netdevAddresses(device)),
        received: trafficRow(stats?.received),
        sent: trafficRow(stats?.sent),
        namespace,
        device: hex(device.address!),
      });
    }
  }
  return rows;
}

function trafficRow(traffic: Record<keyof TrafficRow, bigint> | undefined): TrafficRow | null {
  if (traffic === undefined) return null;
  const { bytes, packets, errors, dropped } = traffic;
  return {
    bytes: Number(bytes),
    packets: Number(packets),
    errors: Number(errors),
    dropped: Number(dropped),
  };
}

/** An address on a device's link, as long as the device says. @throws {FaultError} */
export function hardwareAddress(device: KernelObject, place: bigint): Uint8Array {
  return device.program.memory.read(place, Math.min(device.member("addr_len").number(), 32));
}

/** In hexadecimal with colons. */
export function hardwareText(address: Uint8Array): string {
  return [...address].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** A table of the devices with their addresses, or with what they counted. */
export function netdevLines(rows: readonly NetdevRow[], statistics = false): Iterable<string> {
  const severalNamespaces = new Set(rows.map(({ namespace }) => namespace)).size > 1;
  const namespaceTitle = severalNamespaces ? [{ title: "NETNS" }] : [];
  const namespaceCell = (row: NetdevRow): string[] => (severalNamespaces ? [cell(row.namespace)] : []);
  if (statistics) {
    const counts = (["bytes", "packets", "errors", "dropped"] as const).flatMap((name) => [name]);
    const titles = ["RX", "TX"].flatMap((way) => counts.map((name) => `${way} ${name.toUpperCase()}`));
    return tableLines(
      [{ title: "NAME" }, ...namespaceTitle, ...titles.map((title) => ({ title, align: "right" as const }))],
      rows.map((row) => [
        cell(row.name),
        ...namespaceCell(row),
        ...[row.received, row.sent].flatMap((traffic) =>
          counts.map((name) => (traffic === null ? "?" : String(traffic[name]))),
        ),
      ]),
    );
  }
  return tableLines(
    [
      { title: "DEVICE" },
      { title: "NAME" },
      { title: "INDEX", align: "right" },
      { title: "MTU", align: "right" },
      { title: "HARDWARE" },
      ...namespaceTitle,
      { title: "FLAGS" },
      { title: "ADDRESSES" },
    ],
    rows.map((row) => [
      row.device.slice(2),
      cell(row.name),
      cell(row.index),
      cell(row.mtu),
      row.hardware === "" ? "-" : cell(row.hardware),
      ...namespaceCell(row),
      cell(row.flags?.join(",")),
      cell(row.addresses?.join(" ")),
    ]),
  );
}
