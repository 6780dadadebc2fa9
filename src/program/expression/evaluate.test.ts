import { beforeAll, describe, expect, it } from "vitest";
import { FaultError } from "../../io/index.ts";
import { type KernelProgram, kernelProgram } from "../../../test/build/kernel-program.ts";
import { evaluate, evaluateType } from "./evaluate.ts";
import { ExpressionError } from "./expression-error.ts";

let kernel: KernelProgram;
beforeAll(() => {
  kernel = kernelProgram();
});

/** `type value` of a scalar; `type @0xaddress` of what is no scalar. */
function result(text: string): string {
  const object = evaluate(kernel.program, text);
  const type = object.type.typeName();
  const { kind } = object.type.underlying;
  if (["struct", "union", "array", "function", "void"].includes(kind)) {
    const place =
      object.address === undefined ? object.kind : `@0x${(object.address & 0xffffn).toString(16)}`;
    return `${type} ${place}`;
  }
  const value = object.value();
  const isAddress = kind === "pointer" && typeof value === "bigint";
  return `${type} ${isAddress ? `0x${(value > 0xffffffff81000000n ? value & 0xffffn : value).toString(16)}` : value}`;
}

describe("evaluate", () => {
  it.each([
    // Literals.
    ["1", "int 1"],
    ["2147483648", "long 2147483648"],
    ["0x80000000", "unsigned int 2147483648"],
    ["0x100000000", "long 4294967296"],
    ["0x8000000000000000", "unsigned long 9223372036854775808"],
    ["18446744073709551615", "unsigned long 18446744073709551615"],
    ["1u", "unsigned int 1"],
    ["1ull", "unsigned long long 1"],
    ["1ll", "long long 1"],
    ["'A'", "int 65"],
    ["'\\xff'", "int -1"],
    ['"abc"', "char [4] value"],
    ['"abc"[1]', "char 98"],
    ["NULL", "void * 0x0"],
    ["true", "int 1"],
    // Arithmetic.
    ["1 + 2 * 3", "int 7"],
    ["-7 / 2", "int -3"],
    ["-7 % 2", "int -1"],
    ["1u - 2", "unsigned int 4294967295"],
    ["-1 < 1u", "int 0"],
    ["-1 < 1", "int 1"],
    ["1 << 31 >> 31", "int -1"],
    ["~0u >> 28", "unsigned int 15"],
    ["1 ? 2 : 3ul", "unsigned long 2"],
    ["0 ?: 5", "int 5"],
    ["4 ?: 5", "int 4"],
    ["(1, 2, 3)", "int 3"],
    ["!5 || 0 && 1", "int 0"],
    ["3 > 2 > 1", "int 0"],
    ["ratio * 2", "double 3"],
    ["(char)200", "char -56"],
    ["(u8)-1", "u8 255"],
    ["(bool)7", "bool true"],
    ["(_Bool)0", "_Bool false"],
    ["small + letter", "int 265"],
    ["(long)(int)0xffffffff", "long -1"],
    ["(unsigned long)-1", "unsigned long 18446744073709551615"],
    ["(long long unsigned)1", "unsigned long long 1"],
    ["STATE_RUNNING + 1", "int 4"],
    ["STATE_NEGATIVE", "enum state -1"],
    ["(enum state)3 == STATE_RUNNING", "int 1"],
    ["WIDE_TOP", "enum wide 9223372036854775808"],
    // Variables and members.
    ["counter", "int -5"],
    ["big", "u64 18364758544493064720"],
    ["big >> 60", "u64 15"],
    ["is_ready", "bool true"],
    ["init_task", "struct task @0x100"],
    ["init_task.pid", "int 1"],
    ["init_task.flags", "unsigned int 5"],
    ["init_task.level", "int -3"],
    ["init_task.level + 1", "int -2"],
    ["init_task.comm", "char [16] @0x108"],
    ["init_task.comm[1]", "char 119"],
    ["1[init_task.comm]", "char 119"],
    ["*init_task.comm", "char 115"],
    ["init_task.at.y", "int -1"],
    ["init_task.raw >> 32", "long -1"],
    ["init_task.grid[1][2].x", "int 105"],
    ["init_task.tail[2]", "u8 9"],
    ["init_task.parent->pid", "int 1"],
    ["init_task.parent.pid", "int 1"],
    ["init_task.tasks.next", "struct list_head * 0x218"],
    ["init_task->pid", "int 1"],
    ["(&init_task)->pid", "int 1"],
    ["(*&init_task).pid", "int 1"],
    ["(&init_task)[1].pid", "int 168364039"],
    ["&init_task.pid", "int * 0x100"],
    ["&init_task.grid[1]", "struct point (*)[3] 0x150"],
    ["*(int *)&init_task", "int 1"],
    ["((struct task *)&init_task)->comm[0]", "char 115"],
    ["&init_task + 1", "struct task * 0x178"],
    ["(char *)&init_task + 8 == init_task.comm", "int 1"],
    ["(void *)&init_task + 8", "void * 0x108"],
    ["&init_task.grid[1] - &init_task.grid[0]", "long 1"],
    ["matrix[1][2]", "int 25"],
    ["*(*(matrix + 1) + 2)", "int 25"],
    ["matrix", "int [2][3] @0x340"],
    ["names[1][0]", "char 115"],
    ["text[7]", "char 119"],
    ["*text", "char 104"],
    ["no_task", "struct task * 0x0"],
    ["no_task == NULL", "int 1"],
    ["no_task == 0", "int 1"],
    ["!no_task", "int 1"],
    ["no_task ? no_task->pid : -1", "int -1"],
    ["no_task && no_task->pid", "int 0"],
    ["&init_task != no_task", "int 1"],
    ["&init_task == 0xffffffff81000100", "int 1"],
    ["no_task->pid, 2", "int 2"],
    ["&no_task->comm", "char (*)[16] 0x8"],
    ["init_task.handler", "int (*)(int how) 0x3c0"],
    ["*init_task.handler", "int (int how) @0x3c0"],
    ["schedule", "void (void) @0x3c0"],
    ["&schedule", "void (*)(void) 0x3c0"],
    ["*schedule", "void (void) @0x3c0"],
    ["(unsigned long)schedule & 0xfff", "unsigned long 960"],
    // Types.
    ["sizeof(int)", "unsigned long 4"],
    ["sizeof(struct task)", "unsigned long 120"],
    ["sizeof init_task", "unsigned long 120"],
    ["sizeof(init_task.comm)", "unsigned long 16"],
    ["sizeof(no_task->comm)", "unsigned long 16"],
    ["sizeof(no_task->parent->parent->pid + 1l)", "unsigned long 8"],
    ["sizeof(wild_task->grid[no_task->pid])", "unsigned long 24"],
    ["sizeof(1 / (counter - counter))", "unsigned long 4"],
    ["sizeof(u64)", "unsigned long 8"],
    ["sizeof u64", "unsigned long 4"],
    ["sizeof(struct task *)", "unsigned long 8"],
    ["sizeof(struct point[3])", "unsigned long 24"],
    ["sizeof(int[sizeof(long)])", "unsigned long 32"],
    ["sizeof(int (*)(void))", "unsigned long 8"],
    ['sizeof("abc")', "unsigned long 4"],
    ["sizeof(runqueues)", "unsigned long 24"],
    ["sizeof(per_cpu(runqueues, 9).curr->comm)", "unsigned long 16"],
    ["sizeof(1 ? 1 : 1l)", "unsigned long 8"],
    ["sizeof(typeof(init_task.at))", "unsigned long 8"],
    ["sizeof(matrix) / sizeof(matrix[0])", "unsigned long 2"],
    ["(typeof(init_task.pid))3.5e0", "!"],
    ["(typeof(big))-1", "u64 18446744073709551615"],
    ["(typeof(&init_task))0", "struct task * 0x0"],
    ["offsetof(struct task, comm)", "unsigned long 8"],
    ["offsetof(struct task, at.y)", "unsigned long 52"],
    ["offsetof(struct task, grid[1][2].y)", "unsigned long 100"],
    ["offsetof(struct task, grid[counter + 6].x)", "!"],
    ["offsetof(struct task, grid[counter + 6][0].x)", "unsigned long 80"],
    ["offsetof(typeof(init_task), tail[5])", "unsigned long 125"],
    ["container_of(tasks.next, struct task, tasks)", "struct task * 0x100"],
    ["container_of(tasks.next, struct task, tasks)->pid", "int 1"],
    ["container_of(&init_task.grid[1][0], struct task, grid[1])->pid", "int 1"],
    ["container_of(init_task.tasks.next, typeof(init_task), tasks)->comm[0]", "char 107"],
    ["container_of(init_task.comm, struct task, comm)->pid", "int 1"],
    // Per-CPU.
    ["per_cpu(runqueues, 0).nr_running", "int 10"],
    ["per_cpu(runqueues, 1).nr_running", "int 11"],
    ["per_cpu(runqueues, 1).curr->pid", "int 2"],
    ["per_cpu(runqueues.load.y, 1)", "int 71"],
    ["per_cpu_ptr(&runqueues, 1)->nr_running", "int 11"],
    ["*per_cpu_ptr(&runqueues.load.y, 0)", "int 70"],
    ["&runqueues", "struct rq * 0x1000"],
    // Names that several have.
    ["dup", "int 111"],
    ["vmlinux::dup", "int 111"],
    ["ext::dup.value", "int 333"],
    ["dup@0xffffffff81000388", "long 222"],
    ["dup@0xffffffff81000390", "struct inner @0x390"],
    ["ext::dup@0xffffffff81000390", "struct inner @0x390"],
    ["ext_only.value", "int 444"],
    ["ext::twin.value", "int 444"],
    ["twin@0xffffffff810003e8", "long 0"],
    ["&helper@0xffffffff810003f8", "void * 0x3f8"],
    ["sizeof(struct point)", "unsigned long 8"],
    ["sizeof(struct ext::point)", "unsigned long 16"],
    ["&((struct ext::point *)0)->z", "long * 0x8"],
    ["(ext::inner_t)-1", "inner_t -1"],
    ["state.3", "int 555"],
    ["`state.3` + 1", "int 556"],
    ["&`foo.constprop.0`", "void * 0x3d0"],
    // Symbols without a type.
    ["&mystery", "void * 0x3a8"],
    ["(int)mystery", "int 42"],
    ["*(int *)&mystery", "int 42"],
    ["(int)mystery + 1", "int 43"],
    ["(struct point)mystery", "struct point @0x3a8"],
    ["mystery@0xffffffff810003a8", "!"],
    ["(int)mystery@0xffffffff810003a8", "int 42"],
    // A typedef and a variable of one name.
    ["u64", "int 64"],
    ["(u64)", "int 64"],
    ["(u64)-1", "u64 18446744073709551615"],
    ["u64 - 1", "int 63"],
  ])("gives %s", (text, expected) => {
    if (expected === "!") expect(() => result(text)).toThrow(ExpressionError);
    else expect(result(text)).toBe(expected);
  });

  it("reads no memory for sizeof, typeof and offsetof, and only what is needed else", () => {
    const { memory } = kernel;
    const reads = (text: string): number => {
      const before = memory.readCount;
      evaluate(kernel.program, text);
      return memory.readCount - before;
    };
    expect(reads("sizeof(init_task.parent->parent->pid + counter)")).toBe(0);
    expect(reads("(typeof(init_task.parent->pid))0")).toBe(0);
    expect(reads("init_task.grid[1][2].x")).toBe(0);
    expect(reads("init_task.parent->pid")).toBe(1);
    expect(reads("0 && counter")).toBe(0);
    expect(reads("1 ? init_task : *no_task")).toBe(0);
  });

  it("keeps long chains off the stack", () => {
    expect(result("1" + "+1".repeat(20000))).toBe("int 20001");
    expect(result("0" + "||0".repeat(20000))).toBe("int 0");
    expect(result("init_task" + ".parent".repeat(8000) + ".pid")).toBe("int 1");
    expect(result("sizeof(init_task" + ".parent".repeat(8000) + ".pid)")).toBe("unsigned long 4");
    expect(result("(".repeat(190) + "counter" + ")".repeat(190))).toBe("int -5");
    expect(result("(1+".repeat(190) + "0" + ")".repeat(190))).toBe("int 190");
    expect(result("1 ? ".repeat(190) + "1" + " : 2l".repeat(190))).toBe("long 1");
  });
});

describe("errors of evaluate", () => {
  it.each([
    ["nothing", "EXPRESSION_NAME", 1, 'no variable "nothing"'],
    ["1 + countr", "EXPRESSION_NAME", 5, 'did you mean "counter"?'],
    ["init_task.conm", "EXPRESSION_NAME", 11, 'did you mean "comm"?'],
    ["init_task.parent->xyz + 1", "EXPRESSION_NAME", 19, 'no member "xyz"'],
    ["counter.x", "EXPRESSION_TYPE", 9, "not a struct or union"],
    ["init_task[init_task.comm]", "EXPRESSION_TYPE", 11, "is not an integer"],
    ["1 + MODE_ON", "EXPRESSION_NAME", 5, "several values: 1 in enum one_mode, 2 in enum other_mode"],
    ["(struct nope *)0", "EXPRESSION_NAME", 2, 'no type "struct nope"'],
    ["sizeof(struct opaque)", "EXPRESSION_TYPE", 1, "no size"],
    ["(struct task)init_task.at", "EXPRESSION_TYPE", 1, "cast a pointer"],
    ["pid_t", "EXPRESSION_TYPE", 1, '"pid_t" is a type, not a value'],
    ["1 / 0", "EXPRESSION_VALUE", 3, "division by zero"],
    ["1 % (counter - counter)", "EXPRESSION_VALUE", 3, "division by zero"],
    ["1 << -1", "EXPRESSION_VALUE", 3, "shift"],
    ["init_task + 1", "EXPRESSION_TYPE", 11, "invalid operands"],
    ["!init_task", "EXPRESSION_TYPE", 1, "neither true nor false"],
    ["-&counter", "EXPRESSION_TYPE", 1, "unary -"],
    ["*counter", "EXPRESSION_TYPE", 1, "not a pointer"],
    ["*(void *)0", "EXPRESSION_TYPE", 1, "pointer to void"],
    ["&1", "EXPRESSION_TYPE", 1, "a value has no address"],
    ["&init_task.flags", "EXPRESSION_TYPE", 1, "bit field"],
    ["sizeof(init_task.flags)", "EXPRESSION_TYPE", 1, "bit field"],
    ["offsetof(struct task, flags)", "EXPRESSION_TYPE", 23, "bit field"],
    ["offsetof(struct task, at.q)", "EXPRESSION_NAME", 26, 'no member "q"'],
    ["offsetof(struct task, pid[1])", "EXPRESSION_TYPE", 26, "not an array"],
    ["container_of(counter, struct task, pid)", "EXPRESSION_TYPE", 14, "not a pointer"],
    ["container_of(&counter, struct task, nope)", "EXPRESSION_NAME", 37, 'no member "nope"'],
    ["counter[1]", "EXPRESSION_TYPE", 9, "neither an array nor a pointer"],
    ["matrix[ratio]", "EXPRESSION_TYPE", 8, "not an integer"],
    ["matrix[&counter]", "EXPRESSION_TYPE", 8, "not an integer"],
    ["1 ? init_task : 2", "EXPRESSION_TYPE", 3, "branches"],
    ["per_cpu(counter, 0)", "EXPRESSION_TYPE", 9, "not a per-CPU variable"],
    ["per_cpu(runqueues, -1)", "EXPRESSION_VALUE", 20, "no CPU -1"],
    ["per_cpu_ptr(counter, 0)", "EXPRESSION_TYPE", 13, "not a pointer"],
    ["mystery", "EXPRESSION_TYPE", 1, 'the type of "mystery" is not known'],
    ["other::dup", "EXPRESSION_NAME", 1, "module other"],
    ["dup@0x10", "EXPRESSION_NAME", 1, "dup@0x10"],
    [
      "1 + twin",
      "EXPRESSION_NAME",
      5,
      '2 variables are named "twin", say which: twin@0xffffffff810003e0, twin@0xffffffff810003e8',
    ],
    ["vmlinux::twin", "EXPRESSION_NAME", 1, "2 variables"],
    ["&helper", "EXPRESSION_NAME", 2, '2 symbols are named "helper"'],
    ["(struct nomod::task *)0", "EXPRESSION_NAME", 2, "module nomod"],
    ["(void[2])0", "EXPRESSION_TYPE", 2, "no size"],
    ["sizeof(int[-1])", "EXPRESSION_VALUE", 12, "-1 elements"],
    ["wild_task->pid + 1", "FAULT", 16, "not mapped"],
    ["1 + *&wild_task->pid", "FAULT", 3, "not mapped"],
    ["wild_task->parent->pid", "FAULT", 20, "not mapped"],
    ["untouchable.pid == 1", "FAULT", 17, "not mapped"],
  ])("says of %s: %s at column %i", (text, code, column, problem) => {
    let thrown: unknown;
    try {
      evaluate(kernel.program, text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ExpressionError);
    const error = thrown as ExpressionError;
    expect([error.code, error.column]).toEqual([code, column]);
    expect(error.message).toContain(problem);
    if (code === "FAULT") expect(error.cause).toBeInstanceOf(FaultError);
  });

  it("never reads a per-CPU variable without a CPU", () => {
    for (const text of ["runqueues.nr_running + 1", "!runqueues.curr", "runqueues.curr->pid"]) {
      expect(() => evaluate(kernel.program, text)).toThrow(ExpressionError);
    }
  });
});

describe("evaluateType", () => {
  it.each([
    ["struct task *[2]", "struct task *[2]"],
    ["typeof(init_task.comm)", "char [16]"],
    ["typeof(init_task.grid[0]) *", "struct point (*)[3]"],
    ["const char *", "const char *"],
    ["int (*)(u64, ...)", "int (*)(u64, ...)"],
    ["struct ext::point", "struct point"],
    ["unsigned", "unsigned int"],
  ])("finds %s", (text, name) => {
    expect(evaluateType(kernel.program, text).typeName()).toBe(name);
  });
});
