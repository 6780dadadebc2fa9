import { expect, test } from "vitest";
import { taskStateLetter } from "./sched.ts";

// Values of include/linux/sched.h; letters as fs/proc/array.c has them.
test.each([
  ["running", 0, 0, "R"],
  ["interruptible", 0x1, 0, "S"],
  ["interruptible and freezable", 0x2001, 0, "S"],
  ["uninterruptible", 0x2, 0, "D"],
  ["killable", 0x102, 0, "D"],
  ["idle", 0x402, 0, "I"],
  ["idle and freezable", 0x2402, 0, "I"],
  ["stopped", 0x4, 0, "T"],
  ["traced", 0x8, 0, "t"],
  ["parked", 0x40, 0, "P"],
  ["frozen", 0x8000, 0, "D"],
  ["waiting for a sleeping lock", 0x1000, 0, "D"],
  ["dead", 0x80, 0x10, "X"],
  ["a zombie", 0x80, 0x20, "Z"],
  ["a zombie that was idle", 0x402, 0x20, "Z"],
])("a task that is %s", (_, state, exitState, letter) => {
  expect(taskStateLetter(state, exitState)).toBe(letter);
});
