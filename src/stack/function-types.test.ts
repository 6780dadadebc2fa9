import { expect, test } from "vitest";
import { BtfBuilder } from "../btf/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { FunctionTypes } from "./function-types.ts";

test("a name with several prototypes has none, one with the same twice has it", () => {
  const builder = new BtfBuilder();
  const int = builder.addInt("int", 4);
  const one = builder.addFuncProto(int, [{ name: "how", type: int }]);
  const none = builder.addFuncProto(int, []);
  for (const [name, prototype] of [
    ["show", one],
    ["show", none],
    ["store", one],
    ["store", one],
  ] as const)
    builder.addFunc(name, prototype);
  const kernel = { kernelBtf: { btf: builder.toBtf() }, modules: [] } as unknown as Kernel;
  const types = new FunctionTypes(kernel);
  expect(types.find("show", undefined)).toBeUndefined();
  expect(types.find("store", undefined)?.parameters.map(({ name }) => name)).toEqual(["how"]);
  expect(types.find("store.cold", undefined)).toBeUndefined();
  expect(types.find("store", "absent")).toBeUndefined();
});
