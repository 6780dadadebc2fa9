import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  forEachFile,
  forEachNet,
  forEachNetlinkSock,
  forEachPacketSock,
  forEachRawSock,
  forEachTcpSock,
  forEachUdpSock,
  forEachUnixSock,
  type Gaps,
  netInum,
  sockEnds,
  sockFromFile,
  sockInode,
  sockNet,
  unixPath,
  unixQueuedBytes,
} from "../linux/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";
import { chosenTasks, taskObject } from "./tasks.ts";

/** A socket as JSON has it. */
export interface SocketRow {
  /** tcp, tcp6, udp, udp6, raw, raw6, unix, packet, netlink; others by the number of their family. */
  protocol: string;
  /** stream, dgram, raw, …; null for what is no whole socket any more. */
  type: string | null;
  state: string | null;
  /** `address:port`, a path, a protocol and what it is bound to; empty without one. */
  local: string | null;
  remote: string | null;
  /** Bytes, of a listening socket connections, that wait to be read; null where there is no such count. */
  receiveQueue: number | null;
  /** Bytes that are not acknowledged, or that nobody has read. */
  sendQueue: number | null;
  /** User who made it. */
  uid: number | null;
  inode: number | null;
  /** Network namespace: the inode of `/proc/PID/ns/net`. */
  namespace: number | null;
  /** Address of the `struct sock`. */
  sock: string;
}

/** A socket that a process has open. */
export interface ProcessSocketRow extends SocketRow {
  pid: number;
  fd: number;
}

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
const established = 1;
const closed = 7;
const listen = 10;
/** TIME_WAIT and NEW_SYN_RECV are of smaller structs. */
const minisocks: ReadonlySet<number> = new Set([6, 12]);

/** `enum sock_type` (include/linux/net.h). */
const sockTypes = ["", "stream", "dgram", "raw", "rdm", "seqpacket", "dccp", "", "", "", "packet"];
const SOCK_RAW = 3;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;

/** Protocols of IP by number (include/uapi/linux/in.h). */
const ipProtocols: ReadonlyMap<number, string> = new Map([
  [6, "tcp"],
  [17, "udp"],
  [136, "udplite"],
  [262, "mptcp"],
]);

/** NETLINK_ROUTE and the others (include/uapi/linux/netlink.h). */
const netlinkProtocols: ReadonlyMap<number, string> = new Map([
  [0, "ROUTE"],
  [2, "USERSOCK"],
  [4, "SOCK_DIAG"],
  [5, "NFLOG"],
  [6, "XFRM"],
  [7, "SELINUX"],
  [8, "ISCSI"],
  [9, "AUDIT"],
  [10, "FIB_LOOKUP"],
  [11, "CONNECTOR"],
  [12, "NETFILTER"],
  [15, "KOBJECT_UEVENT"],
  [16, "GENERIC"],
  [18, "SCSITRANSPORT"],
  [19, "ECRYPTFS"],
  [20, "RDMA"],
  [21, "CRYPTO"],
  [22, "SMC"],
]);

/** Sockets of every network namespace: TCP, UDP, raw, Unix, packet, netlink. */
export function listSockets(kernel: Kernel, gaps: Gaps): SocketRow[] {
  const { program } = kernel;
  const rows: SocketRow[] = [];
  const walk = (name: string, socks: () => Iterable<KernelObject>, kind?: "tcp" | "udp"): void => {
    try {
      for (const sock of gaps.walk(socks())) rows.push(socketRow(program, gaps, sock, kind));
    } catch (error) {
      gaps.note(`${name} sockets`, error);
    }
  };
  const namespaces = gaps.column("network namespaces", () => [...gaps.walk(forEachNet(program))]);
  for (const net of namespaces ?? [program.variable("init_net")]) {
    walk("TCP", () => forEachTcpSock(program, net), "tcp");
    walk("UDP", () => forEachUdpSock(program, net), "udp");
    walk("raw", () => forEachRawSock(program, net));
    walk("Unix", () => forEachUnixSock(program, net));
    walk("packet", () => forEachPacketSock(net));
  }
  walk("netlink", () => forEachNetlinkSock(program));
  return rows;
}

/** Sockets that processes have open, by descriptor. @throws {UsageError} for what is no PID */
export function listProcessSockets(
  kernel: Kernel,
  gaps: Gaps,
  pids: readonly string[],
): { rows: ProcessSocketRow[]; missing: string[] } {
  if (pids.length === 0) throw new UsageError("net -s: no PID");
  const { tasks, missing } = chosenTasks(kernel, gaps, pids);
  const rows: ProcessSocketRow[] = [];
  for (const task of tasks) {
    try {
      for (const { descriptor, file } of forEachFile(taskObject(kernel, task))) {
        const sock = gaps.column("socket", () => sockFromFile(file));
        if (sock === null || sock === undefined) continue;
        rows.push({ pid: task.pid, fd: descriptor, ...socketRow(kernel.program, gaps, sock) });
      }
    } catch (error) {
      gaps.note("files", error);
    }
  }
  return { rows, missing };
}

/** @param kind where the table that it was found in says so: of the smallest structs nothing else does */
function socketRow(program: Program, gaps: Gaps, sock: KernelObject, kind?: "tcp" | "udp"): SocketRow {
  const common = sock.member("__sk_common");
  const state = gaps.column("state", () => common.member("skc_state").number()) ?? 0;
  const family = gaps.column("family", () => common.member("skc_family").number()) ?? 0;
  const isSmall = kind === "tcp" && minisocks.has(state);
  const type = isSmall ? 1 : (gaps.column("type", () => sock.member("sk_type").number()) ?? 0);
  const number = kind !== undefined || isSmall ? 0 : protocolNumber(gaps, sock);
  const row = {
    type: isSmall ? null : (sockTypes[type] ?? String(type)),
    uid: isSmall ? null : gaps.column("uid", () => sock.member("sk_uid").member("val").number()),
    inode: isSmall ? 0 : gaps.column("inode", () => sockInode(sock)),
    namespace: gaps.column("namespace", () => netInum(sockNet(sock))),
    sock: hex(sock.address!),
  };
  if (family === AF_INET || family === AF_INET6) {
    const name =
      kind ??
      (type === SOCK_RAW ? "raw" : (ipProtocols.get(number) ?? (type === 2 ? "ping" : `ip-${number}`)));
    return { ...row, ...inetColumns(gaps, sock, { name, state, isSmall, isV6: family === AF_INET6 }) };
  }
  if (family === AF_UNIX) return { ...row, ...unixColumns(gaps, sock, state) };
  const queues = gaps.column("queues", () => memoryQueues(sock));
  const rest = {
    ...row,
    state: null,
    remote: null,
    receiveQueue: queues?.receive ?? null,
    sendQueue: queues?.send ?? null,
  };
  if (family === AF_NETLINK) {
    const local = gaps.column("local", () => {
      const port = sock.reinterpret("struct netlink_sock").member("portid").number();
      return `${netlinkProtocols.get(number) ?? number}:${port}`;
    });
    return { ...rest, protocol: "netlink", local };
  }
  if (family === AF_PACKET) {
    return { ...rest, protocol: "packet", local: gaps.column("local", () => packetPlace(program, sock)) };
  }
  return { ...rest, protocol: `family-${family}`, local: null };
}

function protocolNumber(gaps: Gaps, sock: KernelObject): number {
  return gaps.column("protocol", () => sock.member("sk_protocol").number()) ?? 0;
}

interface InetSocket {
  name: string;
  state: number;
  isSmall: boolean;
  isV6: boolean;
}

type Columns = Pick<SocketRow, "protocol" | "state" | "local" | "remote" | "receiveQueue" | "sendQueue">;

function inetColumns(gaps: Gaps, sock: KernelObject, { name, state, isSmall, isV6 }: InetSocket): Columns {
  const ends = gaps.column("ends", () => sockEnds(sock));
  const text = (end: { address: string; port: number }): string =>
    isV6 ? `[${end.address}]:${end.port}` : `${end.address}:${end.port}`;
  const queues = isSmall ? null : gaps.column("queues", () => inetQueues(name, state, sock));
  const isTcp = name === "tcp" || name === "mptcp";
  return {
    protocol: isV6 ? `${name}6` : name,
    // What is no TCP takes two of its states.
    state: isTcp ? (states[state] ?? null) : state === established ? "ESTABLISHED" : "UNCONNECTED",
    local: ends === null ? null : text(ends.local),
    remote: ends === null ? null : text(ends.remote),
    receiveQueue: queues?.receive ?? null,
    sendQueue: queues?.send ?? null,
  };
}

/** As /proc/net/tcp, udp and raw have them. */
function inetQueues(name: string, state: number, sock: KernelObject): { receive: number; send: number } {
  if (name === "tcp") return tcpQueues(state, sock);
  const { receive, send } = memoryQueues(sock);
  if (name !== "udp" && name !== "udplite") return { receive, send };
  // udp_rqueue_get(): what was read already and is given back in one go does not wait.
  const deficit = sock.reinterpret("struct udp_sock").memberIf("forward_deficit")?.number() ?? 0;
  return { receive: receive - deficit, send };
}

/** `sk_rmem_alloc_get`, `sk_wmem_alloc_get`: bytes of buffers, with what each needs beside its data. */
function memoryQueues(sock: KernelObject): { receive: number; send: number } {
  const written = sock.member("sk_wmem_alloc").member("refs").member("counter").number();
  return {
    receive: sock.member("sk_backlog").member("rmem_alloc").member("counter").number(),
    send: Math.max(written - 1, 0),
  };
}

function tcpQueues(state: number, sock: KernelObject): { receive: number; send: number } {
  if (state === listen) return { receive: sock.member("sk_ack_backlog").number(), send: 0 };
  const tcp = sock.reinterpret("struct tcp_sock");
  const number = (name: string): number => tcp.member(name).number();
  return {
    // A FIN counts as a byte, and may be read beyond what came.
    receive: Math.max((number("rcv_nxt") - number("copied_seq")) | 0, 0),
    send: (number("write_seq") - number("snd_una")) >>> 0,
  };
}

function unixColumns(gaps: Gaps, sock: KernelObject, state: number): Columns {
  const isListening = state === listen;
  return {
    protocol: "unix",
    state: state === closed ? "UNCONNECTED" : (states[state] ?? null),
    local: gaps.column("local", () => unixPath(sock)),
    remote: null,
    receiveQueue: gaps.column("queues", () =>
      isListening ? sock.member("sk_receive_queue").member("qlen").number() : unixQueuedBytes(sock),
    ),
    sendQueue: gaps.column("queues", () => memoryQueues(sock).send),
  };
}

/** The protocol of Ethernet it takes, and the index of the device it is bound to; `*` for all of them. */
function packetPlace(program: Program, sock: KernelObject): string {
  const packet = sock.reinterpret("struct packet_sock");
  const [high, low] = packet.member("num").bytes();
  const protocol = (high! << 8) | low!;
  const index = packet.member("ifindex").number();
  const text = protocol === ETH_P_ALL ? "ALL" : `0x${protocol.toString(16).padStart(4, "0")}`;
  const device = packet.member("prot_hook").member("dev");
  const name = index <= 0 ? "*" : device.isNull ? String(index) : device.member("name").string(16);
  return `${text}:${name}`;
}

const ETH_P_ALL = 3;

export function socketLines(rows: readonly (SocketRow | ProcessSocketRow)[]): Iterable<string> {
  const ofProcesses = rows.some((row) => "pid" in row);
  // One namespace is what most machines have.
  const namespaces = new Set(rows.map(({ namespace }) => namespace));
  return tableLines(
    [
      ...(ofProcesses ? (["PID", "FD"] as const).map((title) => ({ title, align: "right" as const })) : []),
      { title: "SOCK" },
      { title: "PROTO" },
      { title: "TYPE" },
      { title: "STATE" },
      { title: "RECV-Q", align: "right" },
      { title: "SEND-Q", align: "right" },
      { title: "UID", align: "right" },
      { title: "INODE", align: "right" },
      ...(namespaces.size > 1 ? [{ title: "NETNS" }] : []),
      { title: "LOCAL" },
      { title: "REMOTE" },
    ],
    rows.map((row) => [
      ...("pid" in row ? [String(row.pid), String(row.fd)] : []),
      row.sock.slice(2),
      row.protocol,
      row.type ?? "-",
      row.state ?? "-",
      row.receiveQueue === null ? "-" : String(row.receiveQueue),
      row.sendQueue === null ? "-" : String(row.sendQueue),
      row.uid === null ? "-" : String(row.uid),
      cell(row.inode),
      ...(namespaces.size > 1 ? [cell(row.namespace)] : []),
      row.local === "" ? "-" : cell(row.local),
      row.remote ?? "-",
    ]),
  );
}
