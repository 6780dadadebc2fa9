import { FormatError } from "../io/index.ts";
import type { Program } from "../program/index.ts";

/**
 * HZ: ticks a second. The clock that counts them (kernel/time/jiffies.c) has a tick's nanoseconds as
 * `mult >> shift`.
 * @throws {FormatError} `JIFFIES` for what no kernel can have; {@link FaultError}; {@link LookupError}
 */
export function ticksPerSecond(program: Program): number {
  const clock = program.variable("clocksource_jiffies");
  const mult = clock.member("mult").number();
  const shift = clock.member("shift").number();
  const ticks = Math.round((1e9 * 2 ** shift) / mult);
  if (!(shift < 32 && ticks >= 1 && ticks <= 10_000)) {
    throw new FormatError("JIFFIES", `clocksource_jiffies has mult ${mult} and shift ${shift}`);
  }
  return ticks;
}
