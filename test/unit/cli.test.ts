import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BtfBuilder } from "../../src/btf/index.ts";
import { buildElf as elf } from "../build/elf.ts";

const project = resolve(import.meta.dirname, "../..");
const programs = resolve(project, "dist/cli");
/** The folder beside the programs' files that has the bytecode for this Node. */
const buildOfNode = `${process.version}-${process.platform}-${process.arch}-${statSync(process.execPath).size}`;
let folder: string;

beforeAll(() => {
  if (!isBuilt()) {
    const script = "npx rolldown -c rolldown.config.mjs && node scripts/code-cache.mjs";
    const build = spawnSync("sh", ["-c", script], { cwd: project, encoding: "utf8" });
    if (build.status !== 0) throw new Error(`the build failed:\n${build.stdout}${build.stderr}`);
  }
  folder = mkdtempSync(join(tmpdir(), "dwarfless-spawn-"));
  makeInputs();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether `dist/` is there and no source of the command line is newer. */
function isBuilt(): boolean {
  const program = join(programs, "dwarfless.js");
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  const sources = join(project, "src/cli");
  return readdirSync(sources, { recursive: true, encoding: "utf8" }).every(
    (file) => file.endsWith(".test.ts") || statSync(join(sources, file)).mtimeMs <= built,
  );
}

function makeInputs(): void {
  const write = (name: string, bytes: Uint8Array | string): void => writeFileSync(join(folder, name), bytes);
  const plain = elf({ sections: [{ name: ".text", bytes: [0x90] }] });
  mkdirSync(join(folder, "folder"));
  write("empty", "");
  write("text", "hello, world\n");
  write("magic", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
  write("truncated", plain.subarray(0, plain.length - 20));
  write("no-dwarf", plain);
  // A unit of 0xff bytes in a section of 7.
  const info = { name: ".debug_info", bytes: [0xff, 0, 0, 0, 5, 0, 1] };
  write("broken-dwarf", elf({ sections: [info, { name: ".debug_abbrev", bytes: [0] }] }));
  write("good.btf", btf());
  write("cut.btf", btf().subarray(0, 40));
  write("bad-btf", elf({ sections: [{ name: ".BTF", bytes: [0x9f, 0xeb, 1] }] }));
  write("unreadable", "x");
  chmodSync(join(folder, "unreadable"), 0);
}

function btf(): Uint8Array {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  return builder.finish();
}

function run(
  program: "dwarfless" | "dwarfless-pahole",
  args: readonly string[],
  environment = {},
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(programs, `${program}.js`), ...args], {
    cwd: folder,
    encoding: "utf8",
    timeout: 30_000,
    env: { ...process.env, DWARFLESS_DEBUG: "", ...environment },
  });
}

/** `[exit code, stdout, stderr]`, for one comparison. */
function outcome(result: SpawnSyncReturns<string>): [number | null, string, string] {
  return [result.status, result.stdout, result.stderr];
}

describe("dwarfless encode on bad input: exit 2 and one line", () => {
  it.each([
    ["absent", /^dwarfless: absent: cannot open: no such file or directory\n$/],
    ["folder", /^dwarfless: folder: cannot open: is a directory\n$/],
    ["empty", /^dwarfless: empty: not an ELF file\n$/],
    ["text", /^dwarfless: text: not an ELF file\n$/],
    ["magic", /^dwarfless: magic: .+\n$/],
    ["truncated", /^dwarfless: truncated: .*\n$/],
    ["broken-dwarf", /^dwarfless: broken-dwarf: \.debug_[a-z]+(\+0x[0-9a-f]+)?: .+\n$/],
  ])("%s", (file, message) => {
    const [status, stdout, stderr] = outcome(run("dwarfless", ["encode", file, "-o", "out"]));
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });

  it("exit 1 for an ELF file without DWARF", () => {
    expect(outcome(run("dwarfless", ["encode", "no-dwarf"]))).toEqual([
      1,
      "",
      "dwarfless: no-dwarf: no DWARF to encode\n",
    ]);
    expect(existsSync(join(folder, "no-dwarf.btf"))).toBe(false);
  });

  it.each([
    [["-o", "absent/out"], "absent/out: cannot write: no such file or directory"],
    [["-o", "folder"], "folder: cannot write: is a directory"],
    [["-o", "text/out"], "text/out: cannot write: not a directory"],
    [["--vars", "most"], "--vars: 'most' is not one of percpu, all, none"],
    [["-j", "none"], "-j: 'none' is not a number of threads from 1 to 1024"],
    [["--frob"], "unknown option '--frob'"],
    [["--base", "absent"], "absent: cannot open: no such file or directory"],
    [["--base", "empty"], "empty: empty file"],
    [["--base", "text"], "text: neither BTF nor ELF"],
    [["--base", "no-dwarf"], "no-dwarf: no .BTF section"],
    [
      ["--base", "broken-dwarf"],
      "broken-dwarf: no .BTF section, only DWARF: encode it first (dwarfless encode)",
    ],
  ])("%j", (args, message) => {
    expect(outcome(run("dwarfless", ["encode", "broken-dwarf", ...args]))).toEqual([
      2,
      "",
      `dwarfless: ${message}\n`,
    ]);
  });

  it("says that a file may not be read", (context) => {
    context.skip(process.getuid?.() === 0, "root may read every file");
    expect(run("dwarfless", ["encode", "unreadable"]).stderr).toBe(
      "dwarfless: unreadable: cannot open: permission denied\n",
    );
  });

  it("shows the stack with DWARFLESS_DEBUG only", () => {
    expect(run("dwarfless", ["encode", "text"], { DWARFLESS_DEBUG: "1" }).stderr).toMatch(/\n {4}at /);
  });
});

describe("dwarfless btf on files", () => {
  it("dumps, compares and checks", () => {
    expect(outcome(run("dwarfless", ["btf", "dump", "good.btf"]))).toEqual([
      0,
      "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n",
      "",
    ]);
    expect(outcome(run("dwarfless", ["btf", "dump", "good.btf", "decls"]))).toEqual([0, "", ""]);
    const header = run("dwarfless", ["btf", "dump", "good.btf", "c"]);
    expect([header.status, header.stderr]).toEqual([0, ""]);
    expect(outcome(run("dwarfless", ["btf", "diff", "good.btf", "good.btf"]))).toEqual([0, "", ""]);
    expect(outcome(run("dwarfless", ["btf", "check", "good.btf"]))).toEqual([
      0,
      "good.btf: 1 type, no problem\n",
      "",
    ]);
  });

  it.each(["absent", "folder", "empty", "text", "magic", "cut.btf", "bad-btf", "no-dwarf"])(
    "exit 2 and one line for %s",
    (file) => {
      const commands = [
        ["dump", file],
        ["diff", "good.btf", file],
      ];
      // BTF that breaks off is BTF, and what `check` finds in it is the answer.
      if (file.endsWith("btf")) {
        const [status, stdout, stderr] = outcome(run("dwarfless", ["btf", "check", file]));
        expect([status, stderr]).toEqual([1, ""]);
        expect(stdout).toMatch(new RegExp(`^${file}: \\.BTF\\+0x.+\\n$`));
      } else {
        commands.push(["check", file]);
      }
      for (const command of commands) {
        const [status, stdout, stderr] = outcome(run("dwarfless", ["btf", ...command]));
        expect([status, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(new RegExp(`^dwarfless: ${file}: .+\\n$`));
      }
    },
  );

  it("ends quietly when nobody reads on", () => {
    const script = `"${process.execPath}" "${join(programs, "dwarfless.js")}" encode --help | true; exit \${PIPESTATUS[0]}`;
    const { status, stderr } = spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });
});

describe("where something is missing that only makes it fast", () => {
  it("prints without memory for WebAssembly, for which V8 wants 8 GiB of addresses", () => {
    const call = (format: string): string =>
      `"${process.execPath}" "${join(programs, "dwarfless.js")}" btf dump good.btf ${format}`;
    for (const format of ["raw", "c", "c --unsorted", "json", "json --pretty"]) {
      const [expected, found] = ["true", "ulimit -v 5000000"].map((limit) =>
        spawnSync("bash", ["-c", `${limit}; ${call(format)}`], { cwd: folder, encoding: "utf8" }),
      );
      expect([expected!.status, expected!.stderr]).toEqual([0, ""]);
      expect([found!.status, found!.stderr, found!.stdout]).toEqual([0, "", expected!.stdout]);
    }
  });

  it.each<[string, (cache: Uint8Array) => Uint8Array | undefined]>([
    ["no bytecode", () => undefined],
    ["empty bytecode", () => new Uint8Array(0)],
    ["bytecode of another version", (cache) => cache.map((byte, at) => (at < 16 ? byte ^ 0xff : byte))],
    ["bytecode that is cut short", (cache) => cache.subarray(0, cache.length >> 1)],
  ])("runs with %s", (_, change) => {
    expectSameOutput((chunks) => {
      mkdirSync(join(chunks, buildOfNode), { recursive: true });
      for (const name of readdirSync(chunks)) {
        if (!name.endsWith(".js")) continue;
        const cache = join(chunks, buildOfNode, `${name}.cache`);
        const changed = change(existsSync(cache) ? readFileSync(cache) : new Uint8Array(1000));
        rmSync(cache, { force: true });
        if (changed !== undefined) writeFileSync(cache, changed);
      }
    });
  });

  it("leaves the bytecode of other builds of Node alone, which V8 would take and fall over", () => {
    expectSameOutput((chunks) => {
      renameSync(join(chunks, buildOfNode), join(chunks, `${process.version}-linux-other-1`));
      for (const name of readdirSync(join(chunks, `${process.version}-linux-other-1`))) {
        const cache = join(chunks, `${process.version}-linux-other-1`, name);
        // V8's header is good, what it heads is not.
        writeFileSync(cache, readFileSync(cache).fill(0xff, 64));
      }
    });
  });

  it("takes the bytecode of its own build of Node", () => {
    const report = join(folder, "report.cjs");
    writeFileSync(
      report,
      `const vm = require("node:vm");
      vm.Script = class extends vm.Script {
        constructor(source, options) {
          super(source, options);
          if (this.cachedDataRejected !== false) console.log(options.filename, this.cachedDataRejected);
        }
      };`,
    );
    const program = join(programs, "dwarfless.js");
    const result = spawnSync(process.execPath, ["-r", report, program, "btf", "dump", "good.btf", "raw"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(outcome(result)).toEqual(outcome(run("dwarfless", ["btf", "dump", "good.btf", "raw"])));
  });

  /** Dump BTF with a copy of the programs that is changed, and unchanged. */
  function expectSameOutput(change: (chunks: string) => void): void {
    const copy = join(folder, "programs");
    cpSync(programs, copy, { recursive: true });
    change(join(copy, "chunks"));
    const result = spawnSync(process.execPath, [join(copy, "dwarfless.js"), "btf", "dump", "good.btf", "c"], {
      cwd: folder,
      encoding: "utf8",
    });
    rmSync(copy, { recursive: true });
    expect(outcome(result)).toEqual(outcome(run("dwarfless", ["btf", "dump", "good.btf", "c"])));
    expect(result.stdout).toContain("#ifndef __VMLINUX_H__");
  }
});

describe("dwarfless-pahole on bad input: what pahole does", () => {
  it.each(["absent", "folder", "empty", "text", "magic", "truncated", "no-dwarf"])(
    "exit 0, no word and no output for %s",
    (file) => {
      expect(outcome(run("dwarfless-pahole", ["-J", "--btf_encode_detached=out", file]))).toEqual([
        0,
        "",
        "",
      ]);
      expect(existsSync(join(folder, "out"))).toBe(false);
    },
  );

  it("exit 0 and the reason for broken DWARF", () => {
    const [status, stdout, stderr] = outcome(
      run("dwarfless-pahole", ["-J", "--btf_encode_detached=out", "broken-dwarf"]),
    );
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^dwarfless-pahole: broken-dwarf: \.debug_.+\nError while encoding BTF\.\n$/);
  });

  it.each([
    [["--foo"], 64],
    [["-J", "--btf"], 64],
    [["no-dwarf"], 64],
    [["-J", "--lang=klingon", "no-dwarf"], 1],
    [["-J", "--btf_features_strict=klingon", "no-dwarf"], 1],
    [["-J", "--btf_base=absent", "no-dwarf"], 1],
    [["--version"], 0],
  ])("%j", (args, status) => {
    expect(run("dwarfless-pahole", args).status).toBe(status);
  });

  it("answers as scripts/pahole-version.sh of the kernel asks", () => {
    const { stdout } = run("dwarfless-pahole", ["--version"]);
    expect(stdout.replace(/v([0-9]+)\.([0-9]+)/, "$1$2")).toBe("132\n");
  });
});
