import { type Diagnostic, DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  type CgroupController,
  cgroupControl,
  cgroupControllers,
  cgroupIsDead,
  cgroupIsPopulated,
  cgroupIsUnified,
  cgroupState,
  cgroupSubtreeControl,
  cgroupType,
  cssSetCgroups,
  forEachCgroup,
  forEachCgroupRoot,
  forEachCpu,
  type Gaps,
  type Task,
  TaskReader,
} from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { taskObject } from "./tasks.ts";

/** A limit: a number, or `max` for none. */
export type Limit = number | "max";

/** A control group as JSON has it. What its controllers do not count or limit there is null. */
export interface CgroupRow {
  /** Number of its hierarchy, as in /proc/PID/cgroup; 0 is version 2. */
  hierarchy: number | null;
  path: string;
  /** Number of its directory's inode. */
  id: string | null;
  /** `domain`, `domain threaded`, `domain invalid`, `threaded`; null in version 1. */
  type: string | null;
  /** Removed, but still held by what it was charged for. */
  isDead: boolean | null;
  isPopulated: boolean | null;
  isFrozen: boolean | null;
  /** As cgroup.controllers and cgroup.subtree_control have them. */
  controllers: string[] | null;
  subtreeControl: string[] | null;
  /** PIDs of the processes and of the threads that are in this very group. */
  processes: number[];
  threads: number[];
  /** Bytes; `oomKills`: processes that were killed for want of memory, in it and inside it. */
  memory: {
    current: number;
    minimum: number | null;
    low: number | null;
    high: Limit | null;
    maximum: Limit;
    oomKills: number | null;
  } | null;
  pids: { current: number; maximum: Limit } | null;
  /** Microseconds for each period; `weight` as cpu.weight, in version 1 null. */
  cpu: { weight: number | null; quota: Limit | null; period: number | null } | null;
  /** CPUs it may use, as cpuset.cpus.effective has them. */
  cpus: number[] | null;
  cgroup: string;
}

/**
 * Control groups of all hierarchies, or those whose paths fit, or that processes are in.
 * @param targets PIDs, paths and patterns of paths
 */
export function listCgroups(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: CgroupRow[]; missing: string[] } {
  const { program } = kernel;
  const members = tasksByCgroup(kernel, gaps);
  const controllers = gaps.column("controllers", () => cgroupControllers(program));
  const filters = targets.map((target) => ({ target, fits: filterOf(target), found: false }));
  const rows: CgroupRow[] = [];
  for (const root of gaps.walk(forEachCgroupRoot(program))) {
    const hierarchy = gaps.column("hierarchy", () => root.member("hierarchy_id").number());
    for (const { cgroup, path } of gaps.walk(forEachCgroup(root))) {
      const tasks = members.get(cgroup.address!) ?? [];
      const fitting = filters.filter(({ fits }) => fits(path, tasks));
      for (const filter of fitting) filter.found = true;
      if (filters.length === 0 || fitting.length > 0) {
        rows.push({ hierarchy, ...cgroupRow(kernel, gaps, cgroup, path, tasks, controllers) });
      }
    }
  }
  return { rows, missing: filters.filter(({ found }) => !found).map(({ target }) => target) };
}

function filterOf(target: string): (path: string, tasks: readonly Task[]) => boolean {
  if (/^\d{1,10}$/.test(target)) return (_, tasks) => tasks.some(({ pid }) => pid === Number(target));
  const pattern = globPattern(target);
  return (path) => pattern.test(path);
}

/** Threads by the address of the groups they are in; many share a `struct css_set`. */
function tasksByCgroup(kernel: Kernel, gaps: Gaps): Map<bigint, Task[]> {
  const diagnostics: Diagnostic[] = [];
  const all = gaps.diagnosed(new TaskReader(kernel).all(diagnostics), diagnostics);
  const groupsOf = new Map<bigint, bigint[]>();
  const found = new Map<bigint, Task[]>();
  for (const task of all) {
    // Idle tasks are in no group that shows them; what has ended neither.
    if (task.pid === 0 || task.state === "Z" || task.state === "X") continue;
    const cssSet = gaps.column("cgroups", () => taskObject(kernel, task).member("cgroups").read());
    if (cssSet === null || cssSet.isNull) continue;
    const address = cssSet.scalar() as bigint;
    let groups = groupsOf.get(address);
    if (groups === undefined) {
      groups = [...gaps.walk(cssSetCgroups(cssSet))];
      groupsOf.set(address, groups);
    }
    for (const group of groups) {
      const tasks = found.get(group);
      if (tasks === undefined) found.set(group, [task]);
      else tasks.push(task);
    }
  }
  return found;
}

function cgroupRow(
  kernel: Kernel,
  gaps: Gaps,
  cgroup: KernelObject,
  path: string,
  tasks: readonly Task[],
  controllers: readonly CgroupController[] | null,
): Omit<CgroupRow, "hierarchy"> {
  const isUnified = gaps.column("hierarchy", () => cgroupIsUnified(cgroup));
  const control =
    controllers === null ? null : gaps.column("controllers", () => cgroupControl(cgroup, controllers));
  const subtree = gaps.column("subtree_control", () => cgroupSubtreeControl(cgroup, controllers ?? []));
  const isRoot = path === "/";
  const names = (list: readonly CgroupController[]): string[] =>
    list.map(({ name, legacyName }) => (isUnified === true ? name : legacyName));
  /** Facts of a controller, where it is in use there; roots have none. */
  const facts = <Facts>(name: string, type: string, read: (state: KernelObject) => Facts): Facts | null => {
    const controller = control?.find((each) => each.name === name);
    if (controller === undefined) return null;
    return gaps.column(name, () => {
      const state = cgroupState(cgroup, controller, type);
      return state === undefined ? null : read(state);
    });
  };
  return {
    path,
    id: gaps.column("id", () => hex(cgroup.member("kn").member("id").scalar())),
    type:
      isUnified !== true || isRoot || controllers === null
        ? null
        : gaps.column("type", () => cgroupType(cgroup, controllers)),
    isDead: gaps.column("isDead", () => cgroupIsDead(cgroup)),
    isPopulated: gaps.column("isPopulated", () => cgroupIsPopulated(cgroup)),
    isFrozen: gaps.column("isFrozen", () => isFrozen(cgroup, kernel)),
    controllers: control === null ? null : names(control),
    subtreeControl: controllers === null || subtree === null ? null : names(subtree),
    processes: [...new Set(tasks.map(({ tgid }) => tgid))],
    threads: tasks.map(({ pid }) => pid),
    memory: isRoot ? null : facts("memory", "struct mem_cgroup", (state) => memoryFacts(kernel, gaps, state)),
    pids: isRoot ? null : facts("pids", "struct pids_cgroup", pidFacts),
    cpu: isRoot
      ? null
      : facts("cpu", "struct task_group", (state) => cpuFacts(gaps, state, isUnified === true)),
    cpus: facts("cpuset", "struct cpuset", (state) => [
      ...forEachCpu(kernel.program, state.member("effective_cpus")),
    ]),
    cgroup: hex(cgroup.address!),
  };
}

function isFrozen(cgroup: KernelObject, kernel: Kernel): boolean {
  const bit = kernel.program.types.findEnumerator("CGRP_FROZEN")?.value;
  if (bit === undefined) throw new DwarflessError("CGROUP", "no enumerator CGRP_FROZEN");
  return ((BigInt(cgroup.member("flags").scalar()) >> bit) & 1n) === 1n;
}

/** PAGE_COUNTER_MAX is what fits a signed word, in pages. */
function memoryFacts(kernel: Kernel, gaps: Gaps, state: KernelObject): NonNullable<CgroupRow["memory"]> {
  const { pageByteSize } = kernel.program.memory;
  const unlimited = 0x7fff_ffff_ffff_ffffn / BigInt(pageByteSize);
  const counter = state.member("memory");
  const pages = (value: bigint): Limit => (value >= unlimited ? "max" : Number(value) * pageByteSize);
  const limit = (name: string): Limit => pages(counter.member(name).scalar() as bigint);
  const bytes = (name: string): number => Number(counter.member(name).scalar()) * pageByteSize;
  return {
    current: Number(counter.subobject("usage.counter").scalar()) * pageByteSize,
    minimum: gaps.column("memory.min", () => bytes("min")),
    low: gaps.column("memory.low", () => bytes("low")),
    high: gaps.column("memory.high", () => limit("high")),
    maximum: limit("max"),
    oomKills: gaps.column("oomKills", () => {
      const item = kernel.program.types.findEnumerator("MEMCG_OOM_KILL");
      if (item === undefined) throw new DwarflessError("CGROUP", "no enumerator MEMCG_OOM_KILL");
      return state.member("memory_events").index(item.value).member("counter").number();
    }),
  };
}

/** PIDS_MAX is one more than there can be PIDs on 64-bit machines (PID_MAX_LIMIT). */
const unlimitedPids = 4 * 1024 * 1024 + 1;

function pidFacts(state: KernelObject): NonNullable<CgroupRow["pids"]> {
  const count = (name: string): number => state.member(name).member("counter").number();
  const maximum = count("limit");
  return { current: count("counter"), maximum: maximum >= unlimitedPids ? "max" : maximum };
}

/** RUNTIME_INF. */
const unlimitedQuota = 0xffff_ffff_ffff_ffffn;

function cpuFacts(gaps: Gaps, state: KernelObject, isUnified: boolean): NonNullable<CgroupRow["cpu"]> {
  const microseconds = (value: bigint): number => Number(value / 1000n);
  return {
    // scale_load(): shares have ten more bits; 1024 of them are the default weight, 100.
    weight: isUnified
      ? gaps.column("cpu.weight", () =>
          Math.round((Number((state.member("shares").scalar() as bigint) >> 10n) * 100) / 1024),
        )
      : null,
    quota: gaps.column("cpu.max", () => {
      const quota = BigInt.asUintN(64, state.subobject("cfs_bandwidth.quota").scalar() as bigint);
      return quota === unlimitedQuota ? "max" : microseconds(quota);
    }),
    period: gaps.column("cpu.max", () =>
      microseconds(state.subobject("cfs_bandwidth.period").scalar() as bigint),
    ),
  };
}
