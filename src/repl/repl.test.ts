import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import vm from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { kernelProgram } from "../../test/build/kernel-program.ts";
import { UsageError } from "../io/index.ts";
import { evaluate } from "../program/expression/index.ts";
import { unbroken } from "./breakable.ts";
import { completeLine } from "./completion.ts";
import { Interpreter } from "./interpreter.ts";
import { viewOf } from "./object-view.ts";
import { makeScope } from "./scope.ts";
import { startRepl } from "./start-repl.ts";

const { program } = kernelProgram();

/** Commands that print the words they were given. */
const commands = ["ps", "net", "sys", "twice", "struct"].map((name) => ({
  name,
  description: `the words of ${name}`,
  run: async (words: readonly string[]) => {
    if (words[0] === "--bad") throw new UsageError(`${name}: no option --bad`);
    return `${[name, ...words].join("|")}\n`;
  },
}));

/** What a session prints for lines, its errors and its exit code. */
async function session(lines: string[]): Promise<{ out: string; err: string; code: number }> {
  const streams = { input: new PassThrough(), output: new PassThrough(), error: new PassThrough() };
  streams.input.end(lines.join("\n"));
  const out = text(streams.output);
  const err = text(streams.error);
  const code = await startRepl(
    program,
    { ...streams, environment: {} },
    { scope: { twice: (x: number) => x * 2 }, commands },
  );
  streams.output.end();
  streams.error.end();
  return { out: (await out).trimEnd(), err: (await err).trimEnd(), code };
}

describe("startRepl", () => {
  it.each([
    // C, as JavaScript would not take it or its names are the kernel's.
    ["init_task.pid", "(int)1"],
    ["init_task.parent->pid", "(int)1"],
    ["init_task.pid + 1", "(int)2"],
    ["(struct task *)0", "(struct task *)0x0"],
    ["*(int *)&counter", "(int)-5"],
    ["sizeof(struct task)", "(unsigned long)120"],
    ["per_cpu(runqueues, 1).curr->comm", '(char [16])"kthreadd"'],
    ["sizeof(init_task)", "(unsigned long)120"],
    ["STATE_RUNNING", "(enum state)STATE_RUNNING"],
    ["`state.3`", "(int)555"],
    [".c 10 / 4", "(int)2"],
    ["struct point", "struct point { // 8 bytes\n    int x; // 0, 4 bytes\n    int y; // 4, 4 bytes\n}"],
    ["pid_t", "typedef int pid_t // 4 bytes"],
    // Commands.
    ["ps", "ps"],
    ["ps -A 'a b' \"c\"d", "ps|-A|a b|cd"],
    [".ps -u", "ps|-u"],
    ["ps /bin/sh", "ps|/bin/sh"],
    ["net", "net"],
    ["struct point.x init_task", "struct|point.x|init_task"],
    // JavaScript has a name of its own, and what goes on as an expression is one.
    [".twice 1", "twice|1"],
    ["let ps = 5; ps", "5"],
    // JavaScript.
    ["10 / 4", "2.5"],
    ["program.init_task.pid", "(int)1"],
    ["program.init_task.comm.string()", "'swapper'"],
    ["`${init_task.comm}/${init_task.pid}`", "'swapper/1'"],
    [".js init_task.pid + 1", "2"],
    ["{ a: 1 }", "{ a: 1 }"],
    ["await Promise.resolve(counter)", "(int)-5"],
    ["[init_task.pid, 2].map(String)", "[ '1', '2' ]"],
    ["twice(21)", "42"],
    ["sizeof('struct task')", "120"],
    ["offsetof('struct task', 'grid[1]')", "80"],
    ["container_of(program.tasks.next, 'struct task', 'tasks').pid", "(int)1"],
    ["per_cpu('runqueues', 0).nr_running", "(int)10"],
    ["per_cpu_ptr(program.runqueues.$.addressOf(), 1).nr_running", "(int)11"],
    ["cast('u8', 300)", "(u8)44"],
    ["c('init_task.parent->pid')", "(int)1"],
    ["(await import('node:os')).EOL", "'\\n'"],
    ["program", "Program (variables and functions of the kernel by name, and the methods of Program)"],
    ["undefined", ""],
    ["", ""],
    // Commands.
    [".sym init_task", "0xffffffff81000100 init_task"],
    [".sym 0xffffffff81000110", "0xffffffff81000110 init_task+0x10"],
    [".sym ffffffff81000110", "0xffffffff81000110 init_task+0x10"],
    [".sym &init_task.comm", "0xffffffff81000108 init_task+0x8"],
    [".sym 16", "0x10 lies in no symbol"],
    [".sym ext_only", "0xffffffff81000398 ext_only [ext]"],
    [
      ".type init_task.at",
      "struct point { // 8 bytes\n    int x; // 0, 4 bytes\n    int y; // 4, 4 bytes\n}",
    ],
  ])("answers %s", async (line, expected) => {
    expect(await session([line])).toEqual({ out: expected, err: "", code: 0 });
  });

  it.each([
    [
      "init_task.conm",
      'init_task.conm\n          ^~~~\nerror: no member "conm" in "struct task"; did you mean "comm"?',
    ],
    ["struct tusk", 'error: no type "struct tusk"'],
    ["program.nothing", 'error: no variable "nothing"'],
    ["program.init_task.conm", 'error: no member "conm"'],
    ["counter = 5", "Uncaught TypeError: counter is the kernel's, which is only read"],
    ["program.init_task.pid = 1", "Uncaught TypeError: the kernel's memory is only read"],
    ["let 5", "Uncaught SyntaxError"],
    ["(() => { throw new RangeError('far') })()", "Uncaught RangeError: far"],
    ["throw 5", "Uncaught 5"],
    ["await Promise.reject(new Error('no'))", "Uncaught Error: no"],
    ["no_task->pid + 1", "error: 0x0: not mapped"],
    [".nothing", "no command .nothing"],
    [".type nothing", "error:"],
    ["cast('int', 'x')", "error: usage: cast(TYPE, OBJECT or number)"],
    ["sizeof({})", "error: usage: a type's name"],
    ["per_cpu(program.runqueues, -1)", "error: no CPU -1"],
  ])("refuses %s and goes on", async (line, expected) => {
    const { out, err, code } = await session([line, "6 * 7"]);
    expect(err).toContain(expected);
    expect([out, code]).toEqual(["42", 1]);
  });

  it.each([
    ["ps a b | tr a-z A-Z", "PS|A|B"],
    ["ps | tr p q | tr s t", "qt"],
    ["ps '|' | wc -l", "1"],
    [".ps 'a > b' | cat", "ps|a > b"],
    ["ps init_task.parent->pid | cat", "ps|init_task.parent->pid"],
    ["ps | true", ""],
    ["ps | grep nothing", ""],
    // Operators, where no command of a shell can follow.
    ["let ps = 6; ps | 1", "7"],
  ])("gives to the shell what is printed: %s", async (line, expected) => {
    const { out, err, code } = await session([line]);
    expect([out, err, code]).toEqual([expected, "", 0]);
  });

  it("writes to files what is printed, and says where that fails", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "dwarfless repl "));
    try {
      const file = path.join(folder, "out");
      const { out, err, code } = await session([`ps 1 > '${file}'`, `.ps 2 >> '${file}'`, "6 * 7"]);
      expect([out, err, code, readFileSync(file, "utf8")]).toEqual(["42", "", 0, "ps|1\nps|2\n"]);
      const failed = await session([`ps > '${folder}'`, "ps | no-such-program", "6 * 7"]);
      expect([failed.out, failed.code]).toEqual(["42", 1]);
      expect(failed.err).toContain("did not run: cat > ");
      expect(failed.err).toContain("did not run: no-such-program");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("keeps what is declared, and lets it hide the kernel's names", async () => {
    const { out } = await session([
      "counter",
      "var big = 1; big",
      "counter + 1",
      "const x = await Promise.resolve(3)",
      "x + init_task.pid",
      "function counter() { return 'mine' }",
      "counter()",
      "let tasks = 1",
      "tasks + 1",
      ".c tasks.next == &init_task.tasks",
    ]);
    expect(out.split("\n")).toEqual(["(int)-5", "1", "(int)-4", "4", "'mine'", "2", "(int)1"]);
  });

  it("takes several lines for one, in both languages", async () => {
    const { out } = await session([
      "function f(a) {",
      "  return a * 2;",
      "}",
      "f(4)",
      "init_task.parent",
      "(1 +",
      "2)",
      "*(struct point *)",
      "  &init_task.at.x",
      "[1,",
      "2].length",
      "`a",
      "b`.length",
      ".exit",
      "never",
    ]);
    const lines = out.split("\n");
    expect(lines[0]).toBe("8");
    expect(lines.slice(-7)).toEqual(
      ["3", "(struct point){", "\t.x = (int)11,", "\t.y = (int)-1,", "}", "2", "3"].slice(-7),
    );
  });
});

describe("viewOf", () => {
  const view = (expression: string): ReturnType<typeof viewOf> => viewOf(evaluate(program, expression));

  it("gives members, elements and methods", () => {
    const read = (code: string): unknown =>
      vm.runInNewContext(`Number(task.${code})`, { task: view("init_task") });
    expect(read("parent.pid")).toBe(1);
    expect(read("grid[1][2].x")).toBe(105);
    expect(read("tail[3]")).toBe(10);
    expect(read("comm.byteSize")).toBe(16);
    expect(view("init_task").$.address).toBe(0xffffffff81000100n);
    expect(Object.keys(view("init_task.at"))).toEqual(["x", "y"]);
    expect("pid" in view("init_task")).toBe(true);
    expect("nothing" in view("init_task")).toBe(false);
    expect([...(view("matrix[1]") as never as Iterable<unknown>)].map(Number)).toEqual([9, 16, 25]);
  });

  it.each([
    ["counter", -5],
    ["big", 0xfedcba9876543210n],
    ["init_task.level", -3],
    ["is_ready", 1],
    ["ratio", 1.5],
    ["&counter", 0xffffffff81000310n],
    ["init_task.comm", "swapper"],
  ])("calculates with %s as %s", (expression, expected) => {
    const value = view(expression) as never as { [Symbol.toPrimitive](hint: string): unknown };
    expect(value[Symbol.toPrimitive]("default")).toBe(expected);
  });

  it.each([
    ["text", "hello, world"],
    ["current_state", "STATE_NEGATIVE"],
    ["&counter", "0xffffffff81000310"],
    ["counter", "-5"],
  ])("writes %s as %s", (expression, expected) => {
    expect(`${view(expression) as never as string}`).toBe(expected);
  });

  it("is no promise, has JSON, and is inspected as C", async () => {
    expect(await Promise.resolve(view("counter"))).toBeDefined();
    expect(JSON.stringify(view("init_task.at"))).toBe('{"x":11,"y":-1}');
    expect(inspect({ at: view("counter") })).toBe("{ at: (int)-5 }");
  });
});

describe("completeLine", () => {
  const context = vm.createContext({});
  const interpreter = new Interpreter(program, context, makeScope(program), unbroken, [], async () => {});
  vm.runInContext("let mine = { alpha: 1 }", context);

  it.each([
    ["init_ta", "init_task", "init_ta"],
    ["init_task.co", "comm", "co"],
    ["1 + program.init_task.parent.gr", "grid", "gr"],
    ["program.coun", "counter", "coun"],
    ["program.sym", "symbol symbolizer", "sym"],
    ["conta", "container_of", "conta"],
    ["progr", "program", "progr"],
    [".ty", ".type", ".ty"],
    [".type list_", "list_head", "list_"],
    [".c init_task.parent->p", "parent pid", "p"],
  ])("offers for %s", (line, names, replaced) => {
    expect(completeLine(line, interpreter)).toEqual([names.split(" "), replaced]);
  });

  it("leaves to JavaScript what is its own", () => {
    expect(completeLine("mine.al", interpreter)).toBeUndefined();
    expect(completeLine("xyzzy.al", interpreter)).toBeUndefined();
  });
});

it("says what is wrong with a command's words, and goes on", async () => {
  const { out, err, code } = await session(["ps --bad", "ps 'a", ".nothing", "ps 1"]);
  expect(out).toBe("ps|1");
  expect(err.split("\n")).toEqual([
    expect.stringContaining("ps: no option --bad"),
    expect.stringContaining("a quote without end: 'a"),
    expect.stringContaining("no command .nothing"),
  ]);
  expect(code).toBe(1);
});

it("takes a command whose name is a deprecated one in Node's own prompt", async () => {
  const warned = vi.spyOn(process, "emitWarning");
  expect((await session(["sys"])).out).toBe("sys");
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

it("completes commands, and what they take", () => {
  const context = vm.createContext();
  const interpreter = new Interpreter(
    program,
    context,
    makeScope(program),
    unbroken,
    commands,
    async () => {},
  );
  expect(completeLine("p", interpreter)![0]).toContain("ps");
  expect(completeLine(".n", interpreter)).toEqual([[".net"], ".n"]);
  expect(completeLine("struct poi", interpreter)).toEqual([["point"], "poi"]);
  expect(completeLine("struct point.", interpreter)).toEqual([["x", "y"], ""]);
  expect(completeLine("ps init_t", interpreter)).toEqual([["init_task"], "init_t"]);
});
