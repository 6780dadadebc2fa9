import type { KernelObject } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { ipv4Text, ipv6Text } from "./sock.ts";
import { linkedEntries } from "./walk.ts";

/** `for_each_netdev` (include/linux/netdevice.h): devices of a network namespace. @throws {BrokenLinkError} */
export function forEachNetdev(net: KernelObject): Generator<KernelObject, undefined> {
  return listForEachEntry("struct net_device", net.member("dev_base_head"), "dev_list");
}

/** Addresses of a device with their prefix lengths. @throws {FaultError}; {@link BrokenLinkError} */
export function netdevAddresses(device: KernelObject): string[] {
  const addresses: string[] = [];
  const v4 = device.member("ip_ptr").read();
  if (!v4.isNull) {
    for (const address of linkedEntries("addresses of a device", v4.member("ifa_list"), "ifa_next")) {
      const text = ipv4Text(address.member("ifa_local").bytes());
      addresses.push(`${text}/${address.member("ifa_prefixlen").number()}`);
    }
  }
  const v6 = device.member("ip6_ptr").read();
  if (!v6.isNull) {
    for (const address of listForEachEntry("struct inet6_ifaddr", v6.member("addr_list"), "if_list")) {
      addresses.push(`${ipv6Text(address.member("addr").bytes())}/${address.member("prefix_len").number()}`);
    }
  }
  return addresses;
}
