import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Program } from "../program/index.ts";
import {
  forEachDeviceNode,
  forEachProperty,
  propertyCells,
  propertyStrings,
  propertyText,
  propertyValue,
} from "./device-tree.ts";

const base = 0xffff_8880_0000_0000n;
const variable = base;
/** Where the nodes lie: the root, its two children, a child of the second. */
const [root, cpus, soc, uart] = [1n, 2n, 3n, 4n].map((index) => base + index * 0x1000n) as [
  bigint,
  bigint,
  bigint,
  bigint,
];
const property = base + 0x8000n;

interface Links {
  name: string;
  properties?: bigint;
  child?: bigint;
  sibling?: bigint;
}

function program(nodes: Map<bigint, Links>, first = root): Program {
  const builder = new BtfBuilder();
  const { char, int } = commonTypes(builder);
  const pointer = builder.addPtr(0);
  const text = builder.addPtr(char);
  const members = (all: readonly (readonly [string, number])[]) =>
    all.map(([name, type], index) => ({ name, type, bitOffset: index * 64 }));
  // Types are numbered as they are added: each points to the struct behind it.
  const toProperty = builder.addPtr(text + 2);
  const propertyType = builder.addStruct(
    "property",
    32,
    members([
      ["name", text],
      ["length", int],
      ["value", pointer],
      ["next", toProperty],
    ]),
  );
  const toNode = builder.addPtr(propertyType + 2);
  builder.addStruct(
    "device_node",
    32,
    members([
      ["full_name", text],
      ["properties", toProperty],
      ["child", toNode],
      ["sibling", toNode],
    ]),
  );
  const memory = new MockMemory();
  const words = (at: bigint, ...values: bigint[]): void =>
    memory.put(at, new Uint8Array(BigUint64Array.from(values).buffer));
  words(variable, first);
  for (const [at, { name, properties = 0n, child = 0n, sibling = 0n }] of nodes) {
    words(at, at + 0x100n, properties, child, sibling);
    memory.put(at + 0x100n, `${name}\0`);
  }
  words(property, property + 0x100n, 4n, property + 0x200n, property + 0x40n);
  words(property + 0x40n, property + 0x110n, 0n, 0n, property + 0x80n);
  words(property + 0x80n, property + 0x120n, 0xffff_ffffn, property + 0x200n, 0n);
  memory.put(property + 0x100n, "reg\0");
  memory.put(property + 0x110n, "dma-coherent\0");
  memory.put(property + 0x120n, "broken\0");
  memory.put(property + 0x200n, [0, 0, 1, 2]);
  const btf = builder.toBtf();
  return mockProgram({
    btf,
    memory,
    variables: { of_root: { type: "struct device_node *", address: variable } },
  });
}

const paths = (tree: Program): string[] => [...forEachDeviceNode(tree)].map(({ path }) => path);
const tree = new Map<bigint, Links>([
  [root, { name: "", properties: property, child: cpus }],
  [cpus, { name: "cpus", sibling: soc }],
  [soc, { name: "soc", child: uart }],
  [uart, { name: "uart@1000" }],
]);

test("each node before its children", () => {
  expect(paths(program(tree))).toEqual(["/", "/cpus", "/soc", "/soc/uart@1000"]);
});

test("names that are whole paths, as before v4.14", () => {
  const older = new Map(tree).set(uart, { name: "/soc/uart@1000" }).set(root, { name: "/", child: cpus });
  expect(paths(program(older))).toEqual(["/", "/cpus", "/soc", "/soc/uart@1000"]);
});

test("a machine without a tree", () => {
  expect(paths(program(tree, 0n))).toEqual([]);
});

test("a tree that leads back to itself ends", () => {
  expect(() => paths(program(new Map(tree).set(uart, { name: "uart", child: cpus })))).toThrow("twice");
  expect(() => paths(program(new Map(tree).set(uart, { name: "uart", sibling: root })))).toThrow("twice");
});

test("properties with their values", () => {
  const [first] = [...forEachDeviceNode(program(tree))];
  const [reg, coherent, broken] = [...forEachProperty(first!.node)];
  expect([reg!.name, [...propertyValue(reg!)]]).toEqual(["reg", [0, 0, 1, 2]]);
  expect([coherent!.name, [...propertyValue(coherent!)]]).toEqual(["dma-coherent", []]);
  expect(() => propertyValue(broken!)).toThrow("property broken has a length of -1");
});

test("values as strings, cells or bytes", () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
  expect(propertyText(bytes("arm,psci-1.0\0arm,psci\0"))).toBe('"arm,psci-1.0", "arm,psci"');
  expect(propertyText(bytes('a"\\\0'))).toBe('"a\\"\\\\"');
  expect(propertyText(bytes("\0\0\x01\x02\xff\0\0\0"))).toBe("<0x102 0xff000000>");
  expect(propertyText(bytes("\0"))).toBe("[00]");
  expect(propertyText(bytes("ab"))).toBe("[61 62]");
  expect(propertyText(bytes(""))).toBe("");
  expect(propertyStrings(bytes("a\0\0b\0"))).toBeUndefined();
  expect(propertyCells(bytes("abc\0d"))).toBeUndefined();
});
