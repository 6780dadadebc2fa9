import { expect, test } from "vitest";
import { randomNumbers } from "../../test/build/mutate.ts";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { shareTails } from "./share-tails.ts";

function base(): Btf {
  const builder = new BtfBuilder();
  builder.addInt("unsigned int", 4);
  builder.addTypedef("some_lock", 1);
  return Btf.parse(builder.finish());
}

/** A split with these VARs, before and after. */
function shared(names: readonly string[]): {
  before: Btf;
  after: Uint8Array;
  read: (index: number) => string;
} {
  const over = base();
  const builder = new BtfBuilder({ base: over });
  for (const name of names) builder.addVar(name, 1, 0);
  const before = Btf.parse(builder.finish(), { base: over });
  const words = before.words.slice();
  const after = shareTails(words, before.stringsBytes, over.stringsEnd, over.stringsBytes);
  const all = Buffer.concat([over.stringsBytes, after]);
  const read = (index: number): string => {
    const offset = words[index * 4]!;
    return all.toString("latin1", offset, all.indexOf(0, offset));
  };
  return { before, after, read };
}

test("names that others end with take no bytes", () => {
  const names = ["lock", "b", "ab", "cab", "xcab", "other_cab", "int", "alone"];
  const { after, read } = shared(names);
  names.forEach((name, index) => expect(read(index)).toBe(name));
  // `lock` and `int` are in the base, `b`, `ab` and `cab` in `xcab` or `other_cab`.
  expect(Buffer.from(after).toString()).toBe("xcab\0other_cab\0alone\0");
});

test("random names read the same as before", () => {
  const names = new Set<string>();
  const random = randomNumbers(7);
  while (names.size < 2000) {
    let name = "";
    do {
      name += "abc_"[random(4)]!;
    } while (random(8) !== 0);
    names.add(name);
  }
  const list = [...names];
  const { before, after, read } = shared(list);
  list.forEach((name, index) => expect(read(index)).toBe(name));
  expect(after.length).toBeLessThan(before.stringsBytes.length);
});
