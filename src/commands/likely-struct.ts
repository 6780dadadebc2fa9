import type { Program, Type } from "../program/index.ts";

/** Slab caches whose name is not that of their struct, with a suffix or without. */
const otherNames: Readonly<Record<string, string>> = {
  filp: "file",
  cred_jar: "cred",
  inode_cache: "inode",
  files_cache: "files_struct",
  fs_cache: "fs_struct",
  signal_cache: "signal_struct",
  sighand_cache: "sighand_struct",
  mnt_cache: "mount",
  sock_inode_cache: "socket_alloc",
  bdev_cache: "bdev_inode",
  radix_tree_node: "xa_node",
  skbuff_head_cache: "sk_buff",
  blkdev_ioc: "io_context",
  TCP: "tcp_sock",
  TCPv6: "tcp6_sock",
  UDP: "udp_sock",
  UDPv6: "udp6_sock",
  UNIX: "unix_sock",
  "UNIX-STREAM": "unix_sock",
  RAW: "raw_sock",
  PING: "inet_sock",
};

/**
 * The struct that the objects of a slab cache are, by the cache's name, where this kernel has one of that
 * name and their sizes allow it. Caches of sizes (`kmalloc-64`) hold anything.
 */
export function likelyStruct(
  program: Program,
  cache: string,
  objectByteSize: number,
): { type: Type; why: string } | undefined {
  const bare = cache.replace(/^:/, "");
  const stem = bare.replace(/_(?:cache|cachep|jar)$/, "");
  const names = [otherNames[bare], bare, stem, `${stem}_info`, `${stem}_struct`];
  for (const name of names) {
    if (name === undefined || !/^\w+$/.test(name)) continue;
    const type = program.types.findNamed("struct", name);
    const size = type?.isComplete === true ? type.byteSizeIf : undefined;
    // Objects are as large as their struct, rounded up to a cache line, or larger where it ends in an array.
    if (type === undefined || size === undefined) continue;
    // A cache with the very name of a struct may have a part of it only, as task_struct without what this
    // machine's processors do not need.
    if (name !== bare && (size > objectByteSize || objectByteSize - size >= 64)) continue;
    const compared =
      size === objectByteSize ? "as large as an object" : `of ${size} bytes, an object of ${objectByteSize}`;
    return { type, why: `the cache's name stands for ${type.typeName()}, which is ${compared}` };
  }
  return undefined;
}

/** `.comm`, `.se.vruntime`: the member of a struct at an offset, as deep as it goes; empty at its start. */
export function memberText(type: Type, offset: number): string {
  const path = offset === 0 ? "" : memberPath(type, offset);
  return path === "" ? "" : `.${path}`;
}

function memberPath(type: Type, offset: number): string {
  for (const member of type.underlying.members) {
    const start = Math.floor(member.bitOffset / 8);
    const size = member.bitFieldSize !== 0 ? 1 : (member.type.byteSizeIf ?? 0);
    if (offset < start || offset >= start + size) continue;
    if (!member.type.underlying.isComposite) {
      return offset === start ? member.name : `${member.name}+${offset - start}`;
    }
    if (member.name === "") return memberPath(member.type, offset - start);
    const inner = offset === start ? "" : memberPath(member.type, offset - start);
    return inner === "" ? member.name : `${member.name}.${inner}`;
  }
  return "";
}
