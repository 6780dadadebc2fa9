import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
import { listForEachEntry } from "./list.ts";

/** A grace period's number and state: `rcu_seq_ctr` and `rcu_seq_state` (kernel/rcu/rcu.h), of one word. */
export interface RcuSequence {
  /** The word itself, as messages about stalls have it. */
  word: bigint;
  inProgress: boolean;
}

/** RCU_SEQ_STATE_MASK. */
const stateMask = 3n;

function sequence(word: bigint): RcuSequence {
  return { word: BigInt.asIntN(64, word), inProgress: (word & stateMask) !== 0n };
}

/** The grace period of the flavour that all others are (`rcu_state`, kernel/rcu/tree.c). @throws {LookupError}; {@link FaultError} */
export function rcuGracePeriod(program: Program): RcuSequence & { thread: KernelObject | undefined } {
  const state = program.variable("rcu_state");
  const thread = state.member("gp_kthread");
  return {
    ...sequence(state.member("gp_seq").scalar() as bigint),
    thread: thread.isNull ? undefined : thread.dereference(),
  };
}

/** What one CPU knows and owes (`struct rcu_data`). */
export interface RcuCpu {
  cpu: number;
  /** Grace period it has noticed. */
  sequence: RcuSequence;
  /** It has still to pass through a quiescent state for that one. */
  owesQuiescentState: boolean;
  /** Ticks it has seen in that grace period. */
  ticks: number;
  /** Callbacks that wait on it. */
  callbacks: number;
}

/** `rcu_data` of each CPU. @throws {LookupError}; {@link FaultError} */
export function* forEachRcuCpu(program: Program): Generator<RcuCpu, undefined> {
  for (const cpu of forEachPossibleCpu(program)) {
    const data = program.perCpu(program.variable("rcu_data"), cpu);
    yield {
      cpu,
      sequence: sequence(data.member("gp_seq").scalar() as bigint),
      owesQuiescentState: data.member("cpu_no_qs").member("b").member("norm").number() !== 0,
      ticks: data.member("ticks_this_gp").number(),
      callbacks: callbackCount(data.member("cblist").member("len")),
    };
  }
}

/** An atomic_long_t where callbacks may be offloaded to threads, else a long. */
function callbackCount(length: KernelObject): number {
  return (length.type.underlying.kind === "struct" ? length.member("counter") : length).number();
}

/** More nodes than the tree of 8192 CPUs has. */
const maximumNodes = 1024;

/** Tasks that were preempted within a reader, and are waited for: `blkd_tasks` of the nodes of the tree. @throws {BrokenLinkError} */
export function* forEachRcuBlockedTask(program: Program): Generator<KernelObject, undefined> {
  const type = program.type("struct task_struct");
  // Without preemption of readers there are none, and no place in a task.
  if (type.findMember("rcu_node_entry") === undefined) return;
  const nodes = program.variable("rcu_state").member("node");
  for (let index = 0; index < Math.min(nodes.length, maximumNodes); index++) {
    const tasks = nodes.index(index).member("blkd_tasks");
    // Nodes for CPUs that the machine has not are not set up.
    if (!tasks.member("next").isNull) yield* listForEachEntry(type, tasks, "rcu_node_entry");
  }
}
