import { describe, expect, it } from "vitest";
import { grownInt32, grownUint32, powerOfTwoAtLeast } from "./columns.ts";

describe.each([
  ["grownInt32", grownInt32, Int32Array],
  ["grownUint32", grownUint32, Uint32Array],
] as const)("%s", (_name, grown, Column) => {
  it("returns what is large enough as it is", () => {
    const column = new Column(10);
    expect(grown(column as never, 0)).toBe(column);
    expect(grown(column as never, 10)).toBe(column);
  });

  it("copies into a larger one, at least half as large again", () => {
    const column = new Column(1000).map((_, i) => i);
    const larger = grown(column as never, 1001);
    expect(larger.length).toBe(1500);
    expect([...larger.subarray(0, 1000)]).toEqual([...column]);
    expect(grown(column as never, 5000).length).toBe(5000);
    expect(grown(new Column(0) as never, 1).length).toBe(64);
  });
});

describe("powerOfTwoAtLeast", () => {
  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 4],
    [1023.5, 1024],
    [2 ** 31 + 1, 2 ** 32],
  ])("of %d is %d", (value, power) => {
    expect(powerOfTwoAtLeast(value)).toBe(power);
  });
});
