import type { Diagnostic } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  completionForEachWaiter,
  type Gaps,
  mutexForEachWaiter,
  mutexOwner,
  rtMutexForEachWaiter,
  rtMutexOwner,
  rwsemForEachWaiter,
  rwsemState,
  rwsemWaiterWants,
  semaphoreCount,
  semaphoreForEachWaiter,
  semaphoreLastHolder,
  type Task,
  TaskReader,
} from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { Stacks } from "../stack/index.ts";
import type { TaskStack } from "./bt.ts";
import { hex } from "./hex.ts";
import { LockFinder, type LockKind, type LockWait } from "./lock-finder.ts";
import { type LockNode, waitGraph } from "./lock-graph.ts";

/** A task as JSON has it. */
export interface LockTask {
  pid: number;
  comm: string;
  state: string;
  task: string;
}

/** Who waits for a lock. */
export interface LockWaiter extends LockTask {
  /** Of rwsems: what for. */
  wants: "read" | "write" | null;
  /** The function that waits; null where its stack was not looked at. */
  function: string | null;
}

/** A lock that somebody waits for, as JSON has it. */
export interface LockRow {
  kind: LockKind;
  /** Address of the kind's struct. */
  lock: string;
  /** `name`, `name+0x10` or `name [module]` of a lock that is a variable. */
  symbol: string | null;
  holder: LockTask | null;
  /**
   * `owner`: it holds the lock. `last-reader`, `last-holder`: it was the last to take it, and need not hold it any
   * more. null: nobody holds it, or the kernel does not note who.
   */
  holderIs: "owner" | "last-reader" | "last-holder" | null;
  /** Of rwsems: how many readers hold it. */
  readers: number | null;
  /** In the order in which they came; of rtmutexes by priority. */
  waiters: LockWaiter[];
  /** Tasks that cannot go on before this lock is given back, its waiters among them. */
  blocked: number;
}

/** A task that holds locks that others wait for, and waits for no lock itself. */
export interface RootHolder extends LockTask {
  locks: string[];
  blocked: number;
}

/** Who waits for whom. */
export interface LockReport {
  /** Tasks each of which waits for the next, the last for the first, with the locks that they wait for. */
  cycles: { tasks: LockTask[]; locks: string[] }[];
  /** The one that blocks most tasks first. */
  roots: RootHolder[];
  /** The one that blocks most tasks first. */
  locks: LockRow[];
  /** Tasks in uninterruptible sleep that wait for something else. */
  others: (LockTask & { function: string | null; kind: LockKind | null; on: string | null })[];
}

/** A report with the stacks of the tasks in cycles and of root holders. */
export interface FoundLocks {
  report: LockReport;
  stacks: Stacks;
  found: TaskStack[];
}

/**
 * Who waits for whom: the locks that tasks in uninterruptible sleep wait for, by what lies on their stacks.
 * @param options.deadline when to look at no more stacks, as `Date.now()` counts
 * @throws {DwarflessError} `NO_TYPES`
 */
export function findLocks(kernel: Kernel, gaps: Gaps, options: { deadline?: number } = {}): FoundLocks {
  const diagnostics: Diagnostic[] = [];
  const stacks = new Stacks(kernel);
  const all = gaps.diagnosed(new TaskReader(kernel).all(diagnostics), diagnostics);
  const tasks = new Map(all.map((task) => [task.address, task]));
  const finder = new LockFinder(stacks, tasks, gaps);
  const waits = new Map<bigint, LockWait>();
  const others: LockReport["others"] = [];
  for (const task of all) {
    if (task.state !== "D" || task.stack === 0n) continue;
    if (options.deadline !== undefined && Date.now() > options.deadline) {
      gaps.late("tasks in uninterruptible sleep");
      break;
    }
    const { frames } = stacks.of(task.address, options);
    const wait = finder.find(task, frames);
    if (wait !== undefined && wait.kind !== "wait-queue") waits.set(task.address, wait);
    else {
      others.push({
        ...lockTask(task),
        function: wait?.function ?? finder.waitingFunction(frames) ?? null,
        kind: wait?.kind ?? null,
        on: wait === undefined ? null : (symbolText(kernel, wait.lock) ?? hex(wait.lock)),
      });
    }
  }
  const reader = new LockReader(kernel, gaps, tasks, waits);
  const nodes = new Map<bigint, LockNode & { row: LockRow }>();
  for (const wait of waits.values()) {
    if (!nodes.has(wait.lock)) nodes.set(wait.lock, reader.read(wait));
  }
  const graph = waitGraph([...nodes.values()]);
  const rows = [...nodes.values()].map(({ row, lock }) => ({ ...row, blocked: graph.blockedBy(lock) }));
  const report: LockReport = {
    cycles: graph.cycles.map((cycle) => ({
      tasks: cycle.map(({ task }) => lockTask(tasks.get(task)!)),
      locks: cycle.map(({ lock }) => hex(lock)),
    })),
    roots: graph.roots.map(({ task, locks, blocked }) => ({
      ...lockTask(tasks.get(task)!),
      locks: locks.map(hex),
      blocked,
    })),
    locks: rows.sort((left, right) => right.blocked - left.blocked),
    others,
  };
  const shown = new Set([
    ...graph.cycles.flatMap((cycle) => cycle.map(({ task }) => task)),
    ...graph.roots.map(({ task }) => task),
  ]);
  const found = [...shown].map((address): TaskStack => ({
    task: tasks.get(address)!,
    trace: stacks.of(address, options),
    panicked: false,
  }));
  return { report, stacks, found };
}

/** What locks say of themselves. */
class LockReader {
  readonly #kernel: Kernel;
  readonly #gaps: Gaps;
  readonly #tasks: ReadonlyMap<bigint, Task>;
  readonly #waits: ReadonlyMap<bigint, LockWait>;

  constructor(
    kernel: Kernel,
    gaps: Gaps,
    tasks: ReadonlyMap<bigint, Task>,
    waits: ReadonlyMap<bigint, LockWait>,
  ) {
    this.#kernel = kernel;
    this.#gaps = gaps;
    this.#tasks = tasks;
    this.#waits = waits;
  }

  read({ kind, lock }: LockWait): LockNode & { row: LockRow } {
    const row: LockRow = {
      kind,
      lock: hex(lock),
      symbol: symbolText(this.#kernel, lock) ?? null,
      holder: null,
      holderIs: null,
      readers: null,
      waiters: [],
      blocked: 0,
    };
    let holder: Task | undefined;
    const setHolder = (address: bigint, is: NonNullable<LockRow["holderIs"]>): void => {
      holder = this.#tasks.get(address);
      if (holder === undefined) return;
      row.holder = lockTask(holder);
      row.holderIs = is;
    };
    const { program } = this.#kernel;
    this.#gaps.column(kind, () => {
      if (kind === "mutex") setHolder(mutexOwner(program.object(lock, "struct mutex")), "owner");
      if (kind === "rtmutex") setHolder(rtMutexOwner(this.#rtMutex(lock)), "owner");
      if (kind === "rwsem") {
        const state = rwsemState(program.object(lock, "struct rw_semaphore"));
        row.readers = state.readers;
        setHolder(state.owner, state.isWritten ? "owner" : "last-reader");
      }
      if (kind === "semaphore") {
        const semaphore = program.object(lock, "struct semaphore");
        if (semaphoreCount(semaphore) === 0) setHolder(semaphoreLastHolder(semaphore), "last-holder");
      }
    });
    const waiters = this.#waiters(kind, lock);
    row.waiters = waiters.map(({ task, wants }) => ({
      ...lockTask(task),
      wants,
      function: this.#waits.get(task.address)?.function ?? null,
    }));
    // What was seen of a task itself counts before what a damaged list has of others.
    for (const [address, wait] of this.#waits) {
      if (wait.lock !== lock || waiters.some(({ task }) => task.address === address)) continue;
      const task = this.#tasks.get(address)!;
      waiters.push({ task, wants: null });
      row.waiters.push({ ...lockTask(task), wants: null, function: wait.function });
    }
    return {
      lock,
      // The last reader may have gone on long ago: no chain is drawn over it.
      holder: row.holderIs === "owner" ? holder?.address : undefined,
      waiters: waiters.map(({ task }) => task.address),
      row,
    };
  }

  /** Of the lock's own list, interruptible ones too. */
  #waiters(kind: LockKind, lock: bigint): { task: Task; wants: "read" | "write" | null }[] {
    const found: { task: Task; wants: "read" | "write" | null }[] = [];
    const seen = new Set<bigint>();
    this.#gaps.column(`waiters of a ${kind}`, () => {
      for (const waiter of this.#gaps.walk(this.#waiterObjects(kind, lock))) {
        const task = this.#tasks.get(waiter.member("task").scalar() as bigint);
        if (task === undefined || seen.has(task.address)) continue;
        seen.add(task.address);
        found.push({ task, wants: kind === "rwsem" ? rwsemWaiterWants(waiter) : null });
      }
    });
    return found;
  }

  #waiterObjects(kind: LockKind, lock: bigint): Iterable<KernelObject> {
    const { program } = this.#kernel;
    switch (kind) {
      case "mutex":
        return mutexForEachWaiter(program.object(lock, "struct mutex"));
      case "rwsem":
        return rwsemForEachWaiter(program.object(lock, "struct rw_semaphore"));
      case "semaphore":
        return semaphoreForEachWaiter(program.object(lock, "struct semaphore"));
      case "completion":
        return completionForEachWaiter(program.object(lock, "struct completion"));
      case "rtmutex":
        return rtMutexForEachWaiter(this.#rtMutex(lock));
      case "percpu-rwsem":
      case "wait-queue":
        // Entries of wait queues may be of others than tasks: those that were seen on stacks are told.
        return [];
    }
  }

  #rtMutex(lock: bigint): KernelObject {
    const { program } = this.#kernel;
    const hasBase = program.types.find("struct rt_mutex_base") !== undefined;
    return program.object(lock, hasBase ? "struct rt_mutex_base" : "struct rt_mutex");
  }
}

function lockTask({ pid, comm, state, address }: Task): LockTask {
  return { pid, comm, state, task: hex(address) };
}

/** The variable that an address lies in. */
function symbolText(kernel: Kernel, address: bigint): string | undefined {
  const found = kernel.symbols.find(address);
  if (found === undefined) return undefined;
  const { symbol, offset } = found;
  const module = symbol.module === undefined ? "" : ` [${symbol.module}]`;
  return `${symbol.name}${offset === 0 ? "" : `+0x${offset.toString(16)}`}${module}`;
}
