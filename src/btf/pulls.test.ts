import { expect, test } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { prefixStatistics, pulledIn } from "./pulls.ts";
import type { Btf } from "./reader.ts";

/** root { a: *heavy; b: *heavy; c: *light; self: *root }; heavy { x: int, l: light }; light { y: int } */
function sample(): Btf {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, 1);
  const light = b.addStruct("net_light", 4, [{ name: "y", type: int, bitOffset: 0 }]);
  const heavy = b.addStruct("net_heavy", 8, [
    { name: "x", type: int, bitOffset: 0 },
    { name: "l", type: light, bitOffset: 32 },
  ]);
  const toHeavy = b.addPtr(heavy);
  const toLight = b.addPtr(light);
  b.addStruct("__vfs_root", 32, [
    { name: "a", type: toHeavy, bitOffset: 0 },
    { name: "b", type: toHeavy, bitOffset: 64 },
    { name: "c", type: toLight, bitOffset: 128 },
    { name: "self", type: toLight + 2, bitOffset: 192 },
  ]);
  b.addPtr(toLight + 1);
  return b.toBtf();
}

test("what a struct pulls in, by its members, and what only one of them does", () => {
  const { all, parts } = pulledIn(sample(), 6);
  // int 16, light 24, heavy 36, three pointers of 12
  expect(all).toEqual({ types: 6, byteSize: 112 });
  expect(parts).toEqual([
    { type: 4, members: ["a", "b"], all: { types: 4, byteSize: 88 }, only: { types: 2, byteSize: 48 } },
    { type: 5, members: ["c"], all: { types: 3, byteSize: 52 }, only: { types: 1, byteSize: 12 } },
    { type: 7, members: ["self"], all: { types: 1, byteSize: 12 }, only: { types: 1, byteSize: 12 } },
  ]);
});

test("types by the first word of their names", () => {
  expect(prefixStatistics(sample())).toEqual([
    { prefix: "net", types: 2, byteSize: 60 },
    { prefix: "vfs", types: 1, byteSize: 60 },
    { prefix: "", types: 3, byteSize: 36 },
    { prefix: "int", types: 1, byteSize: 16 },
  ]);
});
