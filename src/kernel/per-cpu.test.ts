import { expect, test } from "vitest";
import { listCpus } from "./per-cpu.ts";

test.each([
  [[], "none"],
  [[0], "0"],
  [[0, 1, 2, 3], "0-3"],
  [[0, 2, 3, 8], "0,2-3,8"],
] as [number[], string][])("CPUs %j are %s", (cpus, text) => {
  expect(listCpus(cpus)).toBe(text);
});
