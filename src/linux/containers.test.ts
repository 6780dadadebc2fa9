import { beforeEach, describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram, structAdder } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Diagnostic } from "../io/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { forEachSetBit } from "./bitmap.ts";
import { forEachCpu } from "./cpumask.ts";
import { idrFind, idrForEach } from "./idr.ts";
import { klistForEach } from "./klist.ts";
import { hlistForEach, hlistForEachEntry, listEmpty, listForEach, listForEachEntry } from "./list.ts";
import { hlistNullsForEach } from "./list-nulls.ts";
import { llistForEach } from "./llist.ts";
import { mtForEach, mtreeLoad } from "./mapletree.ts";
import { rbtreeInorderForEach } from "./rbtree.ts";
import { BrokenLinkError, untilBroken } from "../kernel/index.ts";
import { xaForEach, xaLoad } from "./xarray.ts";

let memory: MockMemory;
let program: Program;

const head = 0xffff_8880_0000_0000n;
/** Nodes of the tests, far enough apart. */
const node = (index: number): bigint => head + 0x1000n * BigInt(index + 1);

function words(address: bigint, ...values: readonly bigint[]): void {
  memory.putWords(address, ...values);
}

const at = (type: string, address: bigint = head): KernelObject => program.object(address, type);

/** All items, and how the walk ended. */
function walked<Item>(items: Iterable<Item>): { items: Item[]; broken: string | undefined } {
  const diagnostics: Diagnostic[] = [];
  const found = [...untilBroken(items, diagnostics)];
  return { items: found, broken: diagnostics[0]?.text };
}

beforeEach(() => {
  const builder = new BtfBuilder();
  const { int, ulong, u8 } = commonTypes(builder);
  const pointer = builder.addPtr(0);
  const struct = structAdder(builder);
  const list = struct("list_head", 16, { next: [pointer, 0], prev: [pointer, 8] });
  struct("item", 32, { value: [ulong, 0], list: [list, 16] });
  const hnode = struct("hlist_node", 16, { next: [pointer, 0], pprev: [pointer, 8] });
  struct("hlist_head", 8, { first: [builder.addPtr(hnode), 0] });
  struct("hitem", 32, { value: [ulong, 0], node: [hnode, 8] });
  const nnode = struct("hlist_nulls_node", 16, { next: [pointer, 0], pprev: [pointer, 8] });
  struct("hlist_nulls_head", 8, { first: [builder.addPtr(nnode), 0] });
  const lnode = struct("llist_node", 8, { next: [pointer, 0] });
  struct("llist_head", 8, { first: [builder.addPtr(lnode), 0] });
  struct("klist", 24, { k_lock: [ulong, 0], k_list: [list, 8] });
  struct("klist_node", 32, { n_klist: [pointer, 0], n_node: [list, 8] });
  const rbnode = struct("rb_node", 24, {
    __rb_parent_color: [ulong, 0],
    rb_right: [pointer, 8],
    rb_left: [pointer, 16],
  });
  const rbroot = struct("rb_root", 8, { rb_node: [builder.addPtr(rbnode), 0] });
  struct("rb_root_cached", 16, { rb_root: [rbroot, 0], rb_leftmost: [pointer, 8] });
  const xarray = struct("xarray", 16, { xa_flags: [ulong, 0], xa_head: [pointer, 8] });
  struct("xa_node", 40 + 8 * 64, {
    shift: [u8, 0],
    offset: [u8, 1],
    parent: [pointer, 8],
    slots: [builder.addArray(pointer, int, 64), 40],
  });
  struct("idr", 24, { idr_rt: [xarray, 0], idr_base: [int, 16] });
  struct("maple_tree", 16, { ma_flags: [ulong, 0], ma_root: [pointer, 8] });
  const meta = struct("maple_metadata", 2, { end: [u8, 0], gap: [u8, 1] });
  struct("maple_range_64", 256, {
    parent: [pointer, 0],
    pivot: [builder.addArray(ulong, int, 15), 8],
    slot: [builder.addArray(pointer, int, 16), 128],
    meta: [meta, 248],
  });
  struct("maple_arange_64", 256, {
    parent: [pointer, 0],
    pivot: [builder.addArray(ulong, int, 9), 8],
    slot: [builder.addArray(pointer, int, 10), 80],
    gap: [builder.addArray(ulong, int, 10), 160],
    meta: [meta, 240],
  });
  struct("maple_node", 256, { parent: [pointer, 0], slot: [builder.addArray(pointer, int, 31), 8] });
  struct("cpumask", 16, { bits: [builder.addArray(ulong, int, 2), 0] });
  memory = new MockMemory();
  program = mockProgram({ btf: builder.toBtf(), memory });
});

describe("list", () => {
  it("gives what the nodes are part of, both ways", () => {
    words(head, node(0) + 16n, node(1) + 16n);
    words(node(0), 7n, 0n, node(1) + 16n, head);
    words(node(1), 8n, 0n, head, node(0) + 16n);
    const items = (direction: "next" | "prev"): (bigint | number | boolean)[] =>
      [...listForEachEntry("struct item", at("struct list_head"), "list", direction)].map((item) =>
        item.member("value").value(),
      );
    expect(items("next")).toEqual([7n, 8n]);
    expect(items("prev")).toEqual([8n, 7n]);
  });

  it("is empty when it points to itself", () => {
    words(head, head, head);
    expect([...listForEach(at("struct list_head"))]).toEqual([]);
    expect(listEmpty(at("struct list_head"))).toBe(true);
  });

  it("ends at a cycle, at a removed entry and at a fault, and names the link", () => {
    words(head, node(0), 0n);
    words(node(0), node(1), 0n);
    words(node(1), node(0), 0n);
    expect(walked(listForEach(at("struct list_head"))).broken).toMatch(/leads back/);
    words(node(1), 0xdead_0000_0000_0100n, 0n);
    expect(walked(listForEach(at("struct list_head")))).toEqual({
      items: [node(0), node(1)],
      broken: `list at 0x${head.toString(16)} is broken at 0x${node(1).toString(16)}: its entry was removed from the list`,
    });
    words(node(1), 0x10n, 0n);
    const { items, broken } = walked(listForEach(at("struct list_head")));
    expect(items).toEqual([node(0), node(1)]);
    expect(broken).toContain(`broken at 0x${node(1).toString(16)}: 0x10: not mapped`);
  });
});

it("walks hlists, lists with nulls, llists and klists to their ends", () => {
  words(head, node(0) + 8n);
  words(node(0), 3n, node(1) + 8n, 0n);
  words(node(1), 4n, 0n, 0n);
  const values = [...hlistForEachEntry("struct hitem", at("struct hlist_head"), "node")];
  expect(values.map((each) => each.member("value").value())).toEqual([3n, 4n]);
  words(head, (node(0) + 8n) | 1n);
  expect([...hlistForEach(at("struct hlist_head"))]).toHaveLength(2);

  words(head, node(2));
  words(node(2), node(3), 0n);
  words(node(3), 0x4bn, 0n);
  expect([...hlistNullsForEach(at("struct hlist_nulls_head"))]).toEqual([node(2), node(3)]);

  words(head, node(4));
  words(node(4), node(5));
  words(node(5), 0n);
  expect([...llistForEach(at("struct llist_head"))]).toEqual([node(4), node(5)]);

  words(head, 0n, node(6) + 8n, 0n);
  words(node(6), 1n, node(7) + 8n, 0n);
  words(node(7), 0n, head + 8n, 0n);
  expect([...klistForEach(at("struct klist"))]).toEqual([node(7)]);
});

describe("rbtree", () => {
  //      1
  //    0   3
  //       2
  beforeEach(() => {
    words(head, node(1), node(0));
    words(node(1), 1n, node(3), node(0));
    words(node(0), node(1) | 1n, 0n, 0n);
    words(node(3), node(1), 0n, node(2));
    words(node(2), node(3), 0n, 0n);
  });

  it("is walked in order, with and without a leftmost node", () => {
    const expected = [0, 1, 2, 3].map(node);
    expect([...rbtreeInorderForEach(at("struct rb_root"))]).toEqual(expected);
    expect([...rbtreeInorderForEach(at("struct rb_root_cached"))]).toEqual(expected);
  });

  it("ends at a node that belongs elsewhere", () => {
    words(node(2), node(3), node(1), 0n);
    const { items, broken } = walked(rbtreeInorderForEach(at("struct rb_root")));
    expect(items).toEqual([node(0), node(1), node(2)]);
    expect(broken).toContain(`broken at 0x${(node(2) + 8n).toString(16)}: the parent of`);
    words(node(3), node(1), node(2), node(2));
    expect(walked(rbtreeInorderForEach(at("struct rb_root"))).broken).toBeDefined();
  });
});

describe("xarray", () => {
  const xaNode = (address: bigint, shift: number, parent: bigint, slots: Record<number, bigint>): void => {
    const all = new BigUint64Array(5 + 64);
    all[0] = BigInt(shift);
    all[1] = parent;
    for (const [slot, value] of Object.entries(slots)) all[5 + Number(slot)] = value;
    memory.put(address, new Uint8Array(all.buffer));
  };

  it("has one entry, or nodes of nodes, and leaves out what is its own", () => {
    words(head, 0n, 0x5000n);
    expect([...xaForEach(at("struct xarray"))]).toEqual([{ index: 0n, entry: 0x5000n }]);
    words(head, 0n, node(0) | 2n);
    xaNode(node(0), 6, 0n, { 0: node(1) | 2n, 2: node(2) | 2n });
    // 1030 is the zero entry, 2 the sibling of slot 0.
    xaNode(node(1), 0, node(0), { 0: 0xf000n, 1: 2n, 5: 0xb7n, 6: 1030n });
    xaNode(node(2), 0, node(0), { 63: 0xe000n });
    expect([...xaForEach(at("struct xarray"))]).toEqual([
      { index: 0n, entry: 0xf000n },
      { index: 5n, entry: 0xb7n },
      { index: 191n, entry: 0xe000n },
    ]);
    expect([0, 1, 5, 6, 191, 4096].map((index) => xaLoad(at("struct xarray"), index))).toEqual([
      0xf000n,
      0xf000n,
      0xb7n,
      0n,
      0xe000n,
      0n,
    ]);
  });

  it("ends at a node that is its own child", () => {
    words(head, 0n, node(0) | 2n);
    xaNode(node(0), 6, 0n, { 0: node(0) | 2n });
    const { broken } = walked(xaForEach(at("struct xarray")));
    expect(broken).toContain("a node at shift 6 below one at 6");
    expect(() => xaLoad(at("struct xarray"), 0)).toThrow(BrokenLinkError);
  });

  it("is an idr whose ids may begin anywhere", () => {
    words(head, 0n, node(0) | 2n, 100n);
    xaNode(node(0), 0, 0n, { 3: 0xa000n });
    expect([...idrForEach(at("struct idr"))]).toEqual([{ index: 103n, entry: 0xa000n }]);
    expect(idrFind(at("struct idr"), 103)).toBe(0xa000n);
    expect(idrFind(at("struct idr"), 3)).toBe(0n);
  });
});

describe("maple tree", () => {
  const leaf = 1n << 3n;
  const arange = 3n << 3n;
  const range = (address: bigint, parent: bigint, pivots: bigint[], slots: bigint[], end?: number): void => {
    const all = new BigUint64Array(32);
    all[0] = parent;
    all.set(pivots, 1);
    all.set(slots, 16);
    if (end !== undefined) all[31] = BigInt(end);
    memory.put(address, new Uint8Array(all.buffer));
  };
  const base = 0xffff_8880_1000_0000n;

  it("has ranges; gaps are left out", () => {
    words(head, 0n, base | leaf | 6n);
    range(base, head | 1n, [9n, 19n, ~0n & ((1n << 64n) - 1n)], [0n, 0x1000n, 0n], 2);
    expect([...mtForEach(at("struct maple_tree"))]).toEqual([{ first: 10n, last: 19n, entry: 0x1000n }]);
    expect(mtreeLoad(at("struct maple_tree"), 19n)).toBe(0x1000n);
    expect(mtreeLoad(at("struct maple_tree"), 20n)).toBe(0n);
  });

  it("has nodes below nodes", () => {
    words(head, 0n, base | arange | 6n);
    const root = new BigUint64Array(32);
    root.set([head | 1n, 99n], 0);
    root.set([(base + 0x100n) | leaf | 4n, (base + 0x200n) | leaf | 4n], 10);
    root[30] = 1n;
    memory.put(base, new Uint8Array(root.buffer));
    range(base + 0x100n, base | 6n, [49n, 99n], [0x1000n, 0x2000n], 1);
    range(base + 0x200n, base | 14n, [149n], [0x3000n], 1);
    expect([...mtForEach(at("struct maple_tree"))]).toEqual([
      { first: 0n, last: 49n, entry: 0x1000n },
      { first: 50n, last: 99n, entry: 0x2000n },
      { first: 100n, last: 149n, entry: 0x3000n },
    ]);
    range(base + 0x200n, base + 0x200n, [], []);
    expect(walked(mtForEach(at("struct maple_tree"))).broken).toContain("is dead");
  });

  it("may be one entry, or none", () => {
    words(head, 0n, 0x1000n);
    expect([...mtForEach(at("struct maple_tree"))]).toEqual([{ first: 0n, last: 0n, entry: 0x1000n }]);
    words(head, 0n, 0n);
    expect([...mtForEach(at("struct maple_tree"))]).toEqual([]);
  });
});

it("gives the bits of bitmaps and CPU masks", () => {
  words(head, 0b1001n, 1n << 63n);
  const bits = at("struct cpumask").member("bits");
  expect([...forEachSetBit(bits, 128)]).toEqual([0, 3, 127]);
  expect([...forEachSetBit(bits, 3)]).toEqual([0]);
  expect([...forEachCpu(program, at("struct cpumask"))]).toEqual([0, 3, 127]);
});
