import type { Kernel } from "../kernel/index.ts";
import {
  forEachNetdev,
  forEachTcpSock,
  forEachUdpSock,
  forEachUnixSock,
  type Gaps,
  netdevAddresses,
  sockEnds,
  sockInode,
  unixPath,
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
  /** Address of the `struct net_device`. */
  device: string;
}

/** A socket as JSON has it. */
export interface SocketRow {
  /** tcp, tcp6, udp, udp6, unix. */
  protocol: string;
  state: string | null;
  /** `address:port`, or a path; empty without one. */
  local: string | null;
  remote: string | null;
  /** Bytes, of a listening socket connections, that wait to be read; null where there is no such count. */
  receiveQueue: number | null;
  /** Bytes that are not acknowledged. */
  sendQueue: number | null;
  inode: number | null;
  /** Address of the `struct sock`. */
  sock: string;
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

/** `TCP_ESTABLISHED` is 1 (include/net/tcp_states.h). */
const states = [
  "",
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT1",
  "FIN_WAIT2",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "CLOSING",
  "NEW_SYN_RECV",
];
const listen = 10;
/** TIME_WAIT and NEW_SYN_RECV are of smaller structs. */
const minisocks: ReadonlySet<number> = new Set([6, 12]);

/** Devices of the first network namespace. */
export function listNetdevs(kernel: Kernel, gaps: Gaps): NetdevRow[] {
  const net = kernel.program.variable("init_net");
  const rows: NetdevRow[] = [];
  for (const device of gaps.walk(forEachNetdev(net))) {
    rows.push({
      name: gaps.column("name", () => device.member("name").string()),
      index: gaps.column("index", () => device.member("ifindex").number()),
      flags: gaps.column("flags", () => {
        const flags = device.member("flags").number();
        return deviceFlags.filter((_, bit) => ((flags >>> bit) & 1) === 1);
      }),
      mtu: gaps.column("mtu", () => device.member("mtu").number()),
      hardware: gaps.column("hardware", () => hardwareAddress(device)),
      addresses: gaps.column("addresses", () => netdevAddresses(device)),
      device: hex(device.address!),
    });
  }
  return rows;
}

function hardwareAddress(device: KernelObject): string {
  const length = Math.min(device.member("addr_len").number(), 32);
  const bytes = device.program.memory.read(device.member("dev_addr").scalar() as bigint, length);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Sockets of the first network namespace: TCP, UDP, Unix. */
export function listSockets(kernel: Kernel, gaps: Gaps): SocketRow[] {
  const { program } = kernel;
  const net = program.variable("init_net");
  const rows: SocketRow[] = [];
  const kinds = [
    ["tcp", forEachTcpSock],
    ["udp", forEachUdpSock],
    ["unix", forEachUnixSock],
  ] as const;
  for (const [kind, forEach] of kinds) {
    try {
      for (const sock of gaps.walk(forEach(program, net))) rows.push(socketRow(gaps, kind, sock));
    } catch (error) {
      gaps.note(`${kind} sockets`, error);
    }
  }
  return rows;
}

function socketRow(gaps: Gaps, kind: "tcp" | "udp" | "unix", sock: KernelObject): SocketRow {
  const common = sock.member("__sk_common");
  const state = gaps.column("state", () => common.member("skc_state").number()) ?? 0;
  const isSmall = kind === "tcp" && minisocks.has(state);
  const isV6 = kind !== "unix" && common.member("skc_family").number() !== 2;
  const row = {
    protocol: isV6 ? `${kind}6` : kind,
    state: stateName(kind, state),
    inode: isSmall ? 0 : gaps.column("inode", () => sockInode(sock)),
    sock: hex(sock.address!),
  };
  if (kind === "unix") {
    const local = gaps.column("local", () => unixPath(sock));
    return { ...row, local, remote: null, receiveQueue: null, sendQueue: null };
  }
  const ends = gaps.column("ends", () => sockEnds(sock));
  const text = (end: { address: string; port: number }): string =>
    isV6 ? `[${end.address}]:${end.port}` : `${end.address}:${end.port}`;
  const queues = isSmall ? null : gaps.column("queues", () => queuesOf(kind, state, sock));
  return {
    ...row,
    local: ends === null ? null : text(ends.local),
    remote: ends === null ? null : text(ends.remote),
    receiveQueue: queues?.receive ?? null,
    sendQueue: queues?.send ?? null,
  };
}

/** Of Unix sockets SS_UNCONNECTED and the like stand in the socket; TCP's names are used for these too. */
function stateName(kind: string, state: number): string | null {
  if (kind === "udp") return state === 1 ? "ESTABLISHED" : "UNCONNECTED";
  if (kind === "unix" && state === 7) return "UNCONNECTED";
  return states[state] ?? null;
}

/** As /proc/net/tcp and udp have them. */
function queuesOf(kind: "tcp" | "udp", state: number, sock: KernelObject): { receive: number; send: number } {
  if (kind === "udp") {
    const allocated = sock.member("sk_backlog").member("rmem_alloc").member("counter").number();
    // udp_rqueue_get(): what was read already and is given back in one go does not wait.
    const deficit = sock.reinterpret("struct udp_sock").memberIf("forward_deficit")?.number() ?? 0;
    const written = sock.member("sk_wmem_alloc").member("refs").member("counter").number();
    return { receive: allocated - deficit, send: written - 1 };
  }
  if (state === listen) return { receive: sock.member("sk_ack_backlog").number(), send: 0 };
  const tcp = sock.reinterpret("struct tcp_sock");
  const number = (name: string): number => tcp.member(name).number();
  const distance = (ahead: string, behind: string): number => (number(ahead) - number(behind)) >>> 0;
  return {
    // A FIN counts as a byte, and may be read beyond what came.
    receive: Math.max((number("rcv_nxt") - number("copied_seq")) | 0, 0),
    send: distance("write_seq", "snd_una"),
  };
}

export function* netLines(devices: readonly NetdevRow[], sockets: readonly SocketRow[]): Generator<string> {
  yield* tableLines(
    [
      { title: "DEVICE" },
      { title: "NAME" },
      { title: "INDEX", align: "right" },
      { title: "MTU", align: "right" },
      { title: "HARDWARE" },
      { title: "FLAGS" },
      { title: "ADDRESSES" },
    ],
    devices.map((row) => [
      row.device.slice(2),
      cell(row.name),
      cell(row.index),
      cell(row.mtu),
      row.hardware === "" ? "-" : cell(row.hardware),
      cell(row.flags?.join(",")),
      cell(row.addresses?.join(" ")),
    ]),
  );
  yield "";
  yield* tableLines(
    [
      { title: "SOCK" },
      { title: "PROTO" },
      { title: "STATE" },
      { title: "RECV-Q", align: "right" },
      { title: "SEND-Q", align: "right" },
      { title: "INODE", align: "right" },
      { title: "LOCAL" },
      { title: "REMOTE" },
    ],
    sockets.map((row) => [
      row.sock.slice(2),
      row.protocol,
      cell(row.state),
      row.receiveQueue === null ? "-" : String(row.receiveQueue),
      row.sendQueue === null ? "-" : String(row.sendQueue),
      cell(row.inode),
      row.local === "" ? "-" : cell(row.local),
      row.remote ?? "-",
    ]),
  );
}
