import { describe, expect, test } from "vitest";
import { BtfBuilder } from "../btf/index.ts";
import { Type } from "../program/index.ts";
import { btfKnowledge } from "./kernel-knowledge.ts";
import { memberPath } from "./member-path.ts";
import { type CodeKnowledge, membersAt } from "./members-at.ts";
import type { OopsRecord } from "./record-parts.ts";

/**
 * struct leaf { long a; int bits : 4; int : 4; long c[3]; };
 * struct node { struct leaf in; union { long number; struct leaf *leaf; }; struct node *next; };
 * int visit(int how, struct node *node); struct leaf *pick(void);
 */
function types(): BtfBuilder {
  const builder = new BtfBuilder();
  const long = builder.addInt("long int", 8);
  const int = builder.addInt("int", 4);
  const leaf = builder.addStruct("leaf", 40, [
    { name: "a", type: long, bitOffset: 0 },
    { name: "bits", type: int, bitOffset: 64, bitfieldSize: 4 },
    { name: "c", type: builder.addArray(long, long, 3), bitOffset: 128 },
  ]);
  const toLeaf = builder.addPtr(leaf);
  const either = builder.addUnion("", 8, [
    { name: "number", type: long, bitOffset: 0 },
    { name: "leaf", type: toLeaf, bitOffset: 0 },
  ]);
  const nodeId = either + 1;
  // The pointer to the struct comes right behind it.
  const node = builder.addStruct("node", 56, [
    { name: "in", type: leaf, bitOffset: 0 },
    { name: "", type: either, bitOffset: 320 },
    { name: "next", type: nodeId + 1, bitOffset: 384 },
  ]);
  expect(node).toBe(nodeId);
  const toNode = builder.addPtr(node);
  builder.addFunc(
    "visit",
    builder.addFuncProto(int, [
      { name: "how", type: int },
      { name: "node", type: toNode },
    ]),
  );
  builder.addFunc("pick", builder.addFuncProto(toLeaf, []));
  return builder;
}

const btf = types().toBtf();
const struct = (name: string): Type => {
  for (let id = 1; id < btf.typeCount; id++) if (btf.name(id) === name) return Type.of(btf, id);
  throw new Error(name);
};

test.each([
  ["leaf", 0, "a"],
  ["leaf", 8, "bits"],
  ["leaf", 12, undefined],
  ["leaf", 32, "c[2]"],
  ["leaf", 40, undefined],
  ["node", 24, "in.c[1]"],
  ["node", 40, "leaf"],
  ["node", 48, "next"],
  ["node", 56, undefined],
] as const)("what struct %s has at %i", (name, offset, path) => {
  expect(memberPath(struct(name), offset)?.path).toBe(path);
});

function record(code: string, position: number, more: Partial<OopsRecord> = {}): OopsRecord {
  const size = code.replaceAll(" ", "").length / 2;
  return {
    kind: "oops",
    title: "",
    place: { symbol: "visit", offset: position, size, module: null, address: null },
    code: { bytes: code.replaceAll(" ", ""), position },
    fault: { address: "0x18", access: "read", mode: "kernel", errorCode: null, what: "Oops" },
    registers: {},
    ...more,
  } as OopsRecord;
}

const x86 = btfKnowledge(btf, false);
const found = (each: OopsRecord, knowledge: CodeKnowledge = x86): (string | boolean)[][] =>
  membersAt(each, knowledge).map(({ struct: name, member, how, proved }) => [
    `${name}.${member}`,
    how,
    proved,
  ]);

describe("x86-64", () => {
  // mov rax, [rsi+0x28]; mov rax, [rax+0x18]
  const chain = "48 8b 46 28 48 8b 40 18";

  test("a member of a parameter", () => {
    expect(found(record("48 8b 46 18", 0))).toEqual([
      ["struct node.in.c[1]", "register rsi held node", true],
    ]);
  });

  test("a member of what a member points to", () => {
    expect(found(record(chain, 4))).toEqual([["struct leaf.c[1]", "register rax held node->leaf", true]]);
  });

  test("nothing, where the printed register does not agree with the address", () => {
    expect(found(record(chain, 4, { registers: { rax: "0x1000" } }))).toEqual([]);
    expect(found(record(chain, 4, { registers: { rax: "0x0" } }))).toHaveLength(1);
  });

  test("what a call gives back, where the called function is known", () => {
    // call pick; mov rax, [rax+0x18]
    const code = record("e8 00 00 00 00 48 8b 40 18", 5);
    const knowledge = { ...x86, callee: () => ({ name: "pick", prototype: x86.prototype("pick", null) }) };
    expect(found(code, knowledge)).toEqual([
      ["struct leaf.c[1]", "register rax held the result of pick()", true],
    ]);
  });

  test("a call forgets what parameters were in; then parameters are only possible", () => {
    // call somewhere; mov rax, [rsi+0x18]
    expect(found(record("e8 00 00 00 00 48 8b 46 18", 5))).toEqual([
      [
        "struct node.in.c[1]",
        "parameter node of visit points to one; that it is this one is not shown",
        false,
      ],
    ]);
  });

  test("where ways meet, only what both have is kept", () => {
    // je +4; mov rsi, [rsi+0x28]; mov rax, [rsi+0x18]: a node, or a leaf
    expect(found(record("74 04 48 8b 76 28 48 8b 46 18", 6))[0]?.[2]).toBe(false);
    // je +4; mov rdx, [rsi+0x28]; the same access: a node on both
    expect(found(record("74 04 48 8b 56 28 48 8b 46 18", 6))[0]?.[2]).toBe(true);
  });

  test("a loop is followed until nothing changes", () => {
    // mov rax, [rsi+0x18]; mov rsi, [rsi+0x30]; jne -10: next is a node again
    expect(found(record("48 8b 46 18 48 8b 76 30 75 f6", 0))).toEqual([
      ["struct node.in.c[1]", "register rsi held node", true],
    ]);
    // The same with rsi = leaf at the end: neither is sure.
    expect(found(record("48 8b 46 18 48 8b 76 28 75 f6", 0))[0]?.[2]).toBe(false);
  });

  test("nothing for an index, for code that is not known, and without a place", () => {
    expect(found(record("48 8b 04 f7", 0))).toEqual([]);
    expect(found({ ...record("48 8b 46 18", 0), place: null } as OopsRecord)).toEqual([]);
    expect(membersAt(record("c5 f8 77", 0), x86).every(({ proved }) => !proved)).toBe(true);
  });
});

test("arm64: a member of what a member points to, after a copy", () => {
  const knowledge = btfKnowledge(btf, true);
  // mov x19, x1; ldr x0, [x19, #40]; ldr x0, [x0, #24]
  const code = "f30301aa 601640f9 000c40f9";
  expect(found(record(code, 8, { registers: { x0: "0x0" } }), knowledge)).toEqual([
    ["struct leaf.c[1]", "register x0 held node->leaf", true],
  ]);
});

test("any bytes end", () => {
  let seed = 12345;
  for (let run = 0; run < 300; run++) {
    const bytes = Buffer.alloc(64);
    for (let index = 0; index < bytes.length; index++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      bytes[index] = seed >>> 16;
    }
    const each = record(bytes.toString("hex"), run % 64);
    for (const isArm64 of [false, true]) expect(membersAt(each, btfKnowledge(btf, isArm64))).toBeDefined();
  }
});
