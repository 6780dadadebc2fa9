import { expect, test } from "vitest";
import { linesOfMessage, parseLogText } from "./log-text.ts";

test.each([
  ["[   12.345678] BUG: x", { time: 12.345678, caller: undefined, text: "BUG: x" }],
  ["<4>[   12.345678]  frame+0x1/0x2", { time: 12.345678, caller: undefined, text: " frame+0x1/0x2" }],
  ["[   12.345678][  T294] BUG: x", { time: 12.345678, caller: "T294", text: "BUG: x" }],
  ["[   12.345678] [    C1]  <IRQ>", { time: 12.345678, caller: "C1", text: " <IRQ>" }],
  ["kern  :emerg : [   12.345678] BUG: x", { time: 12.345678, caller: undefined, text: "BUG: x" }],
  ["6,416,1758426,-,caller=T1;BUG: x", { time: 1.758426, caller: undefined, text: "BUG: x" }],
  ["Nov 22 21:27:04 host kernel: BUG: x", { time: undefined, caller: undefined, text: "BUG: x" }],
  ["2026-11-22T21:27:04+00:00 host kernel: BUG: x", { time: undefined, caller: undefined, text: "BUG: x" }],
  ["[Sun Nov 22 21:27:04 2026] BUG: x", { time: undefined, caller: undefined, text: "BUG: x" }],
  ["\u001b[31mBUG: x\u001b[0m\r", { time: undefined, caller: undefined, text: "BUG: x" }],
  ["BUG: x", { time: undefined, caller: undefined, text: "BUG: x" }],
])("takes prefixes off %j", (line, expected) => {
  expect(parseLogText(line)).toEqual([{ sequence: 1, ...expected }]);
});

test("parts of a pstore dump are put in order", () => {
  const text = "Panic#1 Part1\n<4>[    2.0] third\nPanic#1 Part2\n<4>[    1.0] first\n<4>[    1.5] second\n";
  expect(parseLogText(text).map((line) => line.text)).toEqual(["first", "second", "third"]);
});

test("a message of several lines has one sequence and one time", () => {
  const lines = linesOfMessage({ sequence: 7, time: 1_500_000_000n, caller: "T1", text: "one\n two" });
  expect(lines).toEqual([
    { sequence: 7, time: 1.5, caller: "T1", text: "one" },
    { sequence: 7, time: 1.5, caller: "T1", text: " two" },
  ]);
});
