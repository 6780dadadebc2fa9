import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
import { perCpuPtr } from "./percpu.ts";

/** What a device counted, one direction. */
export interface NetdevTraffic {
  bytes: bigint;
  packets: bigint;
  errors: bigint;
  /** Of what was received also what the hardware had no room for, as in /proc/net/dev. */
  dropped: bigint;
}

export interface NetdevStats {
  received: NetdevTraffic & { multicast: bigint };
  sent: NetdevTraffic & { collisions: bigint };
}

/** `enum netdev_pcpu_stat_type` (include/linux/netdevice.h). */
const statTypes = ["none", "lstats", "tstats", "dstats"] as const;
type StatType = (typeof statTypes)[number];

/** Drivers' functions that add up what the device itself keeps, and which of its per-CPU counters. */
const knownFunctions: ReadonlyMap<string, StatType> = new Map([
  ["loopback_get_stats64", "lstats"],
  ["dummy_get_stats64", "lstats"],
  ["dev_get_tstats64", "tstats"],
  ["br_get_stats64", "tstats"],
  ["dev_get_dstats64", "dstats"],
]);

/**
 * `dev_get_stats` (net/core/dev.c): what /proc/net/dev shows of a device. Undefined where its driver counts
 * in a way of its own.
 * @throws {FaultError}; {@link LookupError}
 */
export function netdevStats(program: Program, device: KernelObject): NetdevStats | undefined {
  const type = statType(program, device);
  if (type === undefined) return undefined;
  const { function: ownFunction, kind } = type;
  const stats = device.member("stats");
  const base = (name: string): bigint => stats.member(name).scalar() as bigint;
  const received = {
    bytes: base("rx_bytes"),
    packets: base("rx_packets"),
    errors: base("rx_errors"),
    dropped: base("rx_dropped") + base("rx_missed_errors"),
    multicast: base("multicast"),
  };
  const sent = {
    bytes: base("tx_bytes"),
    packets: base("tx_packets"),
    errors: base("tx_errors"),
    dropped: base("tx_dropped"),
    collisions: base("collisions"),
  };
  const pointer = kind === "none" ? undefined : device.memberIf(kind);
  if (pointer !== undefined && !pointer.isNull) {
    for (const cpu of forEachPossibleCpu(program)) {
      const own = perCpuPtr(program, pointer, cpu);
      // Counters are numbers, or structs of one number.
      const count = (name: string): bigint => program.memory.readU64(own.member(name).address!);
      if (kind === "lstats") {
        sent.packets += count("packets");
        sent.bytes += count("bytes");
        if (ownFunction !== "dummy_get_stats64") {
          received.packets += count("packets");
          received.bytes += count("bytes");
        }
        continue;
      }
      received.packets += count("rx_packets");
      received.bytes += count("rx_bytes");
      sent.packets += count("tx_packets");
      sent.bytes += count("tx_bytes");
      if (kind === "dstats") {
        received.dropped += count("rx_drops");
        sent.dropped += count("tx_drops");
      }
    }
  }
  // v5.19 (625788b58445) counts what the core drops for each CPU.
  const core = device.memberIf("core_stats");
  if (core !== undefined && !core.isNull) {
    for (const cpu of forEachPossibleCpu(program)) {
      const own = perCpuPtr(program, core, cpu);
      received.dropped += own.member("rx_dropped").scalar() as bigint;
      sent.dropped += own.member("tx_dropped").scalar() as bigint;
    }
  }
  return { received, sent };
}

function statType(program: Program, device: KernelObject): { kind: StatType; function?: string } | undefined {
  const operations = device.member("netdev_ops");
  const own = operations.member("ndo_get_stats64");
  if (!own.isNull) {
    const name = program.symbolizer.symbolAt(own.scalar() as bigint)?.name;
    const kind = name === undefined ? undefined : knownFunctions.get(name);
    return kind === undefined ? undefined : { kind, function: name! };
  }
  const older = operations.memberIf("ndo_get_stats");
  if (older !== undefined && !older.isNull) return undefined;
  const kind = device.memberIf("pcpu_stat_type");
  const found = kind === undefined ? "none" : statTypes[kind.number()];
  // lstats without a function of the driver are shown by nobody.
  return { kind: found === undefined || found === "lstats" ? "none" : found };
}
