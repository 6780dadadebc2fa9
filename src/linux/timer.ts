import type { KernelObject, Program } from "../program/index.ts";
import { hlistForEachEntry } from "./list.ts";
import { rbtreeInorderForEachEntry } from "./rbtree.ts";

/** A `struct timer_list` that is armed. */
export interface ArmedTimer {
  timer: KernelObject;
  /** Index of its base on the CPU: 0 local or standard, the others global or deferrable. */
  base: number;
  /** In ticks, as `jiffies` counts them. */
  expires: bigint;
}

/**
 * Timers of the wheel of one CPU (`timer_bases`, kernel/time/timer.c), the soonest first.
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function cpuTimers(program: Program, cpu: number): ArmedTimer[] {
  const found: ArmedTimer[] = [];
  const bases = program.perCpu(program.variable("timer_bases"), cpu);
  for (let base = 0; base < bases.length; base++) {
    for (const head of bases.index(base).member("vectors").elements()) {
      for (const timer of hlistForEachEntry("struct timer_list", head, "entry")) {
        found.push({ timer, base, expires: timer.member("expires").scalar() as bigint });
      }
    }
  }
  return found.sort((left, right) => Number(left.expires - right.expires));
}

/** A `struct hrtimer` that is armed. */
export interface ArmedHrtimer {
  timer: KernelObject;
  /** Index of its clock (`enum hrtimer_base_type`): 0 monotonic, 1 realtime, 2 boottime, 3 TAI, 4 to 7 in softirq. */
  clock: number;
  /** Nanoseconds of its clock: the first and the last moment at which it may fire. */
  softExpires: bigint;
  expires: bigint;
}

/**
 * High-resolution timers of one CPU (`hrtimer_bases`), by clock, the soonest first.
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function* cpuHrtimers(program: Program, cpu: number): Generator<ArmedHrtimer, undefined> {
  const clocks = program.perCpu(program.variable("hrtimer_bases"), cpu).member("clock_base");
  // v7.1 links the nodes of a queue, one struct deeper.
  const node = program.type("struct hrtimer").member("node").type.member("node").type;
  const member = node.findMember("rb_left") === undefined ? "node.node.node" : "node.node";
  for (let clock = 0; clock < clocks.length; clock++) {
    const queue = clocks.index(clock).member("active");
    const tree = queue.memberIf("rb_root") ?? queue.member("head");
    for (const timer of rbtreeInorderForEachEntry("struct hrtimer", tree, member)) {
      yield {
        timer,
        clock,
        softExpires: timer.member("_softexpires").scalar() as bigint,
        expires: timer.member("node").member("expires").scalar() as bigint,
      };
    }
  }
}
