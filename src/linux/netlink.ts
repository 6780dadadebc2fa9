import type { KernelObject, Program } from "../program/index.ts";
import { rhashtableForEachEntry } from "./rhashtable.ts";

/** MAX_LINKS (include/uapi/linux/netlink.h): protocols, each with a table. */
const protocolCount = 32;

/** Netlink sockets (`nl_table`, net/netlink/af_netlink.c) as `struct sock`s, of all namespaces. @throws {BrokenLinkError} */
export function* forEachNetlinkSock(program: Program): Generator<KernelObject, undefined> {
  const tables = program.variable("nl_table").read();
  if (tables.isNull) return;
  for (let protocol = 0; protocol < protocolCount; protocol++) {
    const hash = tables.index(protocol).member("hash");
    // A protocol that nobody registered has a table nobody set up.
    if (hash.member("tbl").isNull) continue;
    for (const sock of rhashtableForEachEntry("struct netlink_sock", hash, "node")) yield sock.member("sk");
  }
}
