/** A lock between those that wait for it and the task that holds it. */
export interface LockNode {
  lock: bigint;
  /** Undefined where nobody is known to hold it. */
  holder: bigint | undefined;
  waiters: readonly bigint[];
}

export interface WaitGraph {
  /** A task waits for the lock that stands with it, which the next task holds. */
  cycles: { task: bigint; lock: bigint }[][];
  /** Holders that wait for no lock, the one that blocks most first. */
  roots: { task: bigint; locks: bigint[]; blocked: number }[];
  /** How many tasks cannot go on before a lock is given back. */
  blockedBy(lock: bigint): number;
}

/** Who waits for whom, of tasks and locks by their addresses. A task waits for one lock at a time. */
export function waitGraph(nodes: readonly LockNode[]): WaitGraph {
  const waitsFor = new Map<bigint, LockNode>();
  const held = new Map<bigint, LockNode[]>();
  for (const node of nodes) {
    for (const waiter of node.waiters) waitsFor.set(waiter, node);
    if (node.holder !== undefined) held.set(node.holder, [...(held.get(node.holder) ?? []), node]);
  }
  const byLock = new Map(nodes.map((node) => [node.lock, node]));
  const blockedBy = (locks: readonly LockNode[]): number => {
    const blocked = new Set<bigint>();
    const open = [...locks];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const waiter of node.waiters) {
        if (blocked.has(waiter)) continue;
        blocked.add(waiter);
        open.push(...(held.get(waiter) ?? []));
      }
    }
    return blocked.size;
  };
  const roots = [...held]
    .filter(([task]) => !waitsFor.has(task))
    .map(([task, locks]) => ({ task, locks: locks.map(({ lock }) => lock), blocked: blockedBy(locks) }))
    .sort((left, right) => right.blocked - left.blocked);
  return {
    cycles: cyclesOf(waitsFor),
    roots,
    blockedBy(lock) {
      const node = byLock.get(lock);
      return node === undefined ? 0 : blockedBy([node]);
    },
  };
}

/** Follows every task to the one it waits for: whoever meets the own path again has found a cycle. */
function cyclesOf(waitsFor: ReadonlyMap<bigint, LockNode>): WaitGraph["cycles"] {
  const cycles: WaitGraph["cycles"] = [];
  const done = new Set<bigint>();
  for (const start of waitsFor.keys()) {
    const path: { task: bigint; lock: bigint }[] = [];
    const places = new Map<bigint, number>();
    let task: bigint | undefined = start;
    while (task !== undefined && !done.has(task)) {
      const place = places.get(task);
      if (place !== undefined) {
        cycles.push(path.slice(place));
        break;
      }
      const node = waitsFor.get(task);
      if (node === undefined) break;
      places.set(task, path.length);
      path.push({ task, lock: node.lock });
      task = node.holder;
    }
    for (const each of path) done.add(each.task);
  }
  return cycles;
}
