import { expect, test } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { CPrinter } from "./c-printer.ts";
import { Btf, type TypeId } from "./reader.ts";

function printerOf(btf: Btf, keepsAll = true): CPrinter {
  const around = { opening: "", kfuncsOpening: "", kfuncsClosing: "", closing: "" };
  return new CPrinter(btf, { roots: "sorted", pointerByteSize: 8, around, write: () => {}, keepsAll });
}

function sortedRoots(btf: Btf): TypeId[] {
  return [...printerOf(btf).sortedRoots()];
}

test("equal names have one id, in a base and in what is split from it", () => {
  const below = new BtfBuilder();
  const first = below.addInt("twice", 4);
  const base = below.toBtf();
  const above = new BtfBuilder({ base });
  const second = above.addInt("twice", 8);
  const other = above.addInt("once", 8);
  const btf = Btf.parse(above.finish(), { base });
  const printer = printerOf(btf);
  const ofType = (id: TypeId): number => printer.nameId(btf.nameOffset(id));
  expect(ofType(first)).toBe(ofType(second));
  expect(ofType(other)).not.toBe(ofType(first));
  expect(printer.nameId(0)).toBe(0);
});

test("types are sorted by names byte by byte, beginnings first", () => {
  const words: string[] = ["b", "a", "abc", "ab", "é", "Z", "_", "abd", "aa"];
  for (let index = 0; index < 5000; index++) words.push(`n${(index * 7919) % 5000}_x`);
  const builder = new BtfBuilder();
  for (const word of words) builder.addInt(word, 4);
  const btf = builder.toBtf();
  // Scalars come before what is printed last: void.
  const sorted = sortedRoots(btf).map((id) => btf.name(id));
  expect(sorted).toEqual([
    ...words
      .map((word) => Buffer.from(word))
      .sort((a, b) => a.compare(b))
      .map(String),
    "",
  ]);
});

test("types of one name are sorted by what they are made of, a type that refers on and on is refused", () => {
  const builder = new BtfBuilder();
  for (let index = 0; index < 400; index++)
    builder.addStruct("s", 4, [{ name: `m${(index * 37) % 100}`, type: 0, bitOffset: 0 }]);
  const btf = builder.toBtf();
  const sorted = sortedRoots(btf).filter((id) => id !== 0);
  const members = sorted.map((id) => btf.memberName(id, 0));
  // Equal ones side by side, by number.
  expect(new Set(members).size).toBe(100);
  expect(members.filter((name, index) => name === members[index - 1]).length).toBe(300);
  for (let index = 1; index < sorted.length; index++)
    if (members[index] === members[index - 1]) expect(sorted[index]).toBeGreaterThan(sorted[index - 1]!);

  const chain = new BtfBuilder();
  for (let index = 0; index < 200; index++) chain.addTypedef("t", index + 2);
  chain.addInt("int", 4);
  expect(() => sortedRoots(chain.toBtf())).toThrow("refers on and on");
});
