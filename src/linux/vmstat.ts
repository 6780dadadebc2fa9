import { DwarflessError } from "../io/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { LookupError } from "../program/index.ts";
import { forEachOnlineCpu, forEachPossibleCpu } from "./cpumask.ts";
import { forEachOnlinePgdat, pgdatZones } from "./mmzone.ts";
import { perCpuPtr } from "./percpu.ts";

/** Enums of the items that a zone and a node count; items have moved from one to the other. */
type ItemEnum = "zone_stat_item" | "node_stat_item";

/** Whether this kernel has an item, among those. */
export function hasStatItem(program: Program, of: ItemEnum, item: string): boolean {
  return program.type(`enum ${of}`).enumerators.some(({ name }) => name === item);
}

/** A counter that CPUs add to late may be below zero for a while; then it is taken for zero. */
function positive(counter: KernelObject): bigint {
  const value = counter.member("counter").scalar() as bigint;
  return value > 0n ? value : 0n;
}

function count(program: Program, variable: string, of: ItemEnum, item: string): bigint {
  const found = program.type(`enum ${of}`).enumerators.find(({ name }) => name === item);
  if (found === undefined) throw new LookupError("enumerator", item, [], `"enum ${of}"`);
  return positive(program.variable(variable).index(found.value));
}

/** `global_zone_page_state` (include/linux/vmstat.h), by the name of an item. @throws {LookupError} */
export function globalZonePageState(program: Program, item: string): bigint {
  return count(program, "vm_zone_stat", "zone_stat_item", item);
}

/** `global_node_page_state`, by the name of an item. @throws {LookupError} */
export function globalNodePageState(program: Program, item: string): bigint {
  return count(program, "vm_node_stat", "node_stat_item", item);
}

/** `totalram_pages`. @throws {LookupError} */
export function totalramPages(program: Program): bigint {
  return program.variable("_totalram_pages").member("counter").scalar() as bigint;
}

/** Names of what /proc/vmstat shows, by the item's number in each group. */
interface StatNames {
  zone: readonly string[];
  numa: readonly string[];
  node: readonly string[];
  event: readonly string[];
}

/** Names between the counters of nodes and the events: limits that the kernel works out, and sizes of memory maps. */
const maximumBetween = 16;

/**
 * `vmstat_text` (mm/vmstat.c): one array, in which the groups follow each other. How long each is, the arrays
 * of counters say.
 * @throws {LookupError} {@link DwarflessError} `VMSTAT` where the groups do not begin with what they begin with
 */
function statNames(program: Program): StatNames {
  const text = program.variable("vmstat_text");
  const lengthOf = (type: string, ...members: string[]): number => {
    const struct = program.type(type);
    const found = members.map((name) => struct.findMember(name)).find((member) => member !== undefined);
    return found?.type.underlying.length ?? 0;
  };
  const name = (index: number): string => {
    const pointer = text.index(index).read();
    return pointer.isNull ? "" : pointer.string(64);
  };
  const names = (from: number, length: number): string[] =>
    Array.from({ length }, (_, index) => name(from + index));
  const zone = names(0, lengthOf("struct zone", "vm_stat"));
  // v5.14 (f19298b9516c) made counters of events of them.
  const numa = names(zone.length, lengthOf("struct zone", "vm_numa_event", "vm_numa_stat"));
  const node = names(zone.length + numa.length, lengthOf("struct pglist_data", "vm_stat"));
  let start = zone.length + numa.length + node.length;
  const end = start + maximumBetween;
  while (start < end && name(start) !== "pgpgin") start++;
  if (zone[0] !== "nr_free_pages" || start === end) {
    throw new DwarflessError("VMSTAT", "the names of vmstat_text are not where its counters have them");
  }
  return { zone, numa, node, event: names(start, lengthOf("struct vm_event_state", "event")) };
}

/** A counter of /proc/vmstat. */
export interface VmstatItem {
  kind: keyof StatNames;
  name: string;
  value: bigint;
}

/**
 * Items of which /proc/vmstat and /proc/zoneinfo show how many huge pages they are. v5.12 (69473e5de873) began
 * to count them in pages; the same release has NR_SWAPCACHE.
 */
const hugeItems = new Set([
  "nr_anon_transparent_hugepages",
  "nr_file_hugepages",
  "nr_file_pmdmapped",
  "nr_shmem_hugepages",
  "nr_shmem_pmdmapped",
]);

function shown(program: Program, name: string, value: bigint): bigint {
  const inPages = ["NR_SWAPCACHE", "NR_SECONDARY_PAGETABLE"].some((item) =>
    hasStatItem(program, "node_stat_item", item),
  );
  // HPAGE_PMD_NR: as many pages as a page has entries.
  return hugeItems.has(name) && inPages ? value / BigInt(program.memory.pageByteSize / 8) : value;
}

/**
 * Counters of all nodes and zones, and events, as /proc/vmstat has them. Not those that nothing counts:
 * limits that it works out (`nr_dirty_threshold`), and the sizes of memory maps.
 * @throws {LookupError} {@link FaultError} {@link DwarflessError} `VMSTAT`
 */
export function vmstatItems(program: Program): VmstatItem[] {
  const names = statNames(program);
  const counters = (kind: "zone" | "node", variable: string): VmstatItem[] => {
    const array = program.variable(variable);
    return names[kind].map((name, index) => ({
      kind,
      name,
      value: shown(program, name, positive(array.index(index))),
    }));
  };
  const zones = [...forEachOnlinePgdat(program)].flatMap((pgdat) => [...pgdatZones(pgdat)]);
  const numaEvents =
    program.type("struct zone").findMember("vm_numa_event") === undefined ? "vm_numa_stat" : "vm_numa_event";
  const numa = names.numa.map((name, index): VmstatItem => {
    // Before v5.14 what CPUs have not handed over yet is not shown.
    const waiting = zones.reduce((sum, zone) => sum + cpuNumaEvents(program, zone, index), 0n);
    return { kind: "numa", name, value: positive(program.variable(numaEvents).index(index)) + waiting };
  });
  return [
    ...counters("zone", "vm_zone_stat"),
    ...numa,
    ...counters("node", "vm_node_stat"),
    ...events(program, names),
  ];
}

/** `sum_vm_events`: what the CPUs in use have counted; those that leave hand theirs to another. */
function events(program: Program, names: StatNames): VmstatItem[] {
  const states = program.variable("vm_event_states");
  const cpus = [...forEachOnlineCpu(program)].map((cpu) =>
    program.perCpu(states, cpu).member("event").read(),
  );
  return names.event.map((name, index) => {
    const sum = cpus.reduce((total, counters) => total + (counters.index(index).scalar() as bigint), 0n);
    // Sectors are counted, and shown as KiB.
    return { kind: "event", name, value: name === "pgpgin" || name === "pgpgout" ? sum / 2n : sum };
  });
}

/** Counters of a zone by name, as /proc/zoneinfo has them. @throws {LookupError} {@link FaultError} */
export function zoneStats(program: Program, zone: KernelObject): Map<string, bigint> {
  const names = statNames(program);
  const found = new Map<string, bigint>();
  const counters = zone.member("vm_stat");
  for (const [index, name] of names.zone.entries()) found.set(name, positive(counters.index(index)));
  const numa = zone.memberIf("vm_numa_event");
  if (numa !== undefined) {
    for (const [index, name] of names.numa.entries())
      found.set(name, positive(numa.index(index)) + cpuNumaEvents(program, zone, index));
  }
  return found;
}

/** Counters of a node by name, as /proc/zoneinfo has them. @throws {LookupError} {@link FaultError} */
export function nodeStats(program: Program, pgdat: KernelObject): Map<string, bigint> {
  const counters = pgdat.member("vm_stat");
  return new Map(
    statNames(program).node.map((name, index) => [
      name,
      shown(program, name, positive(counters.index(index))),
    ]),
  );
}

/** What CPUs have counted of a NUMA event and not yet added to the zone's counter: whoever looks adds it up. */
function cpuNumaEvents(program: Program, zone: KernelObject, index: number): bigint {
  const pointer = zone.memberIf("per_cpu_zonestats");
  if (pointer === undefined || pointer.isNull) return 0n;
  let sum = 0n;
  for (const cpu of forEachPossibleCpu(program)) {
    sum += perCpuPtr(program, pointer, cpu).member("vm_numa_event").index(index).scalar() as bigint;
  }
  return sum;
}
