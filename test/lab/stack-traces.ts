/** Stacks as dwarfless, drgn and a kernel itself report them, made comparable. */

/** A stack of `dwarfless bt --json`. */
export interface StackRow {
  pid: number;
  comm: string;
  task: string;
  state: string;
  running: boolean;
  panicked: boolean;
  absence?: string;
  frames: FrameRow[];
}

export interface FrameRow {
  pc: string;
  symbol: string | null;
  offset: number | null;
  module: string | null;
  kind: string;
  stack: string;
  through?: string;
  problem?: string;
}

/** A stack of drgn-stacks.py. */
export interface PeerStack {
  task: string;
  pid: number;
  frames?: [pc: string, symbol: string | null][];
  error?: string;
}

/** Why the stack of a task that has ended need not be drgn's. */
export const stackGiven = "the task has given its stack back; drgn reads what lies there now";

const kernelHalf = 1n << 63n;

/** How a stack compares with drgn's: `same`, why it need not be the same, or undefined. */
export function compareStack(ours: StackRow, theirs: PeerStack): string | undefined {
  if (ours.absence !== undefined) return stackGiven;
  const frames = theirs.frames ?? [];
  // drgn walks on through user space, by what it takes for memory there.
  const user = frames.findIndex(([pc]) => BigInt(pc) < kernelHalf);
  const kernel = user < 0 ? frames : frames.slice(0, user);
  const own = ours.frames.filter(({ kind }) => kind !== "user" && kind !== "guess");
  if (own.length !== kernel.length) return undefined;
  for (const [index, [pc, symbol]] of kernel.entries()) {
    const frame = own[index]!;
    if (frame.pc !== pc || frame.kind === "broken") return undefined;
    // kallsyms has labels inside of the assembly code that ELF takes for one symbol.
    if (frame.symbol !== symbol && !isAssembly(frame.symbol)) return undefined;
  }
  return "same";
}

function isAssembly(symbol: string | null): boolean {
  return (
    symbol !== null && /^(entry_|asm_|secondary_startup|common_startup|ret_|end_repeat_nmi|__)/.test(symbol)
  );
}

/** A function in a trace on a console: `name+0x10`, with its module. */
const consoleFrame = /^(?:RIP: 0010:|pc : |lr : )?([\w.]+)\+0x([0-9a-f]+)\/0x[0-9a-f]+(?: \[(\w+)\])?$/;

/** The last trace that a console shows behind `marker`: its functions, guesses (`?`) left out. */
export function consoleTrace(console: string, marker: RegExp): string[] {
  const lines = console.split("\n").map((line) => line.replace(/^\[ *[\d.]+\]\s*/, "").trim());
  const start = lines.findLastIndex((line) => marker.test(line));
  const first = lines.findIndex((line, index) => index > start && /^Call [Tt]race:$/.test(line));
  const found: string[] = [];
  for (const line of lines.slice(first + 1)) {
    if (/^(<\/TASK>|---\[|RIP: 0033|Code: .*\(|Kernel Offset)/.test(line)) break;
    if (line.startsWith("RIP: 0033")) break;
    const match = consoleFrame.exec(line);
    if (match !== null) found.push(frameText(match[1]!, Number.parseInt(match[2]!, 16), match[3] ?? null));
  }
  return found;
}

/** The functions of a stack in the same words. */
export function stackText(stack: StackRow): string[] {
  return stack.frames
    .filter(({ kind, symbol }) => kind !== "guess" && symbol !== null)
    .map(({ symbol, offset, module }) => frameText(symbol!, offset!, module));
}

function frameText(symbol: string, offset: number, module: string | null): string {
  return `${symbol}+0x${offset.toString(16)}${module === null ? "" : ` [${module}]`}`;
}

/** What is left behind the functions by which the kernel prints a trace: they have returned since. */
export function withoutPrinting(trace: readonly string[]): string[] {
  const printing = /^(dump_backtrace|show_stack|dump_stack_lvl|dump_stack|panic|vpanic|nmi_panic)\+/;
  const first = trace.findIndex((frame) => !printing.test(frame));
  return trace.slice(first);
}

/** A stack as /proc/PID/stack has it, from where a console shows it behind `marker`. */
export function ownTrace(console: string, marker: string): string[] {
  const shown = console.slice(console.lastIndexOf(`${marker}\n`)).matchAll(/^\[<0>\] (.+)$/gm);
  return [...shown].flatMap(([, text]) => {
    const match = consoleFrame.exec(text!);
    return match === null ? [] : [frameText(match[1]!, Number.parseInt(match[2]!, 16), match[3] ?? null)];
  });
}
