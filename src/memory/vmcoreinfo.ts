/**
 * VMCOREINFO: what a kernel writes about itself for readers of its memory. Lines `KEY=VALUE` in one page:
 * run-time addresses of a few symbols, offsets and sizes of a few structures, numbers, configuration.
 *
 * Source of the format: Linux `Documentation/admin-guide/kdump/vmcoreinfo.rst`.
 */

/** Longer texts are cut here: a kernel has one page for it, of at most 64 KiB. */
const maximumTextSize = 0x1_0000;
const maximumProblems = 20;
/** A kernel formats each line, with its newline, into a buffer of this many bytes, one of them a NUL. */
const lineBufferByteSize = 80;

/** A VMCOREINFO text as a lookup. Keys may come in any order; what is malformed is absent and listed in {@link problems}. */
export class Vmcoreinfo {
  /** The text as it was parsed. */
  readonly text: string;
  /** Values by key as written, `SYMBOL(_stext)` for example. Of equal keys the first, as kernels only append. */
  readonly entries: ReadonlyMap<string, string>;
  /** What was not taken, for people: cut lines, lines that are none, keys given twice with different values. */
  readonly problems: readonly string[];

  constructor(text: string) {
    this.text = text.slice(0, maximumTextSize);
    const { entries, problems } = parseLines(this.text);
    this.entries = entries;
    this.problems = problems;
  }

  /** Run-time virtual address of a symbol. */
  symbol(name: string): bigint | undefined {
    return hexadecimal(this.entries.get(`SYMBOL(${name})`));
  }

  /** Byte offset of a member, named as `struct.member`. */
  offset(member: string): number | undefined {
    return count(this.entries.get(`OFFSET(${member})`));
  }

  /** Byte size of a structure. */
  size(structure: string): number | undefined {
    return count(this.entries.get(`SIZE(${structure})`));
  }

  /** Number of elements of an array. */
  length(array: string): number | undefined {
    return count(this.entries.get(`LENGTH(${array})`));
  }

  /** A number as written: decimal ones may be negative, hexadecimal ones (`0x…`) are unsigned 64-bit. */
  number(name: string): bigint | undefined {
    const text = this.entries.get(`NUMBER(${name})`);
    return text !== undefined && /^(-?\d{1,20}|0[xX][0-9a-fA-F]{1,16})$/.test(text)
      ? BigInt(text)
      : undefined;
  }

  /** A configuration option that the kernel mentions, `X86_PAE` for example: usually `y`. */
  config(option: string): string | undefined {
    return this.entries.get(`CONFIG_${option}`);
  }

  /** `uname -r` of the kernel. */
  get osRelease(): string | undefined {
    return this.entries.get("OSRELEASE");
  }

  /** Build id in lower case hexadecimal digits. Some kernels write garbage there: see {@link buildIdIsReliable}. */
  get buildId(): string | undefined {
    const text = this.entries.get("BUILD-ID");
    return text !== undefined && /^([0-9a-fA-F]{2}){8,32}$/.test(text) ? text.toLowerCase() : undefined;
  }

  /** Bytes of a page of the kernel; undefined where it is no power of two from 4 KiB to 64 KiB. */
  get pageSize(): number | undefined {
    const value = count(this.entries.get("PAGESIZE"));
    return value !== undefined && value >= 4096 && value <= 65536 && (value & (value - 1)) === 0
      ? value
      : undefined;
  }

  /** By how much the image was moved from its link address. Zero says that it was not. */
  get kernelOffset(): bigint | undefined {
    return hexadecimal(this.entries.get("KERNELOFFSET"));
  }

  /** Seconds since 1970 of the crash, written when a kernel hands over to its capture kernel and never else. */
  get crashTime(): number | undefined {
    return count(this.entries.get("CRASHTIME"));
  }
}

const knownStart =
  /^(?:(?:SYMBOL|OFFSET|SIZE|LENGTH|NUMBER)\([\w.]+\)|OSRELEASE|BUILD-ID|PAGESIZE|KERNELOFFSET|CRASHTIME|CONFIG_\w+)=/;

function parseLines(text: string): { entries: Map<string, string>; problems: string[] } {
  const entries = new Map<string, string>();
  const problems: string[] = [];
  const add = (line: string, cut: boolean): void => {
    const at = line.indexOf("=");
    const key = line.slice(0, at);
    if (at <= 0 || !/^[\w.()-]+$/.test(key)) problems.push(`not KEY=VALUE: ${printable(line)}`);
    else if (cut) problems.push(`cut: ${printable(line)}`);
    else if (!entries.has(key)) entries.set(key, line.slice(at + 1));
    else if (entries.get(key) !== line.slice(at + 1)) problems.push(`given twice: ${printable(line)}`);
  };
  // A note may end with padding; what follows a NUL is no text.
  const end = text.indexOf("\0");
  const body = end < 0 ? text : text.slice(0, end);
  for (let start = 0; start < body.length;) {
    const newline = body.indexOf("\n", start);
    // A text without a last newline has been cut, maybe within a number.
    const stop = newline < 0 ? body.length : newline;
    let line = body.slice(start, stop);
    // A line too long for the kernel's buffer loses its end, newline included, so the next is glued to it.
    while (line.length >= lineBufferByteSize && knownStart.test(line.slice(lineBufferByteSize - 1))) {
      add(line.slice(0, lineBufferByteSize - 1), true);
      line = line.slice(lineBufferByteSize - 1);
    }
    if (line !== "") add(line, newline < 0);
    start = stop + 1;
  }
  return { entries, problems: problems.slice(0, maximumProblems) };
}

function hexadecimal(text: string | undefined): bigint | undefined {
  const digits = text?.match(/^(?:0[xX])?([0-9a-fA-F]{1,16})$/)?.[1];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function printable(line: string): string {
  return JSON.stringify(line.length > 100 ? `${line.slice(0, 100)}…` : line);
}
