import { DwarflessError } from "../io/index.ts";
import type { KernelObject, Program } from "../program/index.ts";

const nanosecondsPerSecond = 1_000_000_000n;

/**
 * The kernel's `struct timekeeper` (include/linux/timekeeper_internal.h), as of the last tick.
 * @throws {DwarflessError} `NO_TIMEKEEPER` where it is under none of its names
 */
export function timekeeper(program: Program): KernelObject {
  const has = (name: string): boolean => program.variables.find(name) !== undefined;
  // v6.17 (5e1a4a4a5d0a and others) made an array of them, the system's own first.
  if (has("timekeeper_data")) return program.variable("timekeeper_data").index(0).member("timekeeper");
  if (has("tk_core")) return program.variable("tk_core").member("timekeeper");
  // Until v6.12 tk_core has no type of a name; this is the copy that every tick is prepared in.
  if (has("shadow_timekeeper")) return program.variable("shadow_timekeeper");
  throw new DwarflessError("NO_TIMEKEEPER", "no variable timekeeper_data, tk_core or shadow_timekeeper");
}

/** The kernel's clocks, in nanoseconds, as of the last tick. */
export interface Clocks {
  /** Since 1970, UTC. */
  realtime: bigint;
  /** Since boot, without the time in suspend. */
  monotonic: bigint;
  /** Since boot, with it. */
  boottime: bigint;
}

/** @throws {DwarflessError} `NO_TIMEKEEPER`; {@link FaultError} */
export function readClocks(program: Program): Clocks {
  const keeper = timekeeper(program).read();
  const number = (designator: string): bigint => keeper.subobject(designator).scalar() as bigint;
  const shift = number("tkr_mono.shift");
  const nanoseconds = shift < 64n ? number("tkr_mono.xtime_nsec") >> shift : 0n;
  const realtime = number("xtime_sec") * nanosecondsPerSecond + nanoseconds;
  const toMonotonic =
    number("wall_to_monotonic.tv_sec") * nanosecondsPerSecond + number("wall_to_monotonic.tv_nsec");
  const monotonic = realtime + toMonotonic;
  return { realtime, monotonic, boottime: monotonic + number("offs_boot") };
}
