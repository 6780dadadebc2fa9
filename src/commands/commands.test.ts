import { describe, expect, test } from "vitest";
import { FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { globPattern } from "./pattern.ts";
import { hexLines, resolveAddress } from "./read.ts";
import { parseAddress, parseLength } from "./sym.ts";

describe("patterns", () => {
  test.each([
    ["init_*", "init_task", true],
    ["init_*", "reinit_task", false],
    ["*_task", "init_task", true],
    ["?rb", "prb", true],
    ["?rb", "rb", false],
    ["a.b", "axb", false],
    ["***a***b", "xxaxxb", true],
    ["a[0]", "a[0]", true],
  ])("%s and %s: %s", (pattern, name, fits) => {
    expect(globPattern(pattern).test(name)).toBe(fits);
  });
});

test("addresses are hexadecimal, with 0x or 16 digits", () => {
  expect(parseAddress("0xff")).toBe(255n);
  expect(parseAddress("ffffffff81000000")).toBe(0xffff_ffff_8100_0000n);
  expect(parseAddress("schedule")).toBeUndefined();
  expect(parseAddress("dead")).toBeUndefined();
  expect(parseAddress("0x11112222333344445")).toBeUndefined();
});

test("lengths are positive numbers", () => {
  expect(parseLength("64")).toBe(64);
  expect(parseLength("0x40")).toBe(64);
  for (const text of ["0", "-1", "1e3", "", "x", "99999999999999999999"]) {
    expect(() => parseLength(text), text).toThrow("no number of bytes");
  }
});

test("a per-CPU variable is no address", () => {
  const named = (): { address: bigint; kind: string }[] => [{ address: 0x100n, kind: "percpu" }];
  const kernel = { symbols: { named } } as unknown as Kernel;
  expect(() => resolveAddress(kernel, "runqueues")).toThrow("&per_cpu(runqueues, 0)");
});

test("bytes that are not there are dashes, never zeros", () => {
  const error = new FaultError("excluded", 0x1002n, "virtual");
  const lines = [
    ...hexLines({
      address: 0x1000n,
      bytes: Uint8Array.of(0x41, 0x00, 0, 0, 0x42),
      faults: [{ offset: 2, byteSize: 2, error }],
    }),
  ];
  expect(lines).toEqual([`0000000000001000  41 00 -- -- 42${" ".repeat(34)}  |A...B|`]);
});

test("lines of sixteen, addresses that wrap", () => {
  const address = 0xffff_ffff_ffff_fff0n;
  const lines = [...hexLines({ address, bytes: new Uint8Array(17), faults: [] })];
  expect(lines.map((line) => line.slice(0, 16))).toEqual(["fffffffffffffff0", "0000000000000000"]);
});
