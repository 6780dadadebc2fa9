import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { rolldown } from "rolldown";
import { assemblyScript } from "../../scripts/assemblyscript.mjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
let folder: string;
let program: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "dwarfless-repl-"));
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  const bundle = await rolldown({
    input: path.join(root, "test/build/repl-entry.ts"),
    platform: "node",
    external: ["piscina", "zstddec"],
    plugins: [assemblyScript()],
  });
  await bundle.write({ dir: folder, format: "esm", entryFileNames: "repl.mjs" });
  program = path.join(folder, "repl.mjs");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the debugger as a program, without a terminal", () => {
  const run = (input: string): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [program], { input, encoding: "utf8", timeout: 30_000 });

  it("prints values, no prompts, and exits with 0", () => {
    const { status, stdout, stderr } = run("init_task.pid\n1 +\n2\nconsole.log('out')\n");
    expect([stdout, stderr, status]).toEqual(["(int)1\n3\nout\n", "", 0]);
  });

  it("goes on behind errors, and exits with 1", () => {
    const { status, stdout, stderr } = run("init_task.conm\nthrow new Error('boo')\ncounter");
    expect(stdout).toBe("(int)-5\n");
    expect(stderr).toBe(
      'init_task.conm\n          ^~~~\nerror: no member "conm" in "struct task"; did you mean "comm"?\nUncaught Error: boo\n',
    );
    expect(status).toBe(1);
  });

  it("says when the input ends too early", () => {
    const { status, stderr } = run("(1 +");
    expect([status, stderr]).toEqual([1, "Uncaught SyntaxError: the input ends within an expression\n"]);
  });
});

const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;

describe.skipIf(!hasPython)("the debugger at a terminal (needs python3 for the terminal)", () => {
  const drive = (steps: [string, string][]): string => {
    const script = path.join(folder, "steps.json");
    writeFileSync(script, JSON.stringify(steps));
    const driver = path.join(root, "test/build/terminal.py");
    const environment = {
      ...process.env,
      TERM: "xterm",
      NO_COLOR: "1",
      XDG_STATE_HOME: path.join(folder, "state"),
    };
    const { stdout, status } = spawnSync("python3", [driver, script, process.execPath, program], {
      encoding: "utf8",
      env: environment,
      maxBuffer: 1 << 27,
      timeout: 180_000,
    });
    expect(status === 0 ? "" : stdout.slice(-2000)).toBe("");
    return stdout;
  };

  it("completes with Tab, keeps history, remembers the last value", () => {
    const output = drive(
      [
        ["a small kernel[^]*dwarfless> ", "init_task.co\t"],
        ["comm", "\r"],
        ["swapper[^]*> ", "program.init_task.pa\t"],
        ["parent", ".pid\r"],
        ["\\(int\\)1[^]*> ", "sizeof(struct li\t"],
        ["list_head", ")\r"],
        ["\\)16[^]*> ", "6 * 7\r"],
        ["42[^]*> ", "_ + 1\r"],
        ["43[^]*> ", "[1,\r"],
        ["\\.\\.\\. ", "2]\r"],
        ["1, 2 \\][^]*> ", ".type lis\t"],
        ["list_head|> ", "\r"],
        ["> ", ".exit\r"],
      ].map(([pattern, text]) => [pattern!.replaceAll("[^]", "(?s:.)"), text!]),
    );
    expect(output).toContain('(char [16])"swapper"');
    const history = readFileSync(path.join(folder, "state/dwarfless/history"), "utf8").split("\n");
    expect(history).toContain("program.init_task.parent.pid");
    expect(history).toContain("init_task.comm");
  });

  it("lends the terminal to what the shell runs, and takes it back", () => {
    const output = drive([
      ["> ", "words a b | (tr a-z A-Z; read -r line < /dev/tty; echo read $line)\r"],
      ["A\\r\\nB\\r\\n", "typed\r"],
      ["read typed(?s:.)*> ", "words a | (echo began; sleep 60)\r"],
      ["\\nbegan\\r", "\u0003"],
      ["> ", "6 * 7\r"],
      ["42(?s:.)*> ", ".exit\r"],
    ]);
    expect(output).toContain("42");
  });

  it("stops printing, loops and waiting at Ctrl-C, and goes on", () => {
    const output = drive([
      ["> ", "'x'.repeat(1e6)\r"],
      ["xxxx", "\u0003"],
      ["interrupted: \\d+ characters left out(?s:.)*> ", "while (true) {}\r"],
      ["\\{\\}", "\u0003"],
      ["\\(interrupted\\)(?s:.)*> ", "await new Promise(() => {})\r"],
      ["=> \\{\\}\\)", "\u0003"],
      ["\\(interrupted\\)(?s:.)*> ", "counter\r"],
      ["\\(int\\)-5(?s:.)*> ", ".exit\r"],
    ]);
    expect(output).toContain("(int)-5");
  });
});
