import { type Diagnostic, FaultError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type Task, TaskReader } from "../linux/index.ts";
import {
  type Argument,
  Arguments,
  type Frame,
  type FrameKind,
  type FrameSymbol,
  type StackKind,
  type StackOptions,
  Stacks,
  type StackTrace,
} from "../stack/index.ts";
import { parseAddress } from "./sym.ts";

/** What `bt` shows the stacks of. */
export interface StackQuery extends StackOptions {
  /** PIDs and addresses of tasks. */
  targets?: readonly string[];
  /** Every thread, idle tasks too. */
  all?: boolean;
  /** What each CPU ran. */
  active?: boolean;
}

/** A task and its stack. */
export interface TaskStack {
  task: Task;
  trace: StackTrace;
  /** The CPU that panicked on, of the task that it ran. */
  panicked: boolean;
}

/** The stacks that were asked for. */
export interface FoundStacks {
  stacks: Stacks;
  /** Made as they are walked. */
  found: Iterable<TaskStack>;
  /** Targets that are no task. */
  missing: readonly string[];
  diagnostics: readonly Diagnostic[];
}

/**
 * Stacks of tasks by PID or address, of what the CPUs ran, or of all; without any the task that
 * panicked, or where none did what the CPUs ran.
 * @throws {DwarflessError} `NO_TYPES`
 */
export function findStacks(kernel: Kernel, query: StackQuery = {}): FoundStacks {
  const diagnostics: Diagnostic[] = [];
  const stacks = new Stacks(kernel);
  const reader = new TaskReader(kernel);
  const missing: string[] = [];
  let tasks: Iterable<Task>;
  if (query.all === true) tasks = reader.all(diagnostics);
  else if (query.active === true) tasks = activeTasks(stacks, reader);
  else if ((query.targets ?? []).length > 0) {
    tasks = targetTasks(reader, query.targets!, missing, diagnostics);
  } else tasks = panickedTask(stacks, reader) ?? activeTasks(stacks, reader);
  return { stacks, found: walkAll(stacks, tasks, query), missing, diagnostics };
}

/** True where `bt` without arguments has one task to show. */
export function hasPanicked(stacks: Stacks): boolean {
  return stacks.cpus.panicCpu !== undefined;
}

function* walkAll(stacks: Stacks, tasks: Iterable<Task>, options: StackOptions): Generator<TaskStack> {
  const { panicCpu } = stacks.cpus;
  for (const task of tasks) {
    const trace = stacks.of(task.address, options);
    yield { task, trace, panicked: panicCpu !== undefined && trace.runningOn === panicCpu };
  }
}

function activeTasks(stacks: Stacks, reader: TaskReader): Task[] {
  const tasks: Task[] = [];
  for (const cpu of stacks.cpus.started) {
    const address = stacks.cpus.current(cpu);
    if (address !== undefined) tasks.push(reader.read(address));
  }
  return tasks;
}

function panickedTask(stacks: Stacks, reader: TaskReader): Task[] | undefined {
  const { panicCpu } = stacks.cpus;
  const address = panicCpu === undefined ? undefined : stacks.cpus.current(panicCpu);
  return address === undefined ? undefined : [reader.read(address)];
}

function targetTasks(
  reader: TaskReader,
  targets: readonly string[],
  missing: string[],
  diagnostics: Diagnostic[],
): Task[] {
  let all: Task[] | undefined;
  const tasks: Task[] = [];
  for (const target of targets) {
    const before = tasks.length;
    if (/^\d{1,10}$/.test(target)) {
      all ??= reader.all(diagnostics);
      // PID 0 is the idle task of every CPU.
      tasks.push(...all.filter(({ pid }) => pid === Number(target)));
    } else {
      const address = parseAddress(target);
      if (address === undefined) throw new UsageError(`'${target}' is no PID and no address`);
      all ??= reader.all(diagnostics);
      const listed = all.find((task) => task.address === address);
      if (listed !== undefined) tasks.push(listed);
      else tasks.push(...unlistedTask(reader, address));
    }
    if (tasks.length === before) missing.push(target);
  }
  return tasks;
}

/** A task that no list has, by its address alone: it must at least look like one. */
function unlistedTask(reader: TaskReader, address: bigint): Task[] {
  try {
    const task = reader.read(address);
    const isPlausible = task.pid > 0 && task.stack >= 1n << 63n && /^[\x20-\x7e]+$/.test(task.comm);
    return isPlausible ? [task] : [];
  } catch (error) {
    if (error instanceof FaultError) return [];
    throw error;
  }
}

/** A frame as JSON has it. */
export interface FrameRow {
  pc: string;
  symbol: string | null;
  offset: number | null;
  module: string | null;
  kind: FrameKind;
  stack: StackKind;
  /** Address of the stack word that the return address was read from. */
  slot?: string;
  /** Tracing code that stood in the place of the return address. */
  through?: string;
  /** Why the walk ended at a `broken` frame. */
  problem?: string;
  registers?: Record<string, string>;
  arguments?: ArgumentRow[];
}

/** A parameter as JSON has it; null where its value is not proved. */
export interface ArgumentRow {
  name: string;
  type: string;
  value: string | null;
}

/** A system call as JSON has it. */
export interface SystemCallRow {
  number: number;
  name: string | null;
  arguments: ArgumentRow[];
}

/** A stack as JSON has it. */
export interface StackRow {
  pid: number;
  tgid: number;
  comm: string;
  state: string;
  cpu: number | null;
  task: string;
  /** True where it ran when the dump was made. */
  running: boolean;
  panicked: boolean;
  /** Where the walk began: `switch`, or whose registers of the CPU. */
  from: string | null;
  /** Why there are no frames. */
  absence?: string;
  frames: FrameRow[];
  /** The system call it was in. */
  systemCall?: SystemCallRow;
}

/** How much of a stack is shown. */
export interface StackDetail {
  /** Registers where they were saved. */
  registers?: boolean;
  /** Arguments of functions, and of the system call. */
  args?: boolean;
}

export function stackRow(
  stacks: Stacks,
  { task, trace, panicked }: TaskStack,
  detail: StackDetail,
): StackRow {
  const { frames } = trace;
  const call = detail.args === true ? argumentsFor(stacks).systemCall(frames) : undefined;
  return {
    pid: task.pid,
    tgid: task.tgid,
    comm: task.comm,
    state: task.state,
    cpu: trace.runningOn ?? task.cpu ?? null,
    task: hex64(task.address),
    running: trace.runningOn !== undefined,
    panicked,
    from: trace.startedFrom ?? null,
    ...(trace.absence !== undefined && { absence: trace.absence }),
    frames: frames.map((_, index) => frameRow(stacks, frames, index, detail)),
    ...(call !== undefined && {
      systemCall: {
        number: call.number,
        name: call.name ?? null,
        arguments: call.arguments.map(argumentRow),
      },
    }),
  };
}

const argumentsOf = new WeakMap<Stacks, Arguments>();

/** One for all stacks: it remembers prototypes. */
export function argumentsFor(stacks: Stacks): Arguments {
  let known = argumentsOf.get(stacks);
  if (known === undefined) argumentsOf.set(stacks, (known = new Arguments(stacks)));
  return known;
}

function argumentRow({ name, type, value }: Argument): ArgumentRow {
  return { name, type, value: value === undefined ? null : hex64(value) };
}

function frameRow(stacks: Stacks, frames: readonly Frame[], index: number, detail: StackDetail): FrameRow {
  const frame = frames[index]!;
  const symbol = stacks.symbolOf(frame);
  const args = detail.args === true ? argumentsFor(stacks).of(frames, index) : undefined;
  return {
    pc: hex64(frame.pc),
    symbol: symbol?.symbol ?? null,
    offset: symbol === undefined ? null : Number(symbol.offset),
    module: symbol?.module ?? null,
    kind: frame.kind,
    stack: frame.stack,
    ...(frame.slot !== undefined && { slot: hex64(frame.slot) }),
    ...(frame.through !== undefined && { through: frame.through }),
    ...(frame.problem !== undefined && { problem: frame.problem }),
    ...(detail.registers === true &&
      frame.registers !== undefined && {
        registers: Object.fromEntries(frame.registers.entries().map(([name, value]) => [name, hex64(value)])),
      }),
    ...(args !== undefined && { arguments: args.map(argumentRow) }),
  };
}

function hex64(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** Tasks whose stacks have the same functions at the same places. */
export interface StackGroup {
  members: TaskStack[];
}

/** Group stacks, the largest group first, in order of appearance among equals. */
export function groupStacks(stacks: Stacks, found: Iterable<TaskStack>): StackGroup[] {
  const groups = new Map<string, StackGroup>();
  for (const each of found) {
    const key = each.trace.frames.map((frame) => groupKey(stacks, frame)).join(";");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { members: [each] });
    else group.members.push(each);
  }
  return [...groups.values()].sort((left, right) => right.members.length - left.members.length);
}

/** Two tasks may be at different places in user mode and yet wait for the same. */
function groupKey(stacks: Stacks, frame: Frame): string {
  if (frame.kind === "user") return "user";
  const symbol = stacks.symbolOf(frame);
  return symbol === undefined ? `${frame.kind} ${frame.pc}` : `${symbol.symbol}+${symbol.offset}`;
}

/** Lines for flame graphs: `command;outermost;…;innermost count`, equal ones counted; guesses left out. */
export function foldStacks(stacks: Stacks, found: Iterable<TaskStack>): string[] {
  const counts = new Map<string, number>();
  for (const { task, trace } of found) {
    const names = [task.comm];
    for (const frame of trace.frames.toReversed()) {
      if (frame.kind === "guess") continue;
      names.push(foldedName(frame, stacks.symbolOf(frame)));
    }
    const line = names.map((name) => name.replace(/[;\s]+/g, "_")).join(";");
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${line} ${count}`);
}

function foldedName(frame: Frame, symbol: FrameSymbol | undefined): string {
  if (symbol !== undefined)
    return symbol.module === undefined ? symbol.symbol : `${symbol.symbol}_[${symbol.module}]`;
  if (frame.kind === "user") return "[user]";
  return frame.kind === "broken" ? "[broken]" : hex64(frame.pc);
}
