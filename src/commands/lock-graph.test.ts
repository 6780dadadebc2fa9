import { expect, test } from "vitest";
import { type LockNode, waitGraph } from "./lock-graph.ts";

const node = (lock: bigint, holder: bigint | undefined, ...waiters: bigint[]): LockNode => ({
  lock,
  holder,
  waiters,
});

test("finds a cycle once, and who waits behind it blocks nothing of it", () => {
  const graph = waitGraph([node(10n, 1n, 2n, 4n), node(20n, 2n, 3n), node(30n, 3n, 1n)]);
  expect(graph.cycles).toEqual([
    [
      { task: 2n, lock: 10n },
      { task: 1n, lock: 30n },
      { task: 3n, lock: 20n },
    ],
  ]);
  expect(graph.roots).toEqual([]);
  expect(graph.blockedBy(10n)).toBe(4);
});

test("finds a task that waits for its own lock", () => {
  expect(waitGraph([node(10n, 1n, 1n)]).cycles).toEqual([[{ task: 1n, lock: 10n }]]);
});

test("counts what a root holder blocks through others, each task once", () => {
  const graph = waitGraph([
    node(10n, 1n, 2n),
    node(20n, 2n, 3n, 4n),
    node(30n, 1n, 5n),
    node(40n, undefined, 6n),
  ]);
  expect(graph.roots).toEqual([{ task: 1n, locks: [10n, 30n], blocked: 4 }]);
  expect([10n, 20n, 30n, 40n, 50n].map((lock) => graph.blockedBy(lock))).toEqual([3, 2, 1, 1, 0]);
});
