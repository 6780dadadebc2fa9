import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type Gaps, type PrintkRecord, printkRecords, readClocks } from "../linux/index.ts";

/** A message as JSON has it. */
export interface LogRow {
  sequence: number;
  /** Seconds since boot. */
  time: number;
  /** 0 emergency to 7 debug. */
  level: number;
  facility: number;
  /** `T` and a PID, or `C` and a CPU; null where the kernel did not keep it. */
  caller: string | null;
  /** null where the dump has not the memory. */
  text: string | null;
  /** Wall-clock time, UTC; only where it was asked for. */
  date?: string | null;
}

const levelNames = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/**
 * Levels that a filter lets through, as `dmesg --level` has it: names or numbers with commas between;
 * `err+` is err and everything graver, `+notice` notice and everything less grave.
 * @throws {UsageError}
 */
export function parseLevels(text: string): ReadonlySet<number> {
  const levels = new Set<number>();
  for (const part of text.split(",")) {
    const name = part.replaceAll("+", "");
    const level = /^[0-7]$/.test(name) ? Number(name) : levelNames.indexOf(name);
    if (level < 0 || !/^\+?\w+\+?$/.test(part)) {
      throw new UsageError(`--level: '${part}' is none of ${levelNames.join(", ")}`);
    }
    const first = part.endsWith("+") ? 0 : level;
    const last = part.startsWith("+") ? 7 : level;
    for (let each = first; each <= last; each++) levels.add(each);
  }
  return levels;
}

/** Messages of the kernel's log, oldest first. @throws {DwarflessError} `NO_LOG` */
export function* listLog(
  kernel: Kernel,
  gaps: Gaps,
  levels?: ReadonlySet<number>,
): Generator<PrintkRecord, undefined> {
  for (const record of printkRecords(kernel, gaps)) {
    if (levels === undefined || levels.has(record.level)) yield record;
  }
}

/** When the kernel's clock of messages began, in nanoseconds since 1970; null where nothing says. */
export function bootTime(kernel: Kernel, gaps: Gaps): bigint | null {
  return gaps.column("wall-clock time", () => {
    const { realtime, boottime } = readClocks(kernel.program);
    return realtime - boottime;
  });
}

/** @param boot see {@link bootTime}; undefined for no dates */
export function logRow(record: PrintkRecord, boot?: bigint | null): LogRow {
  const { sequence, time, level, facility, caller, text } = record;
  return {
    sequence,
    time: Number(time) / 1e9,
    level,
    facility,
    caller: caller ?? null,
    text: text ?? null,
    ...(boot !== undefined && { date: boot === null ? null : dateOf(boot + time).toISOString() }),
  };
}

/** A message as dmesg prints it: every line with the time before it. */
export function* logLines(record: PrintkRecord, boot?: bigint | null): Generator<string> {
  const prefix =
    boot === undefined || boot === null ? secondsText(record.time) : dateText(boot + record.time);
  if (record.text === undefined) yield `${prefix} (the dump has not the text of message ${record.sequence})`;
  else for (const line of record.text.split("\n")) yield `${prefix} ${printable(line)}`;
}

/** `[   12.345678]`, as the kernel rounds it. */
function secondsText(time: bigint): string {
  const seconds = String(time / 1_000_000_000n).padStart(5);
  return `[${seconds}.${String((time % 1_000_000_000n) / 1000n).padStart(6, "0")}]`;
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `[Sun Nov 22 21:27:04 2026]` in this machine's time zone, as `dmesg -T` has it. */
function dateText(time: bigint): string {
  const date = dateOf(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  const day = `${days[date.getDay()]} ${months[date.getMonth()]} ${String(date.getDate()).padStart(2)}`;
  return `[${day} ${clock} ${date.getFullYear()}]`;
}

/** Times beyond what a date can hold become its last one. */
function dateOf(time: bigint): Date {
  const milliseconds = time / 1_000_000n;
  const limit = 8_640_000_000_000_000n;
  return new Date(Number(milliseconds > limit ? limit : milliseconds < -limit ? -limit : milliseconds));
}

/** Control characters, tabs aside, as /dev/kmsg has them. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
