import type { Kernel } from "../kernel/index.ts";
import { forEachNeighbour, type Gaps, ipv4Text, ipv6Text, netInum, neighbourStates } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { hardwareAddress, hardwareText } from "./net.ts";
import { cell, tableLines } from "./table.ts";

/** A neighbour on the link, as JSON has it. */
export interface NeighbourRow {
  address: string | null;
  /** Its address on the link, in hexadecimal with colons; null while it is not known. */
  hardware: string | null;
  /** Name of the device. */
  device: string | null;
  /** REACHABLE, STALE, PERMANENT and the like. */
  states: readonly string[] | null;
  /** Network namespace: the inode of `/proc/PID/ns/net`. */
  namespace: number | null;
  /** Address of the `struct neighbour`. */
  neighbour: string;
}

/** NUD_CONNECTED, NUD_STALE, NUD_DELAY, NUD_PROBE: the address on the link is known, or was. */
const hasAddress: ReadonlySet<string> = new Set([
  "REACHABLE",
  "STALE",
  "DELAY",
  "PROBE",
  "NOARP",
  "PERMANENT",
]);

/** What ARP and neighbour discovery know, of every network namespace. */
export function listNeighbours(kernel: Kernel, gaps: Gaps): { rows: NeighbourRow[] } {
  const { program } = kernel;
  const rows: NeighbourRow[] = [];
  for (const [table, text, byteSize] of [
    ["arp_tbl", ipv4Text, 4],
    ["nd_tbl", ipv6Text, 16],
  ] as const) {
    try {
      for (const neighbour of gaps.walk(forEachNeighbour(program.variable(table)))) {
        const states = gaps.column("states", () => neighbourStates(neighbour));
        const device = neighbour.member("dev");
        rows.push({
          address: gaps.column("address", () =>
            text(program.memory.read(neighbour.member("primary_key").address!, byteSize)),
          ),
          hardware: gaps.column("hardware", () => {
            if (states?.some((state) => hasAddress.has(state)) !== true) return null;
            return hardwareText(hardwareAddress(device.dereference(), neighbour.member("ha").address!));
          }),
          device: gaps.column("device", () => device.member("name").string(16)),
          states,
          namespace: gaps.column("namespace", () => netInum(device.subobject("nd_net.net").dereference())),
          neighbour: hex(neighbour.address!),
        });
      }
    } catch (error) {
      gaps.note(table, error);
    }
  }
  return { rows };
}

export function neighbourLines(rows: readonly NeighbourRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "NEIGHBOUR" },
      { title: "ADDRESS" },
      { title: "HARDWARE" },
      { title: "DEVICE" },
      { title: "NETNS" },
      { title: "STATE" },
    ],
    rows.map((row) => [
      row.neighbour.slice(2),
      cell(row.address),
      row.hardware === null || row.hardware === "" ? "-" : row.hardware,
      cell(row.device),
      cell(row.namespace),
      row.states?.join(",") ?? "?",
    ]),
  );
}
