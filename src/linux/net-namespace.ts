import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";

/** `for_each_net` (include/net/net_namespace.h): every network namespace, the first one first. @throws {BrokenLinkError} */
export function forEachNet(program: Program): Generator<KernelObject, undefined> {
  return listForEachEntry("struct net", program.variable("net_namespace_list"), "list");
}

/** Number of a network namespace: the inode of `/proc/PID/ns/net`. @throws {FaultError} */
export function netInum(net: KernelObject): number {
  return net.member("ns").member("inum").number();
}
