import { expect, test } from "vitest";
import type { Diagnostic } from "../io/index.ts";
import { MockMemory } from "../../test/build/mock-program.ts";
import { walkList } from "./list.ts";

const head = 0xffff_8000_0000_1000n;

function listOf(next: readonly [bigint, bigint][]): MockMemory {
  const memory = new MockMemory();
  for (const [at, to] of next) memory.put(at, new Uint8Array(BigUint64Array.of(to, 0n).buffer));
  return memory;
}

function walk(memory: MockMemory): { nodes: bigint[]; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  return { nodes: [...walkList(memory, head, "things", diagnostics)], diagnostics };
}

const a = head + 0x100n;
const b = head + 0x200n;
const c = head + 0x300n;

test("walks to the head and no further", () => {
  expect(
    walk(
      listOf([
        [head, a],
        [a, b],
        [b, head],
      ]),
    ),
  ).toEqual({ nodes: [a, b], diagnostics: [] });
  expect(walk(listOf([[head, head]]))).toEqual({ nodes: [], diagnostics: [] });
});

test("ends at a node that leads nowhere, keeping those before", () => {
  const { nodes, diagnostics } = walk(
    listOf([
      [head, a],
      [a, b],
      [b, 0xdead_0000_0000_0100n],
    ]),
  );
  expect(nodes).toEqual([a, b]);
  expect(diagnostics).toEqual([
    {
      severity: "warning",
      code: "BROKEN_LINK",
      text: "list things is broken at 0xffff800000001200: its entry was removed from the list",
    },
  ]);
});

test.each([
  [
    "a node to itself",
    [
      [head, a],
      [a, a],
    ],
  ],
  [
    "a cycle that leaves the head out",
    [
      [head, a],
      [a, b],
      [b, c],
      [c, a],
    ],
  ],
] as [string, [bigint, bigint][]][])("ends at %s", (_, next) => {
  const { nodes, diagnostics } = walk(listOf(next));
  expect(nodes.length).toBeLessThan(20);
  expect(diagnostics[0]!.text).toContain("leads back to");
});

test("a head that cannot be read", () => {
  expect(walk(new MockMemory())).toMatchObject({ nodes: [], diagnostics: [{ code: "BROKEN_LINK" }] });
});
