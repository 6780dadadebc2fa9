import { describe, expect, it } from "vitest";
import { kernelProgram } from "../../../test/build/kernel-program.ts";
import { complete } from "./complete.ts";

const { program, memory } = kernelProgram();

describe("complete", () => {
  it.each([
    ["init_t", "init_task"],
    ["1 + cou", "counter"],
    ["siz", "size_t sizeof"],
    ["(pid", "pid_t"],
    ["(struct li", "list_head"],
    ["sizeof(struct ta", "task"],
    ["enum st", "state"],
    ["init_task.co", "comm"],
    ["init_task.parent->c", "comm"],
    ["init_task.parent.grid[1][0].", "x y"],
    ["2 * init_task.at.", "x y"],
    ["init_task . ra", "raw"],
    ["(&init_task)->ta", "tail tasks"],
    ["((struct task *)no_task)->fl", "flags"],
    ["(*wild_task->parent).p", "parent pid"],
    ["container_of(tasks.next, struct task, tasks)->p", "parent pid"],
    ["per_cpu(runqueues, 1).cu", "curr"],
    ["per_cpu(runqueues, 1).curr->p", "parent pid"],
    ["offsetof(struct task, gr", "grid"],
    ["offsetof(struct task, at.", "x y"],
    ["offsetof(struct task, grid[1][2].", "x y"],
    ["container_of(tasks.next, struct task, ta", "tail tasks"],
    ["container_of(init_task.pa", "parent"],
    ["ext::ext_only.", "value"],
    ["((struct ext::point *)0)->", "x z"],
    ["", ""],
    ["counter.", ""],
    ["nothing.", ""],
    ["0x1f", ""],
    ["1 + ", ""],
    ["init_task.parent->)", ""],
    ["]].", ""],
    [")", ""],
  ])("goes on with %s", (text, expected) => {
    const { from, names } = complete(program, text);
    expect(names.join(" ")).toBe(expected);
    expect(text.slice(from)).toMatch(/^[\w$]*$/);
  });

  it("completes at the cursor, not at the end", () => {
    expect(complete(program, "init_task.pi + counter", 12)).toMatchObject({ from: 10, names: ["pid"] });
  });

  it("reads no memory", () => {
    const before = memory.readCount;
    complete(program, "init_task.parent->parent->grid[counter][0].");
    expect(memory.readCount).toBe(before);
  });

  it("survives anything", () => {
    for (const text of [
      "(".repeat(5000) + ".",
      "a.".repeat(20000),
      "[".repeat(3000),
      "a->(((",
      "x".repeat(70000),
    ]) {
      expect(complete(program, text).names).toEqual([]);
    }
  });
});
