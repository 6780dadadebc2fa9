/** A line of the kernel's log. */
export interface LogLine {
  /** Number of the message in the ring buffer, or of the line in a text, from 1. */
  sequence: number;
  /** Seconds since boot; undefined where the line has no time. */
  time: number | undefined;
  /** `T` and a PID, or `C` and a CPU; undefined where it was not printed. */
  caller: string | undefined;
  /** Without prefixes; space at its start is kept. */
  text: string;
}

/** More lines than a log buffer of the largest size has. */
const maximumLines = 2_000_000;
/** Longer lines are no kernel's (PRINTK_MESSAGE_MAX and prefixes). */
const maximumLength = 4096;

/**
 * Lines of a log as dmesg, /dev/kmsg, pstore, a serial console or a journal have it: times, callers,
 * levels and host names before the text are taken off. Parts of a pstore dump, which stand newest first,
 * are put in order.
 */
export function parseLogText(text: string): LogLine[] {
  const lines: LogLine[] = [];
  let sequence = 0;
  for (let start = 0; start < text.length && lines.length < maximumLines;) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    lines.push(parseLine(text.slice(start, Math.min(end, start + maximumLength)), ++sequence));
    start = end + 1;
  }
  return inOrder(lines);
}

/** A message of several lines as lines; its times in nanoseconds. */
export function linesOfMessage(message: {
  sequence: number;
  time: bigint;
  caller: string | undefined;
  text: string;
}): LogLine[] {
  const { sequence, caller } = message;
  const time = Number(message.time) / 1e9;
  return message.text
    .split("\n")
    .map((text) => ({ sequence, time, caller, text: withoutControls(text.slice(0, maximumLength)) }));
}

const levels = "emerg|alert|crit|err|warn|notice|info|debug";
/** What may stand before a time, each at most once and in this order. */
const outerPrefixes: readonly RegExp[] = [
  // journalctl and syslog: `Nov 22 21:27:04 host kernel: `, or an ISO time.
  /^(?:[A-Z][a-z]{2} +\d{1,2} [\d:.]+|\d{4}-\d\d-\d\dT\S+) \S+ kernel: /,
  // dmesg --decode: `kern  :warn  : `.
  new RegExp(`^[a-z0-9]+ *: *(?:${levels}) *: `),
  /^<\d{1,3}>/,
];
/** /dev/kmsg and extended netconsole: level and facility, sequence, microseconds, flags. */
const kmsgPrefix = /^\d{1,3},\d+,(\d+),[^;]{0,64};/;
const timePrefix = /^\[ *(\d{1,12}\.\d{1,9})\]/;
/** dmesg -T, and dmesg's relative times. */
const datePrefix = /^\[(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]{8,} \d{4}| *[+<] *\d+\.\d+>?)\]/;
const callerPrefix = /^ ?\[ *([TC]\d+)[^\]]{0,16}\]/;

function parseLine(raw: string, sequence: number): LogLine {
  let text = withoutControls(raw);
  let time: number | undefined;
  for (const prefix of outerPrefixes) text = text.replace(prefix, "");
  const kmsg = kmsgPrefix.exec(text);
  const stamp = kmsg ?? timePrefix.exec(text);
  const dated = stamp === null ? datePrefix.exec(text) : null;
  if (stamp !== null) time = kmsg === null ? Number(stamp[1]) : Number(stamp[1]) / 1e6;
  const prefix = stamp ?? dated;
  let caller: string | undefined;
  if (prefix !== null) {
    text = text.slice(prefix[0].length);
    const found = callerPrefix.exec(text);
    if (found !== null) {
      caller = found[1];
      text = text.slice(found[0].length);
    }
    // One space belongs to the prefix; more are the message's own.
    if (kmsg === null && text.startsWith(" ")) text = text.slice(1);
  }
  return { sequence, time, caller, text };
}

/** Terminal sequences and control characters, tabs aside, are not part of a message. */
function withoutControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/\u001b\[[\d;]*[A-Za-z]/g, "").replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, "");
}

/** `Panic#2 Part3`, `Oops#1 Part1`: the heads of the pieces of a pstore dump; Part1 is the newest. */
const partHead = /^(?:Panic|Oops|Emergency|Shutdown|Unknown)#(\d{1,9}) Part(\d{1,9})$/;

function inOrder(lines: LogLine[]): LogLine[] {
  if (!lines.some(({ text }) => partHead.test(text))) return lines;
  const parts: { dump: number; part: number; lines: LogLine[] }[] = [];
  for (const line of lines) {
    const head = partHead.exec(line.text);
    if (head !== null) parts.push({ dump: Number(head[1]), part: Number(head[2]), lines: [] });
    else if (parts.length > 0) parts.at(-1)!.lines.push(line);
    else parts.push({ dump: 0, part: 0, lines: [line] });
  }
  parts.sort((left, right) => left.dump - right.dump || right.part - left.part);
  return parts.flatMap((part) => part.lines);
}
