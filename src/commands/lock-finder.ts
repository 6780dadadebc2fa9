import { DwarflessError, FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Gaps, Task } from "../linux/index.ts";
import { KernelObject, offsetOf, type Type } from "../program/index.ts";
import type { Frame, Stacks } from "../stack/index.ts";

export type LockKind =
  "mutex" | "rwsem" | "semaphore" | "completion" | "rtmutex" | "percpu-rwsem" | "wait-queue";

/** What a task waits for. */
export interface LockWait {
  kind: LockKind;
  /** Of the lock, by the kind's struct. */
  lock: bigint;
  /** The function of the stack that waits. */
  function: string;
}

/**
 * How a kind of lock is waited for: by a struct on the waiter's stack that names the task and is a node of the
 * lock's list.
 */
interface Waiting {
  kind: LockKind;
  /** Functions that wait so, without what compilers put behind names. */
  functions: RegExp | undefined;
  waiter: string;
  task: string;
  node: string;
  lock: string;
  /** The list's head in the lock. */
  head: string;
  /** Where the lock has no head but a pointer to one of the waiters, which are a ring. */
  first?: string;
}

// The three layouts of the first kinds are the same: which it is, the function tells.
const listed = { task: "task", node: "list", head: "wait_list", first: "first_waiter" };
const waitings: readonly Waiting[] = [
  { kind: "mutex", functions: /^_*(ww_)?mutex_lock/, waiter: "mutex_waiter", lock: "mutex", ...listed },
  {
    kind: "percpu-rwsem",
    functions: /^(percpu_rwsem_wait|_*percpu_down_(read|write))$/,
    waiter: "wait_queue_entry",
    task: "private",
    node: "entry",
    lock: "percpu_rw_semaphore",
    head: "waiters.head",
  },
  {
    kind: "rwsem",
    functions: /^(rwsem_)?_*down_(read|write)(_slowpath|_killable|_interruptible|_nested)*$/,
    waiter: "rwsem_waiter",
    lock: "rw_semaphore",
    ...listed,
  },
  {
    kind: "semaphore",
    functions: /^_*down(_common|_interruptible|_killable|_timeout)?$/,
    waiter: "semaphore_waiter",
    lock: "semaphore",
    ...listed,
  },
  {
    kind: "completion",
    functions: /^_*wait_for_com(mon|pletion)/,
    waiter: "swait_queue",
    task: "task",
    node: "task_list",
    lock: "completion",
    head: "wait.task_list",
  },
  {
    kind: "wait-queue",
    functions: undefined,
    waiter: "wait_queue_entry",
    task: "private",
    node: "entry",
    lock: "wait_queue_head",
    head: "head",
  },
];

/** Waiters of one lock that are looked at in search of its head. */
const maximumRing = 100_000;

/** Finds what tasks wait for, from what lies on their stacks. */
export class LockFinder {
  readonly #kernel: Kernel;
  readonly #stacks: Stacks;
  readonly #gaps: Gaps;
  readonly #tasks: ReadonlyMap<bigint, Task>;
  readonly #types: Map<string, Type | undefined> = new Map();
  /** By the nodes of waiters that were seen on the way to a lock: its other waiters need no search. */
  readonly #known: Map<bigint, { waiting: Waiting; lock: bigint }> = new Map();

  /** @param tasks all threads, by address */
  constructor(stacks: Stacks, tasks: ReadonlyMap<bigint, Task>, gaps: Gaps) {
    this.#kernel = stacks.kernel;
    this.#stacks = stacks;
    this.#tasks = tasks;
    this.#gaps = gaps;
  }

  /** What a sleeping task waits for; undefined where its stack has no proof of it. */
  find(task: Task, frames: readonly Frame[]): LockWait | undefined {
    return this.#rtMutex(task, frames) ?? this.#onStack(task, frames);
  }

  /** `task_struct.pi_blocked_on`: the only waiter that the task itself points to. */
  #rtMutex(task: Task, frames: readonly Frame[]): LockWait | undefined {
    return (
      this.#gaps.column("rtmutex", (): LockWait | undefined => {
        const waiter = this.#object("task_struct", task.address)?.memberIf("pi_blocked_on");
        if (waiter === undefined || waiter.isNull) return undefined;
        if (waiter.member("task").scalar() !== task.address) return undefined;
        const lock = waiter.member("lock").scalar() as bigint;
        return { kind: "rtmutex", lock, function: this.#calledFunction(frames, /rt_?mutex|rtlock/) };
      }) ?? undefined
    );
  }

  #onStack(task: Task, frames: readonly Frame[]): LockWait | undefined {
    const names = frames.flatMap((frame) => this.#name(frame) ?? []);
    const words = this.#stackWords(task, frames);
    const found = waitings.find(({ functions }) => names.some((name) => functions?.test(name)));
    // Behind a kind's function may be a wait of another kind, in a kernel built another way.
    for (const waiting of [found, waitings.at(-1)]) {
      if (waiting === undefined) continue;
      const lock = this.#gaps.column(waiting.kind, () => this.#lockOf(waiting, task, words)) ?? undefined;
      if (lock === undefined) continue;
      return { kind: waiting.kind, lock, function: this.#calledFunction(frames, waiting.functions) };
    }
    return undefined;
  }

  #lockOf(waiting: Waiting, task: Task, words: StackWords): bigint | undefined {
    const waiter = this.#type(waiting.waiter);
    const lock = this.#type(waiting.lock);
    if (waiter === undefined || lock === undefined) return undefined;
    const taskOffset = BigInt(offsetOf(waiter, waiting.task));
    const nodeOffset = BigInt(offsetOf(waiter, waiting.node));
    const isRing = waiting.first !== undefined && lock.findMember(waiting.first) !== undefined;
    const member = isRing ? waiting.first! : waiting.head;
    // Another kind of kernel has other members: PREEMPT_RT.
    if (lock.findMember(member.split(".")[0]!) === undefined) return undefined;
    const headOffset = BigInt(offsetOf(lock, member));
    for (const slot of words.placesOf(task.address)) {
      const node = slot - taskOffset + nodeOffset;
      if (!words.contains(node) || !this.#isLinked(node)) continue;
      const known = this.#known.get(node);
      if (known?.waiting === waiting) return known.lock;
      const ring = new Set(this.#ring(node));
      let found: bigint | undefined;
      if (isRing) {
        for (const candidate of this.#candidates(task, words)) {
          const first = this.#word(candidate + headOffset);
          if (first === undefined || !ring.has(first + nodeOffset)) continue;
          found = candidate;
          break;
        }
      } else {
        const heads = [...ring].filter((each) => !this.#isWaiter(each - nodeOffset, taskOffset));
        if (heads.length === 1) found = BigInt.asUintN(64, heads[0]! - headOffset);
      }
      if (found === undefined) continue;
      for (const each of ring) this.#known.set(each, { waiting, lock: found });
      return found;
    }
    return undefined;
  }

  /** Where a lock may be that its waiters do not lead to: what the task says, then every word of its stack. */
  *#candidates(task: Task, words: StackWords): Generator<bigint> {
    const object = this.#object("task_struct", task.address);
    // With CONFIG_DETECT_HUNG_TASK_BLOCKER; the two low bits are the kind.
    for (const name of ["blocker", "blocked_on"]) {
      const value = object?.memberIf(name)?.scalar();
      if (typeof value === "bigint" && value !== 0n) yield value & ~3n;
    }
    // A lock that many take lies on no stack of its waiters.
    for (const word of words.values) if (word >= 1n << 63n && !words.contains(word)) yield word;
  }

  /** A node whose neighbours know it. */
  #isLinked(node: bigint): boolean {
    const next = this.#word(node);
    const previous = this.#word(node + 8n);
    if (next === undefined || previous === undefined) return false;
    return this.#word(next + 8n) === node && this.#word(previous) === node;
  }

  /** The other nodes of a ring, and itself; none where it cannot be walked to its end. */
  #ring(node: bigint): bigint[] {
    const nodes = [node];
    for (let at = this.#word(node); at !== node; at = this.#word(at)) {
      if (at === undefined || nodes.length > maximumRing) return [];
      nodes.push(at);
    }
    return nodes;
  }

  /** Whether there is a waiter on the stack of the task that it names. */
  #isWaiter(waiter: bigint, taskOffset: bigint): boolean {
    const task = this.#tasks.get(this.#word(waiter + taskOffset) ?? 0n);
    return task !== undefined && waiter >= task.stack && waiter < task.stack + this.#stacks.threadByteSize;
  }

  #stackWords(task: Task, frames: readonly Frame[]): StackWords {
    const end = task.stack + this.#stacks.threadByteSize;
    const [innermost] = frames;
    const inside =
      innermost !== undefined && innermost.stackPointer >= task.stack && innermost.stackPointer < end;
    const start = inside ? innermost.stackPointer & ~7n : task.stack;
    try {
      const bytes = this.#kernel.foundation.memory.read(start, Number(end - start));
      return new StackWords(start, bytes);
    } catch (error) {
      this.#gaps.note("stack", error);
      return new StackWords(start, new Uint8Array());
    }
  }

  /** The innermost function that is not the scheduler's. */
  waitingFunction(frames: readonly Frame[]): string | undefined {
    const isScheduling = /^(_*schedule|io_schedule|__switch_to)/;
    return frames
      .map((frame) => this.#name(frame))
      .find((name) => name !== undefined && !isScheduling.test(name));
  }

  /** The outermost function of a kind: the one that was called, not how it went about it. */
  #calledFunction(frames: readonly Frame[], functions: RegExp | undefined): string {
    const called = frames
      .map((frame) => this.#name(frame))
      .findLast((name) => name !== undefined && functions?.test(name) === true);
    return called ?? this.waitingFunction(frames) ?? "?";
  }

  /** A frame's function, without what compilers put behind its name; undefined for guesses. */
  #name(frame: Frame): string | undefined {
    if (frame.kind === "guess") return undefined;
    return this.#stacks.symbolOf(frame)?.symbol.replace(/\..*$/, "");
  }

  #word(address: bigint): bigint | undefined {
    try {
      return this.#kernel.foundation.memory.readU64(BigInt.asUintN(64, address));
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
  }

  #object(name: string, address: bigint): KernelObject | undefined {
    const type = this.#type(name);
    return type && KernelObject.reference(this.#kernel.program, type, address);
  }

  #type(name: string): Type | undefined {
    if (!this.#types.has(name)) {
      let type: Type | undefined;
      try {
        type = this.#kernel.program.type(`struct ${name}`);
      } catch (error) {
        if (!(error instanceof DwarflessError)) throw error;
        this.#gaps.note(name, error);
      }
      this.#types.set(name, type);
    }
    return this.#types.get(name);
  }
}

/** The words of a stack, from where it stands to its end. */
class StackWords {
  readonly values: BigUint64Array;
  readonly #start: bigint;

  constructor(start: bigint, bytes: Uint8Array) {
    this.#start = start;
    const count = bytes.length >> 3;
    this.values = new BigUint64Array(count);
    // The architectures whose stacks are walked are little-endian.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let index = 0; index < count; index++) this.values[index] = view.getBigUint64(index * 8, true);
  }

  contains(address: bigint): boolean {
    return address >= this.#start && address < this.#start + BigInt(this.values.length * 8);
  }

  /** Addresses of the words of a value. */
  *placesOf(value: bigint): Generator<bigint> {
    for (const [index, word] of this.values.entries()) {
      if (word === value) yield this.#start + BigInt(index * 8);
    }
  }
}
