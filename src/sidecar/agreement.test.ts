import { expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { compareTypes } from "./agreement.ts";

interface Shape {
  byteSize?: number;
  members?: readonly [string, number][];
  values?: readonly [string, bigint][];
}

function btfWith(shape: Shape = {}, before = 0): Btf {
  const builder = new BtfBuilder();
  for (let i = 0; i < before; i++) builder.addStruct(`other_${i}`, 1, []);
  const int = builder.addInt("int", 4);
  const members = (shape.members ?? [["a", 0]]).map(([name, bitOffset]) => ({ name, type: int, bitOffset }));
  builder.addStruct("thing", shape.byteSize ?? 8, members);
  const values = (shape.values ?? [["ONE", 1n]]).map(([name, value]) => ({ name, value }));
  builder.addEnum("numbers", 4, values);
  return Btf.parse(builder.finish());
}

test("types that were numbered differently are equal", () => {
  expect(compareTypes(btfWith(), btfWith({}, 3))).toEqual({
    equal: 2,
    missing: 0,
    firstDifference: undefined,
  });
});

test.each([
  [{ byteSize: 16 }, "struct thing: 16 bytes, in the dump 8 bytes"],
  [{ members: [["b", 0]] }, "struct thing: member b at bit 0, in the dump member a at bit 0"],
  [{ members: [["a", 32]] }, "struct thing: member a at bit 32, in the dump member a at bit 0"],
  [
    {
      members: [
        ["a", 0],
        ["b", 32],
      ],
    },
    "struct thing: 2 members, in the dump 1",
  ],
  [{ values: [["ONE", 2n]] }, "enum numbers: other values than in the dump"],
  [{ values: [["TWO", 1n]] }, "enum numbers: other values than in the dump"],
] as [Shape, string][])("differs: %#", (shape, difference) => {
  const { firstDifference, equal } = compareTypes(btfWith(), btfWith(shape));
  expect(firstDifference).toBe(difference);
  expect(equal).toBe(1);
});

test("what the file lacks is counted, and what it has more is not", () => {
  const small = btfWith();
  const large = btfWith({}, 2);
  expect(compareTypes(large, small)).toMatchObject({ equal: 2, missing: 2, firstDifference: undefined });
  expect(compareTypes(small, large)).toMatchObject({ equal: 2, missing: 0, firstDifference: undefined });
});

test("of several types of a name one equal suffices", () => {
  const builder = new BtfBuilder();
  const int = builder.addInt("int", 4);
  builder.addStruct("thing", 4, [{ name: "z", type: int, bitOffset: 0 }]);
  builder.addStruct("thing", 8, [{ name: "a", type: int, bitOffset: 0 }]);
  builder.addEnum("numbers", 8, [{ name: "ONE", value: 1n }]);
  expect(compareTypes(btfWith(), Btf.parse(builder.finish()))).toMatchObject({ equal: 2, missing: 0 });
});

test("types of one name are not compared without end", () => {
  const builder = new BtfBuilder();
  const int = builder.addInt("int", 4);
  for (let i = 0; i < 8000; i++)
    builder.addStruct("thing", 8, [{ name: i % 2 === 0 ? "a" : "b", type: int, bitOffset: i }]);
  const many = Btf.parse(builder.finish());
  expect(() => compareTypes(many, many)).toThrowError(expect.objectContaining({ code: "SIDECAR_STEPS" }));
});
