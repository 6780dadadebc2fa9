import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { AddressSpace } from "../memory/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { percpuCounterSum } from "./percpu.ts";
import { userMemory } from "./user-memory.ts";
import { objectAt } from "./walk.ts";

/** Bytes of a process's address space, and of them in memory. */
export interface MemoryUse {
  virtualSize: number;
  residentSize: number;
}

/**
 * `get_mm_counter` (include/linux/mm.h): pages of one kind that a `struct mm_struct` has in memory.
 * @param kind MM_FILEPAGES 0, MM_ANONPAGES 1, MM_SWAPENTS 2, MM_SHMEMPAGES 3
 * @throws {FaultError}
 */
export function mmCounter(program: Program, mm: KernelObject, kind: number): bigint {
  const stat = mm.member("rss_stat");
  // v6.2 (f1a7941243c1) made an array of per-CPU counters of a struct of counters.
  const counters = stat.type.underlying.kind === "array" ? stat : stat.member("count");
  const counter = counters.index(kind);
  const sum =
    counter.memberIf("counters") === undefined && counter.memberIf("counter") !== undefined
      ? (counter.member("counter").scalar() as bigint)
      : percpuCounterSum(program, counter);
  return sum > 0n ? sum : 0n;
}

/** MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES. */
const residentKinds = [0, 1, 3];

/** `get_mm_rss`: pages in memory, of files, anonymous ones and shared ones. @throws {FaultError} */
export function mmRss(program: Program, mm: KernelObject): bigint {
  return residentKinds.reduce((sum, kind) => sum + mmCounter(program, mm, kind), 0n);
}

/**
 * Pages that the threads of a task's group have counted for themselves and not yet added to their `mm`: before
 * v6.2 (f1a7941243c1) each thread did so for up to 64 faults (SPLIT_RSS_COUNTING), which /proc leaves out. 0 where
 * threads keep no such counts.
 * @throws {FaultError}; {@link BrokenLinkError}
 */
export function unsyncedRss(task: KernelObject): bigint {
  if (task.memberIf("rss_stat")?.memberIf("count") === undefined) return 0n;
  const threads = task.member("signal").dereference().member("thread_head");
  let sum = 0n;
  for (const thread of listForEachEntry("struct task_struct", threads, "thread_node")) {
    const count = thread.member("rss_stat").member("count");
    for (const kind of residentKinds) sum += BigInt(count.index(kind).scalar());
  }
  return sum;
}

/**
 * What a task's process uses; undefined for threads of the kernel and processes that have ended.
 * @param known what was read already, by address of the `struct mm_struct`
 * @throws {FaultError}; {@link LookupError}
 */
export function memoryUse(
  program: Program,
  task: bigint,
  known: Map<bigint, MemoryUse> = new Map(),
): MemoryUse | undefined {
  const object = objectAt(program, "struct task_struct", task);
  const pointer = object.member("mm").read();
  const address = pointer.scalar() as bigint;
  if (address === 0n) return undefined;
  let use = known.get(address);
  if (use === undefined) {
    const mm = pointer.dereference();
    const bytes = (pages: bigint): number => Number(pages) * program.memory.pageByteSize;
    use = {
      virtualSize: bytes(mm.member("total_vm").scalar() as bigint),
      residentSize: bytes(mmRss(program, mm) + unsyncedRss(object)),
    };
    known.set(address, use);
  }
  return use;
}

/** Longer arguments are taken for damage: the kernel takes at most three quarters of 8 MiB (_STK_LIM, fs/exec.c). */
const maximumArgumentBytes = 6 * 1024 * 1024;

/**
 * `/proc/PID/cmdline` of a task's process: its arguments, read from its own memory, where it may have
 * changed them. One that has written over the end of them (as setproctitle(3) does) has one argument: its title.
 * Undefined for threads of the kernel and processes that have ended.
 * @throws {FaultError} where they are in swap; {@link DwarflessError} `ARGUMENTS` for a range of addresses that is none
 */
export function cmdline(kernel: Kernel, task: KernelObject): string[] | undefined {
  const mm = task.member("mm").read();
  if (mm.isNull) return undefined;
  const memory = userMemory(kernel, mm.dereference());
  const start = mm.member("arg_start").scalar() as bigint;
  const end = mm.member("arg_end").scalar() as bigint;
  const bytes = stringArea(memory, start, end);
  if (bytes.length === 0 || bytes[bytes.length - 1] === 0) return nulSeparated(bytes);
  // get_mm_cmdline() (fs/proc/base.c) goes on into the environment where the two adjoin.
  const environment = mm.member("env_start").scalar() as bigint;
  const rest =
    environment === end
      ? stringArea(memory, environment, mm.member("env_end").scalar() as bigint)
      : new Uint8Array();
  const title = Buffer.concat([bytes, rest]);
  const length = title.indexOf(0);
  return [title.toString("utf8", 0, length < 0 ? undefined : length)];
}

/**
 * `/proc/PID/environ` of a task's process: the `NAME=VALUE` it was started with, read from its own memory.
 * Undefined for threads of the kernel and processes that have ended.
 * @throws {FaultError} where they are in swap; {@link DwarflessError} `ARGUMENTS` for a range of addresses that is none
 */
export function environ(kernel: Kernel, task: KernelObject): string[] | undefined {
  const mm = task.member("mm").read();
  if (mm.isNull) return undefined;
  const start = mm.member("env_start").scalar() as bigint;
  return nulSeparated(
    stringArea(userMemory(kernel, mm.dereference()), start, mm.member("env_end").scalar() as bigint),
  );
}

function stringArea(memory: AddressSpace, start: bigint, end: bigint): Uint8Array {
  if (end < start || end - start > BigInt(maximumArgumentBytes)) {
    const range = `0x${start.toString(16)} to 0x${end.toString(16)}`;
    throw new DwarflessError("ARGUMENTS", `arguments of a process cannot be at ${range}`);
  }
  return memory.read(start, Number(end - start));
}

/** Strings that each end with a NUL; the last one may do without. */
function nulSeparated(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  const text = Buffer.from(bytes).toString("utf8");
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}
