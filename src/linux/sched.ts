import { type Diagnostic, DwarflessError, FaultError } from "../io/index.ts";
import { type Kernel, LayoutError, StructReader, walkList } from "../kernel/index.ts";
import { TypeTable } from "../program/index.ts";

/** Of a task whose state no member shows. */
const noState = "?";
const kernelThreadFlag = 0x200000n; // PF_KTHREAD
/** More threads than any machine has (PID_MAX_LIMIT). */
const maximumThreads = 1 << 22;

/** A thread: what `struct task_struct` says of it. */
export interface Task {
  /** Of the `struct task_struct`. */
  address: bigint;
  pid: number;
  tgid: number;
  /** Of the parent's thread group; undefined where it cannot be read. */
  ppid: number | undefined;
  comm: string;
  /** As ps shows it: R running, S sleeping, D in uninterruptible sleep, I idle, T stopped, Z zombie, … */
  state: string;
  /** The CPU it runs on, or ran on last; undefined where the kernel has only one. */
  cpu: number | undefined;
  /** True while it holds a CPU; idle tasks too. */
  onCpu: boolean;
  /** Lowest address of its stack; 0 when it has been given back. */
  stack: bigint;
  isKernelThread: boolean;
}

/** Reads tasks of a kernel (include/linux/sched.h), by the members that its BTF shows. */
export class TaskReader {
  readonly #kernel: Kernel;
  readonly #task: StructReader;
  readonly #signal: StructReader | undefined;
  readonly #runqueue: StructReader | undefined;
  readonly #state: string | undefined;
  readonly #cpu: string | undefined;

  /** @throws {DwarflessError} `NO_TYPES` without the kernel's own BTF */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const btf = kernel.kernelBtf?.btf;
    const types = new TypeTable(btf === undefined ? [] : [{ name: "vmlinux", btf }]);
    const { memory } = kernel.foundation;
    const reader = (name: string): StructReader | undefined => {
      const type = types.findNamed("struct", name);
      return type?.isComplete === true ? new StructReader(memory, type) : undefined;
    };
    const task = reader("task_struct");
    if (task === undefined)
      throw new DwarflessError("NO_TYPES", "tasks need the kernel's BTF, which this dump has not");
    this.#task = task;
    this.#signal = reader("signal_struct");
    this.#runqueue = reader("rq");
    // v5.14 (2f064a59a11f) renamed it on purpose, so that no user is missed.
    this.#state = task.firstOf("__state", "state");
    // Since v5.16 (bcf9033e5449) only in thread_info; some distributions did that earlier.
    this.#cpu = task.firstOf("cpu", "thread_info.cpu");
  }

  /**
   * Every thread of the kernel: idle tasks by CPU, then all others by PID. Damage ends a list, with a
   * diagnostic; what was found counts.
   */
  all(diagnostics: Diagnostic[] = []): Task[] {
    const tasks: Task[] = [];
    const seen = new Set<bigint>();
    const add = (address: bigint): void => {
      if (seen.has(address) || seen.size >= maximumThreads) return;
      seen.add(address);
      try {
        tasks.push(this.read(address));
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        diagnostics.push(taskWarning(`task at 0x${address.toString(16)}`, error));
      }
    };
    for (const address of this.idle(diagnostics)) add(address);
    const idleCount = tasks.length;
    for (const leader of this.#leaders(diagnostics)) {
      add(leader);
      for (const thread of this.#threadsOf(leader, diagnostics)) add(thread);
    }
    const others = tasks.splice(idleCount).sort((left, right) => left.pid - right.pid);
    return [...tasks, ...others];
  }

  /** The task of PID 0 of each CPU: `runqueues[cpu].idle`; no list has them. */
  idle(diagnostics: Diagnostic[] = []): bigint[] {
    const { foundation, perCpu } = this.#kernel;
    const address = foundation.symbols.addressOf("runqueues");
    if (address === undefined || this.#runqueue?.has("idle") !== true) return [];
    const found: bigint[] = [];
    for (const cpu of perCpu.possibleCpus) {
      try {
        const task = this.#runqueue.unsigned(perCpu.address(address, cpu), "idle");
        if (task !== 0n) found.push(task);
      } catch (error) {
        if (!(error instanceof DwarflessError)) throw error;
        diagnostics.push(taskWarning(`idle task of CPU ${cpu}`, error));
      }
    }
    return found;
  }

  /** @throws {FaultError}; {@link LayoutError} */
  read(address: bigint): Task {
    const task = this.#task;
    return {
      address,
      pid: Number(BigInt.asIntN(32, task.unsigned(address, "pid"))),
      tgid: Number(BigInt.asIntN(32, task.unsigned(address, "tgid"))),
      ppid: this.#parentOf(address),
      comm: task.text(address, "comm"),
      state: this.#stateOf(address),
      cpu: this.#cpu === undefined ? undefined : Number(task.unsigned(address, this.#cpu)),
      onCpu: task.has("on_cpu") && task.unsigned(address, "on_cpu") !== 0n,
      stack: task.unsigned(address, "stack"),
      isKernelThread: (task.unsigned(address, "flags") & kernelThreadFlag) !== 0n,
    };
  }

  #parentOf(address: bigint): number | undefined {
    try {
      const parent = this.#task.unsigned(address, "real_parent");
      return parent === 0n ? undefined : Number(BigInt.asIntN(32, this.#task.unsigned(parent, "tgid")));
    } catch (error) {
      if (error instanceof FaultError || error instanceof LayoutError) return undefined;
      throw error;
    }
  }

  #stateOf(address: bigint): string {
    if (this.#state === undefined) return noState;
    const state = this.#task.unsigned(address, this.#state);
    const exit = this.#task.has("exit_state") ? this.#task.unsigned(address, "exit_state") : 0n;
    return taskStateLetter(Number(state & 0xffff_ffffn), Number(exit & 0xffff_ffffn));
  }

  /** Leaders of thread groups: `init_task.tasks`. */
  *#leaders(diagnostics: Diagnostic[]): Generator<bigint> {
    const init = this.#kernel.foundation.symbols.addressOf("init_task");
    if (init === undefined) return;
    const offset = this.#task.byteOffset("tasks");
    for (const node of walkList(
      this.#kernel.foundation.memory,
      init + offset,
      "init_task.tasks",
      diagnostics,
    )) {
      yield BigInt.asUintN(64, node - offset);
    }
  }

  /** `signal->thread_head`, the leader among them. */
  *#threadsOf(leader: bigint, diagnostics: Diagnostic[]): Generator<bigint> {
    const signal = this.#signal;
    if (signal?.has("thread_head") !== true || !this.#task.has("thread_node")) return;
    const offset = this.#task.byteOffset("thread_node");
    let head: bigint;
    try {
      head = this.#task.unsigned(leader, "signal");
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      diagnostics.push(taskWarning(`threads of the task at 0x${leader.toString(16)}`, error));
      return;
    }
    if (head === 0n) return;
    head += signal.byteOffset("thread_head");
    const name = `threads of the task at 0x${leader.toString(16)}`;
    for (const node of walkList(this.#kernel.foundation.memory, head, name, diagnostics)) {
      yield BigInt.asUintN(64, node - offset);
    }
  }
}

function taskWarning(what: string, error: DwarflessError): Diagnostic {
  return { severity: "warning", code: "TASK", text: `${what}: ${error.message}` };
}

/** TASK_UNINTERRUPTIBLE | TASK_NOLOAD: sleeps like D and does not count as load. */
const idleState = 0x402;
/** States that ps reports as uninterruptible sleep: TASK_RTLOCK_WAIT, TASK_FROZEN. */
const likeUninterruptible = 0x1000 | 0x8000;
const reportedStates = 0x7f;

/** The letter of a task's state, as /proc/PID/stat has it (`task_state_index`, include/linux/sched.h). */
export function taskStateLetter(state: number, exitState: number): string {
  if ((state & idleState) === idleState && exitState === 0) return "I";
  let reported = (state | exitState) & reportedStates;
  if ((state & likeUninterruptible) !== 0) reported |= 2;
  return "RSDTtXZP"[32 - Math.clz32(reported)] ?? noState;
}
