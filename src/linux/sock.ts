import type { KernelObject, Program } from "../program/index.ts";
import { hlistForEachEntry, listForEachEntry } from "./list.ts";
import { hlistNullsForEachEntry } from "./list-nulls.ts";
import { objectAt } from "./walk.ts";

/** Larger hash tables are taken for damage. */
const maximumBuckets = 1 << 24;
/** UNIX_HASH_SIZE (include/net/af_unix.h): bound sockets, and as many buckets for others. */
const unixBuckets = 512;

/** What is in the buckets of an array of structs whose member is a list head. */
function* buckets(table: KernelObject, count: number, member: string): Generator<KernelObject, undefined> {
  const { memory } = table.program;
  const head = table.index(0).subobject(member);
  const stride = BigInt(table.type.underlying.target!.byteSize);
  const first = head.address!;
  for (let index = 0; index < Math.min(count, maximumBuckets); index++) {
    const address = first + BigInt(index) * stride;
    // Most buckets are empty: NULL, or an end mark with bit 0 set.
    const word = memory.readU64(address);
    if (word !== 0n && (word & 1n) === 0n) yield objectAt(table.program, head.type, address);
  }
}

/** The TCP hash tables of a `struct net`: its own since v6.1 (d1e5e6408b30), the system's before. */
function tcpHashinfo(program: Program, net: KernelObject): KernelObject {
  const own = net.member("ipv4").memberIf("tcp_death_row")?.memberIf("hashinfo");
  return own === undefined || own.isNull ? program.variable("tcp_hashinfo") : own.dereference();
}

/**
 * TCP sockets of a network namespace, IPv4 and IPv6, listening ones first: `struct sock`s, of which those
 * in TIME_WAIT (6) and NEW_SYN_RECV (12) have no more than `__sk_common`.
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function* forEachTcpSock(program: Program, net: KernelObject): Generator<KernelObject, undefined> {
  const tables = tcpHashinfo(program, net);
  const node = "__sk_common.skc_nulls_node";
  // Before v5.19 (cae3873c5b3a) lhash2 linked them by another member, and not all of them.
  const byPort = tables.memberIf("listening_hash");
  const listening = byPort ?? tables.member("lhash2").read();
  const listenBuckets = byPort?.type.underlying.length ?? tables.member("lhash2_mask").number() + 1;
  for (const head of buckets(listening, listenBuckets, "nulls_head")) {
    for (const sock of hlistNullsForEachEntry("struct sock", head, node)) if (isIn(sock, net)) yield sock;
  }
  const established = tables.member("ehash").read();
  for (const head of buckets(established, tables.member("ehash_mask").number() + 1, "chain")) {
    for (const sock of hlistNullsForEachEntry("struct sock", head, node)) if (isIn(sock, net)) yield sock;
  }
}

/** UDP sockets of a network namespace, IPv4 and IPv6. @throws {BrokenLinkError}; {@link LookupError} */
export function* forEachUdpSock(program: Program, net: KernelObject): Generator<KernelObject, undefined> {
  // v6.2 (ba6aac151693) lets a namespace have its own.
  const own = net.member("ipv4").memberIf("udp_table");
  const table = own === undefined || own.isNull ? program.variable("udp_table") : own.dereference();
  const slots = table.member("hash").read();
  const node = "__sk_common.skc_node";
  for (const head of buckets(slots, table.member("mask").number() + 1, "head")) {
    for (const sock of hlistForEachEntry("struct sock", head, node)) if (isIn(sock, net)) yield sock;
  }
}

/** Unix sockets of a network namespace, as `struct sock`s. @throws {BrokenLinkError}; {@link LookupError} */
export function* forEachUnixSock(program: Program, net: KernelObject): Generator<KernelObject, undefined> {
  // v6.0 (b6e811383062) gave each namespace a table.
  const own = net.member("unx").memberIf("table");
  const table = own === undefined ? program.variable("unix_socket_table") : own.member("buckets").read();
  for (let index = 0; index < unixBuckets; index++) {
    const head = table.index(index);
    if (head.member("first").isNull) continue;
    for (const sock of hlistForEachEntry("struct sock", head, "__sk_common.skc_node")) {
      if (isIn(sock, net)) yield sock;
    }
  }
}

/**
 * Raw sockets of a network namespace, IPv4 and IPv6 (`raw_v4_hashinfo`, `raw_v6_hashinfo`).
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function* forEachRawSock(program: Program, net: KernelObject): Generator<KernelObject, undefined> {
  for (const name of ["raw_v4_hashinfo", "raw_v6_hashinfo"]) {
    for (const head of program.variable(name).member("ht").elements()) {
      // v6.0 (0daf07e52709) had lists that end in a mark for a while.
      const entries = /nulls/.test(head.type.underlying.name ?? "")
        ? hlistNullsForEachEntry("struct sock", head, "__sk_common.skc_nulls_node")
        : hlistForEachEntry("struct sock", head, "__sk_common.skc_node");
      for (const sock of entries) if (isIn(sock, net)) yield sock;
    }
  }
}

/** Packet sockets of a network namespace, as `struct sock`s (net/packet/af_packet.c). @throws {BrokenLinkError} */
export function forEachPacketSock(net: KernelObject): Generator<KernelObject, undefined> {
  const head = net.member("packet").member("sklist");
  return hlistForEachEntry("struct sock", head, "__sk_common.skc_node");
}

/** The `struct net` of a socket. @throws {FaultError} */
export function sockNet(sock: KernelObject): KernelObject {
  return sock.subobject("__sk_common.skc_net.net").dereference();
}

const S_IFMT = 0xf000;
const S_IFSOCK = 0xc000;

/** `sock_from_file` (net/socket.c): the `struct sock` of an open file; undefined for what is no socket. @throws {FaultError} */
export function sockFromFile(file: KernelObject): KernelObject | undefined {
  const inode = file.member("f_inode");
  if ((inode.member("i_mode").number() & S_IFMT) !== S_IFSOCK) return undefined;
  const sock = inode.containerOf("struct socket_alloc", "vfs_inode").member("socket").member("sk");
  return sock.isNull ? undefined : sock.dereference();
}

/** Bytes in the receive queue of a Unix socket that were not read yet. @throws {BrokenLinkError} */
export function unixQueuedBytes(sock: KernelObject): number {
  let byteCount = 0;
  for (const buffer of queuedBuffers(sock)) {
    // Streams may be read in parts: unix_skb_len().
    const consumed = buffer.member("cb").reinterpret("struct unix_skb_parms").member("consumed").number();
    byteCount += buffer.member("len").number() - consumed;
  }
  return byteCount;
}

/** `struct sk_buff`s in the receive queue of a socket, the first one to be read first. @throws {BrokenLinkError} */
function queuedBuffers(sock: KernelObject): Generator<KernelObject, undefined> {
  // The queue begins as a list head does, and so does each buffer.
  const head = sock.member("sk_receive_queue").reinterpret("struct list_head");
  return listForEachEntry("struct sk_buff", head, "list");
}

/** `sock_net`: whether a socket is of a namespace. */
function isIn(sock: KernelObject, net: KernelObject): boolean {
  return sock.subobject("__sk_common.skc_net.net").scalar() === net.address;
}

/** Inode number of a socket, as /proc/net shows it; 0 for one that no process has yet, or any more. */
export function sockInode(sock: KernelObject): number {
  const socket = sock.member("sk_socket").read();
  if (socket.isNull) return 0;
  return socket.containerOf("struct socket_alloc", "socket").member("vfs_inode").member("i_ino").number();
}

/** An end of a connection. */
export interface SockEnd {
  address: string;
  port: number;
}

const AF_INET = 2;

/** Both ends of an IPv4 or IPv6 socket. @throws {FaultError} */
export function sockEnds(sock: KernelObject): { local: SockEnd; remote: SockEnd } {
  const common = sock.member("__sk_common");
  const isV4 = common.member("skc_family").number() === AF_INET;
  const address = (v4: string, v6: string): string =>
    isV4 ? ipv4Text(common.member(v4).bytes()) : ipv6Text(common.member(v6).bytes());
  const [high, low] = common.member("skc_dport").bytes();
  return {
    local: {
      address: address("skc_rcv_saddr", "skc_v6_rcv_saddr"),
      port: common.member("skc_num").number(),
    },
    remote: { address: address("skc_daddr", "skc_v6_daddr"), port: (high! << 8) | low! },
  };
}

export function ipv4Text(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** As RFC 5952 has it: the longest run of zeros is left out. */
export function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  if (best.length < 2) return text(0, 8);
  return `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}

/** Path of a Unix socket, with `@` for an abstract one; empty for one without a name. @throws {FaultError} */
export function unixPath(sock: KernelObject): string {
  const address = sock.reinterpret("struct unix_sock").member("addr").read();
  if (address.isNull) return "";
  // The family, two bytes, is part of the length.
  const length = Math.min(address.member("len").number() - 2, 108);
  if (length <= 0) return "";
  const start = address.member("name").index(0).member("sun_path").address!;
  const bytes = Buffer.from(sock.program.memory.read(start, length));
  if (bytes[0] === 0) return `@${bytes.toString("utf8", 1).replaceAll("\0", "@")}`;
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? length : end);
}
