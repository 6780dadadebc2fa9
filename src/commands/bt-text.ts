import { FaultError } from "../io/index.ts";
import type { Argument, Frame, FrameSymbol, Stacks } from "../stack/index.ts";
import { argumentsFor, type StackGroup, type TaskStack } from "./bt.ts";

/** What the text of a stack shows besides functions. */
export interface StackTextOptions {
  /** The words of each frame, with symbols where they are addresses of code. */
  words?: boolean;
  /** Registers where they were saved. */
  registers?: boolean;
  /** Arguments of functions, and of the system call. */
  args?: boolean;
}

/** Words of one frame shown at most. */
const maximumWords = 2048;
const wordsPerLine = 2;
/** Of a group; `--json` has them all. */
const shownPids = 4;
const shownCommands = 16;

/** A stack with its task, as text. */
export function* stackLines(stacks: Stacks, found: TaskStack, options: StackTextOptions): Generator<string> {
  yield taskLine(found);
  if (found.trace.absence !== undefined) yield `      no stack: ${found.trace.absence}`;
  yield* frameLines(stacks, found.trace.frames, options);
}

/** Stacks that are the same, once. */
export function* groupLines(stacks: Stacks, group: StackGroup, options: StackTextOptions): Generator<string> {
  const [first] = group.members;
  if (first === undefined) return;
  yield `${group.members.length} ${group.members.length === 1 ? "task" : "tasks"}: ${memberText(group)}`;
  if (first.trace.absence !== undefined) yield `      no stack: ${first.trace.absence}`;
  yield* frameLines(stacks, first.trace.frames, options);
}

/** PIDs by command, the first few of each. */
function memberText({ members }: StackGroup): string {
  const byCommand = new Map<string, number[]>();
  for (const { task } of members) {
    const pids = byCommand.get(task.comm);
    if (pids === undefined) byCommand.set(task.comm, [task.pid]);
    else pids.push(task.pid);
  }
  const parts = [...byCommand].map(([comm, pids]) => {
    const more = pids.length - shownPids;
    return `${comm} ${pids.slice(0, shownPids).join(" ")}${more > 0 ? ` and ${more} more` : ""}`;
  });
  const left = parts.length - shownCommands;
  return parts.slice(0, shownCommands).join(", ") + (left > 0 ? `, and ${left} more commands` : "");
}

function taskLine({ task, trace, panicked }: TaskStack): string {
  const cpu = trace.runningOn ?? task.cpu;
  const where = cpu === undefined ? "" : `  CPU ${cpu}`;
  const running = trace.runningOn === undefined ? task.state : panicked ? "running, panicked" : "running";
  return `PID ${task.pid}  ${task.comm}  task ${hex(task.address)}${where}  ${running}`;
}

function* frameLines(stacks: Stacks, frames: readonly Frame[], options: StackTextOptions): Generator<string> {
  let stack: Frame["stack"] = "task";
  let number = 0;
  for (const [index, frame] of frames.entries()) {
    if (frame.stack !== stack) {
      stack = frame.stack;
      yield `      --- ${stack} stack ---`;
    }
    const mark = frame.kind === "guess" ? "?" : `#${number}`;
    if (frame.kind !== "guess") number++;
    yield `${mark.padStart(4)}  ${frameText(frame, stacks.symbolOf(frame))}`;
    if (options.args === true) yield* argumentLines(stacks, frames, index);
    if (options.registers === true && frame.registers !== undefined) yield* registerLines(frame);
    if (options.words === true) yield* wordLines(stacks, frame, frames[index + 1]);
  }
}

function frameText(frame: Frame, symbol: FrameSymbol | undefined): string {
  if (frame.kind === "broken") return `the stack is lost: ${frame.problem ?? "unknown"}`;
  const pc = frame.pc.toString(16).padStart(16, "0");
  if (frame.kind === "user") return `${pc}  user mode`;
  const module = symbol?.module === undefined ? "" : ` [${symbol.module}]`;
  const name = symbol === undefined ? "no symbol" : `${symbol.symbol}+${hex(symbol.offset)}${module}`;
  const through = frame.through === undefined ? "" : `  (return address kept aside for ${frame.through})`;
  return `${pc}  ${name}${through}`;
}

function* argumentLines(stacks: Stacks, frames: readonly Frame[], index: number): Generator<string> {
  const indent = " ".repeat(10);
  const frame = frames[index]!;
  if (frame.kind === "guess" || frame.kind === "broken") return;
  if (frame.kind === "user") {
    const call = argumentsFor(stacks).systemCall(frames);
    if (call === undefined) return;
    yield `${indent}system call ${call.number}: ${call.name ?? "?"}(${call.arguments.map(argumentText).join(", ")})`;
    return;
  }
  const found = argumentsFor(stacks).of(frames, index);
  if (found !== undefined && found.length > 0) yield `${indent}(${found.map(argumentText).join(", ")})`;
}

function argumentText({ name, type, value }: Argument): string {
  const known = value === undefined ? "?" : hex(value);
  return `${name === "" ? type : `${type}${type.endsWith("*") ? "" : " "}${name}`} = ${known}`;
}

function* registerLines({ registers, registersAddress }: Frame): Generator<string> {
  const indent = " ".repeat(10);
  if (registersAddress !== undefined) yield `${indent}struct pt_regs at ${hex(registersAddress)}`;
  const parts = registers!
    .entries()
    .map(([name, value]) => `${name.padStart(8)} ${value.toString(16).padStart(16, "0")}`);
  for (let at = 0; at < parts.length; at += 4) yield `${indent}${parts.slice(at, at + 4).join(" ")}`;
}

/** The words from a frame's stack pointer to that of the next, as far as both are on one stack. */
function* wordLines(stacks: Stacks, frame: Frame, next: Frame | undefined): Generator<string> {
  if (next === undefined || frame.kind === "guess" || frame.kind === "broken" || next.stack !== frame.stack)
    return;
  const end = next.kind === "user" ? (next.slot ?? frame.stackPointer) : next.stackPointer;
  const count = Number((end - frame.stackPointer) / 8n);
  if (!(count > 0 && count <= maximumWords)) return;
  const { memory } = stacks.kernel.foundation;
  for (let index = 0; index < count; index += wordsPerLine) {
    const address = frame.stackPointer + BigInt(index * 8);
    const words: string[] = [];
    for (let word = 0; word < wordsPerLine && index + word < count; word++) {
      words.push(wordText(stacks, memory, address + BigInt(word * 8)));
    }
    yield `          ${address.toString(16).padStart(16, "0")}: ${words.join("  ").trimEnd()}`;
  }
}

function wordText(stacks: Stacks, memory: { readU64(address: bigint): bigint }, address: bigint): string {
  try {
    const value = memory.readU64(address);
    const number = value.toString(16).padStart(16, "0");
    const found = value >= 1n << 63n ? stacks.kernel.symbols.find(value) : undefined;
    if (found === undefined) return number.padEnd(40);
    return `${number} ${found.symbol.name}+${hex(found.offset)}`.padEnd(40);
  } catch (error) {
    if (error instanceof FaultError) return `(${error.reason})`.padEnd(40);
    throw error;
  }
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
