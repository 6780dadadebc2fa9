import { expect, test } from "vitest";
import { nearestNames } from "./near-names.ts";

test("the names a few typing errors away, the nearest first", () => {
  expect(nearestNames("task_strukt", ["task_struct", "task_strukts_", "mm_struct", "task_sruct"])).toEqual([
    "task_struct",
    "task_strukts_",
    "task_sruct",
  ]);
});

test("the very name is no advice", () => {
  expect(nearestNames("init_task", ["init_task", "init_tasks"])).toEqual(["init_tasks"]);
});
