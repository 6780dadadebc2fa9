import { describe, expect, it, test } from "vitest";
import { FaultError } from "../io/index.ts";
import { Gaps, ipv6Text, taskStateLetter } from "../linux/index.ts";
import { logLines, parseLevels } from "./log.ts";
import { taintText } from "./mod.ts";
import { tableLines } from "./table.ts";

describe("tables", () => {
  const columns = [{ title: "PID", align: "right" }, { title: "COMM" }] as const;

  it("are as wide as their cells", () => {
    expect([
      ...tableLines(columns, [
        ["1", "init"],
        ["12345", "x"],
      ]),
    ]).toEqual(["  PID  COMM", "    1  init", "12345  x"]);
  });

  it("end at their width, and show that they do", () => {
    const [, line] = tableLines(columns, [["1", "x".repeat(200)]]);
    expect(line).toHaveLength(120);
    expect(line!.endsWith("x…")).toBe(true);
  });
});

test("levels of the log as dmesg has them", () => {
  expect([...parseLevels("err,6")]).toEqual([3, 6]);
  expect([...parseLevels("crit+")]).toEqual([0, 1, 2]);
  expect([...parseLevels("+info")]).toEqual([6, 7]);
  for (const text of ["", "loud", "8", "err,", "+", "++err"]) {
    expect(() => parseLevels(text), text).toThrow("is none of emerg");
  }
});

test("messages have their time before every line, and no control characters", () => {
  const record = { sequence: 7, time: 12_345_678_901n, level: 4, facility: 0, caller: "T1" };
  expect([...logLines({ ...record, text: "one\n\ttwo\u001b[0m" })]).toEqual([
    "[   12.345678] one",
    "[   12.345678] \ttwo\\x1b[0m",
  ]);
  expect([...logLines({ ...record, text: undefined })][0]).toContain("has not the text of message 7");
});

test("letters of taints and states", () => {
  expect(taintText(0x3001n)).toBe("POE");
  expect(taskStateLetter(0x402, 0)).toBe("I");
  expect(taskStateLetter(2, 0)).toBe("D");
  expect(taskStateLetter(0x8000, 0)).toBe("D");
  expect(taskStateLetter(0, 0x20)).toBe("Z");
});

test("IPv6 addresses leave out the longest run of zeros", () => {
  const text = (hex: string): string => ipv6Text(Buffer.from(hex, "hex"));
  expect(text("0".repeat(32))).toBe("::");
  expect(text(`${"0".repeat(31)}1`)).toBe("::1");
  expect(text("fe800000000000000000000000000001")).toBe("fe80::1");
  expect(text("20010db8000000010000000000000001")).toBe("2001:db8:0:1::1");
  expect(text("20010db8000100010001000100010001")).toBe("2001:db8:1:1:1:1:1:1");
});

test("what cannot be read costs a column, and is said once", () => {
  const gaps = new Gaps();
  const fault = (address: bigint) => (): never => {
    throw new FaultError("excluded", address, "virtual");
  };
  expect(gaps.column("cpu", fault(0x10n))).toBeNull();
  expect(gaps.column("cpu", fault(0x20n))).toBeNull();
  expect(gaps.column("pid", () => 1)).toBe(1);
  expect(gaps.diagnostics.map(({ text }) => text)).toEqual([
    "cpu: 0x10: page excluded from the dump (2 times)",
  ]);
  expect(() => gaps.column("cpu", () => (undefined as unknown as { x: number }).x)).toThrow(TypeError);
});
