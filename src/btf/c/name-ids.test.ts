import { expect, test } from "vitest";
import { BtfBuilder } from "../builder.ts";
import { Btf } from "../reader.ts";
import { NameIds, noName } from "./name-ids.ts";
import { orderNames } from "./name-order.ts";

test("equal names have one id, in a base and in what is split from it", () => {
  const below = new BtfBuilder();
  const first = below.addInt("twice", 4);
  const base = below.toBtf();
  const above = new BtfBuilder({ base });
  const second = above.addInt("twice", 8);
  const other = above.addInt("once", 8);
  const btf = Btf.parse(above.finish(), { base });
  const names = new NameIds(btf);
  expect(names.ofType(first)).toBe(names.ofType(second));
  expect(names.ofType(other)).not.toBe(names.ofType(first));
  expect(names.ofOffset(0)).toBe(noName);
  expect(names.count).toBe(3);
});

test("names are ordered byte by byte, beginnings first", () => {
  const words: string[] = ["b", "a", "abc", "ab", "é", "Z", "_", "abd", "aa"];
  for (let index = 0; index < 5000; index++) words.push(`n${(index * 7919) % 5000}_x`);
  const builder = new BtfBuilder();
  for (const word of words) builder.addInt(word, 4);
  const btf = builder.toBtf();
  const names = new NameIds(btf);
  const ids = words.map((_, index) => names.ofType(index + 1));
  const places = orderNames(btf, names);
  expect(places[noName]).toBe(0);
  const sorted = words.map((word, index) => ({ word: Buffer.from(word), place: places[ids[index]!]! }));
  sorted.sort((a, b) => a.place - b.place);
  expect(sorted.map(({ place }) => place)).toEqual(words.map((_, index) => index + 1));
  expect(sorted.map(({ word }) => word.toString())).toEqual(
    words
      .map((word) => Buffer.from(word))
      .sort((a, b) => a.compare(b))
      .map(String),
  );
});
