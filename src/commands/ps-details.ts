import type { Kernel } from "../kernel/index.ts";
import {
  cmdline,
  environ,
  type Gaps,
  readClocks,
  type Task,
  taskCputimeAdjusted,
  taskRlimits,
  unlimited,
} from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { taskObject } from "./tasks.ts";

/** What `ps` is asked beside its table. */
export interface DetailQuery {
  times?: boolean;
  arguments?: boolean;
  limits?: boolean;
  parents?: boolean;
  children?: boolean;
  group?: boolean;
}

/** A task by name. */
export interface TaskName {
  pid: number;
  comm: string;
  state: string;
}

/** Times of a thread. Seconds. */
export interface ThreadTimes {
  /** UTC. */
  started: string | null;
  /** Since boot, with the time in suspend. */
  startedAfter: number | null;
  /** As /proc/PID/task/TID/stat has them. */
  user: number | null;
  system: number | null;
  /** That it had a CPU, as the scheduler measured up to its last switch or tick, and that it waited for one. */
  run: number | null;
  waited: number | null;
}

/** What the options of `ps` add to a thread; null where it has no such thing or it cannot be read. */
export interface ThreadDetails {
  times?: ThreadTimes;
  arguments?: string[] | null;
  environment?: string[] | null;
  /** By name, `RLIMIT_NOFILE`; numbers too large for JSON as `"0x…"`. */
  limits?: Record<string, { soft: number | string; hard: number | string }> | null;
  /** From the nearest to the first process. */
  parents?: TaskName[];
  children?: TaskName[];
  /** Threads of its group, the leader too. */
  group?: TaskName[];
}

/** Reads details of threads; what is one for all is read once. */
export class DetailReader {
  readonly #kernel: Kernel;
  readonly #gaps: Gaps;
  readonly #query: DetailQuery;
  readonly #children = new Map<number, TaskName[]>();
  readonly #groups = new Map<number, TaskName[]>();
  readonly #leaders: ReadonlyMap<number, Task>;
  /** Nanoseconds since 1970 of the boot. */
  readonly #booted: bigint | null;

  /** @param all threads, among which relatives are looked for */
  constructor(kernel: Kernel, gaps: Gaps, query: DetailQuery, all: readonly Task[]) {
    this.#kernel = kernel;
    this.#gaps = gaps;
    this.#query = query;
    this.#leaders = new Map(all.filter(({ pid, tgid }) => pid === tgid).map((task) => [task.pid, task]));
    for (const task of all) {
      if (task.pid === 0) continue;
      addTo(this.#groups, task.tgid, task);
      if (task.pid === task.tgid && task.ppid !== undefined) addTo(this.#children, task.ppid, task);
    }
    this.#booted =
      query.times === true
        ? gaps.column("started", () => {
            const { realtime, boottime } = readClocks(kernel.program);
            return realtime - boottime;
          })
        : null;
  }

  read(task: Task): ThreadDetails {
    const query = this.#query;
    const object = taskObject(this.#kernel, task);
    const gaps = this.#gaps;
    return {
      ...(query.times === true && { times: this.#times(object) }),
      ...(query.arguments === true && {
        arguments: gaps.column("arguments", () => cmdline(this.#kernel, object) ?? null),
        environment: gaps.column("environment", () => environ(this.#kernel, object) ?? null),
      }),
      ...(query.limits === true && { limits: gaps.column("limits", () => limitsOf(object)) }),
      ...(query.parents === true && { parents: this.#parents(task) }),
      ...(query.children === true && { children: this.#children.get(task.tgid) ?? [] }),
      ...(query.group === true && { group: this.#groups.get(task.tgid) ?? [nameOf(task)] }),
    };
  }

  #times(object: KernelObject): ThreadTimes {
    const gaps = this.#gaps;
    const seconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e9;
    const start = gaps.column("started", () => {
      // v5.5 (cf25e24db61c) gave it the name of its clock.
      const member = object.memberIf("start_boottime") ?? object.member("real_start_time");
      return BigInt.asUintN(64, member.scalar() as bigint);
    });
    const used = gaps.column("times", () => taskCputimeAdjusted(object));
    const date =
      start === null || this.#booted === null ? null : new Date(Number((this.#booted + start) / 1_000_000n));
    const own = (name: string, designator: string): number | null =>
      gaps.column(name, () => seconds(BigInt.asUintN(64, object.subobject(designator).scalar() as bigint)));
    return {
      started: date === null || Number.isNaN(date.getTime()) ? null : date.toISOString(),
      startedAfter: start === null ? null : seconds(start),
      user: used === null ? null : seconds(used.user),
      system: used === null ? null : seconds(used.system),
      run: own("run", "se.sum_exec_runtime"),
      waited: own("waited", "sched_info.run_delay"),
    };
  }

  #parents(task: Task): TaskName[] {
    const found: TaskName[] = [];
    const seen = new Set<number>([task.tgid]);
    let { ppid } = task;
    while (ppid !== undefined && ppid !== 0 && !seen.has(ppid)) {
      seen.add(ppid);
      const parent = this.#leaders.get(ppid);
      if (parent === undefined) break;
      found.push(nameOf(parent));
      ({ ppid } = parent);
    }
    return found;
  }
}

function addTo(map: Map<number, TaskName[]>, key: number, task: Task): void {
  const names = map.get(key);
  if (names === undefined) map.set(key, [nameOf(task)]);
  else names.push(nameOf(task));
}

function nameOf({ pid, comm, state }: Task): TaskName {
  return { pid, comm, state };
}

function limitsOf(task: KernelObject): NonNullable<ThreadDetails["limits"]> | null {
  const limits = taskRlimits(task);
  if (limits === undefined) return null;
  const value = (limit: bigint): number | string =>
    limit === unlimited ? "unlimited" : limit > BigInt(Number.MAX_SAFE_INTEGER) ? hex(limit) : Number(limit);
  return Object.fromEntries(
    limits.map(({ name, soft, hard }) => [name, { soft: value(soft), hard: value(hard) }]),
  );
}

/** Lines under a thread's own, for what was asked. */
export function* detailLines(details: ThreadDetails): Generator<string> {
  const { times, limits } = details;
  if (times !== undefined) {
    const text = (value: number | null): string => value?.toFixed(3) ?? "?";
    yield `  started ${times.started ?? "?"}, ${text(times.startedAfter)} s after boot`;
    yield `  user ${text(times.user)} s  system ${text(times.system)} s  run ${text(times.run)} s  waited ${text(times.waited)} s`;
  }
  if (details.arguments !== undefined && details.arguments !== null) {
    yield `  arguments: ${details.arguments.join(" ")}`;
  }
  for (const variable of details.environment ?? []) yield `  environment: ${variable}`;
  for (const [name, { soft, hard }] of Object.entries(limits ?? {})) {
    yield `  ${name.padEnd(17)} ${String(soft).padStart(20)} ${String(hard).padStart(20)}`;
  }
  const relatives = [
    ["parent", details.parents],
    ["child", details.children],
    ["thread", details.group],
  ] as const;
  for (const [title, names] of relatives) {
    for (const { pid, comm, state } of names ?? []) yield `  ${title} ${pid} ${comm} (${state})`;
  }
}
