import { DwarflessError, FormatError, LimitError } from "../io/index.ts";
import { makeAddressColumns } from "./addresses.ts";
import { maximumSymbolCount } from "./limits.ts";
import { ListedSymbols } from "./listed-symbols.ts";

/** A running kernel's symbols. */
export interface ProcKallsyms {
  kernel: ListedSymbols;
  /** In listed order; also the kernel's own makings: `bpf`, `__builtin__ftrace`, `__builtin__kprobes`. */
  modules: ListedSymbols[];
}

/**
 * Parse /proc/kallsyms: lines of `address letter name`, with `\t[module]` behind a module's.
 * @throws {DwarflessError} `KALLSYMS_HIDDEN` when the kernel shows zeros instead of addresses.
 * @throws {FormatError} `KALLSYMS_TEXT` for a line of another form.
 */
export function parseProcKallsyms(content: string | Uint8Array): ProcKallsyms {
  const text = typeof content === "string" ? Buffer.from(content, "latin1") : content;
  const groups = new Map<string, LineColumns>();
  const kernel = new LineColumns();
  let current = kernel;
  let currentName = "";
  let count = 0;
  let visible = false;
  for (let offset = 0; offset < text.length;) {
    const line = readLine(text, offset);
    if (line.nameEnd !== line.nameStart) {
      if (++count > maximumSymbolCount) {
        throw new LimitError("KALLSYMS_COUNT", `more than ${maximumSymbolCount} symbols`, {
          section,
          offset,
        });
      }
      const module = latin1(text, line.moduleStart, line.moduleEnd);
      if (module !== currentName) {
        currentName = module;
        current = module === "" ? kernel : (groups.get(module) ?? new LineColumns());
        if (module !== "") groups.set(module, current);
      }
      visible ||= line.high !== 0 || line.low !== 0;
      current.add(line);
    }
    offset = line.next;
  }
  if (count === 0) throw new FormatError("KALLSYMS_TEXT", "no symbols", { section });
  if (!visible) {
    throw new DwarflessError(
      "KALLSYMS_HIDDEN",
      "/proc/kallsyms: all addresses are zero; reading them needs CAP_SYSLOG and kernel.kptr_restrict below 2",
    );
  }
  return {
    kernel: kernel.finish(undefined, text),
    modules: [...groups].map(([name, columns]) => columns.finish(name, text)),
  };
}

const section = "/proc/kallsyms";

interface Line {
  high: number;
  low: number;
  letter: number;
  nameStart: number;
  nameEnd: number;
  moduleStart: number;
  moduleEnd: number;
  /** Offset of the next line. */
  next: number;
}

// One object for all lines: there are 200 000.
const scratch: Line = {
  high: 0,
  low: 0,
  letter: 0,
  nameStart: 0,
  nameEnd: 0,
  moduleStart: 0,
  moduleEnd: 0,
  next: 0,
};

/** Take the line at `start` apart; hot. The result is good until the next call. */
function readLine(text: Uint8Array, start: number): Line {
  let offset = start;
  let high = 0;
  let low = 0;
  for (; offset < text.length && text[offset] !== 0x20; offset++) {
    const digit = hexDigit(text[offset]!);
    if (digit < 0 || offset - start >= 16) throw badLine(start);
    high = ((high << 4) | (low >>> 28)) >>> 0;
    low = ((low << 4) | digit) >>> 0;
  }
  // "A " between address and name; the name has at least one character.
  if (offset === start || offset + 3 >= text.length || text[offset + 2] !== 0x20) throw badLine(start);
  scratch.high = high;
  scratch.low = low;
  scratch.letter = text[offset + 1]!;
  offset += 3;
  scratch.nameStart = offset;
  while (offset < text.length && text[offset] !== 0x0a && text[offset] !== 0x09) offset++;
  scratch.nameEnd = offset;
  scratch.moduleStart = offset;
  scratch.moduleEnd = offset;
  if (text[offset] === 0x09) {
    let end = offset;
    while (end < text.length && text[end] !== 0x0a) end++;
    if (end - offset < 4 || text[offset + 1] !== 0x5b || text[end - 1] !== 0x5d) throw badLine(start);
    scratch.moduleStart = offset + 2;
    scratch.moduleEnd = end - 1;
    offset = end;
  }
  scratch.next = offset + 1;
  return scratch;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}

function badLine(offset: number): FormatError {
  return new FormatError("KALLSYMS_TEXT", "not a line of /proc/kallsyms", { section, offset });
}

function latin1(text: Uint8Array, start: number, end: number): string {
  let result = "";
  for (let i = start; i < end; i++) result += String.fromCharCode(text[i]!);
  return result;
}

/** Columns of one module's symbols as they grow. */
class LineColumns {
  #length = 0;
  #numbers = new Uint32Array(4 * 64);
  #letters = new Uint8Array(64);

  add(line: Line): void {
    const at = this.#length++;
    if (at === this.#letters.length) {
      const numbers = new Uint32Array(8 * at);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
      const letters = new Uint8Array(2 * at);
      letters.set(this.#letters);
      this.#letters = letters;
    }
    this.#numbers[4 * at] = line.high;
    this.#numbers[4 * at + 1] = line.low;
    this.#numbers[4 * at + 2] = line.nameStart;
    this.#numbers[4 * at + 3] = line.nameEnd;
    this.#letters[at] = line.letter;
  }

  finish(module: string | undefined, text: Uint8Array): ListedSymbols {
    const count = this.#length;
    const addresses = makeAddressColumns(count);
    const nameStarts = new Uint32Array(count);
    const nameEnds = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      addresses.high[i] = this.#numbers[4 * i]!;
      addresses.low[i] = this.#numbers[4 * i + 1]!;
      nameStarts[i] = this.#numbers[4 * i + 2]!;
      nameEnds[i] = this.#numbers[4 * i + 3]!;
    }
    const letters = this.#letters.slice(0, count);
    return new ListedSymbols(module, { addresses, letters, text, nameStarts, nameEnds });
  }
}
