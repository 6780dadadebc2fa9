import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keptStreams } from "../../test/unit/kept-streams.ts";
import type { EncodeOptions } from "../encode/options.ts";
import type { EncodeResult } from "../encode/result.ts";
import { UsageError } from "../io/index.ts";
import type { EncodeFile } from "./encode-command.ts";
import { runDwarfless } from "./program.ts";
import { version } from "./version.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const result: EncodeResult = {
  btf: Uint8Array.of(1, 2, 3),
  littleEndian: true,
  diagnostics: [
    {
      severity: "warning",
      code: "ODD",
      text: "odd unit",
      location: { file: "in", section: ".debug_info", offset: 16 },
    },
    { severity: "warning", code: "ODD", text: "odd unit" },
    { severity: "info", code: "NOTE", text: "a note" },
  ],
  statistics: { units: 1, typesBeforeDedup: 9, types: 1, functions: 2, variables: 0 },
};

async function run(
  args: string[],
  encodeFile: EncodeFile = () => Promise.resolve(result),
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const streams = keptStreams();
  const exitCode = await runDwarfless(args, streams, { encodeFile });
  return { exitCode, stdout: streams.stdout, stderr: streams.stderr };
}

describe("dwarfless encode", () => {
  it("writes the BTF and says what it did on one line", async () => {
    const output = join(folder, "one.btf");
    const { exitCode, stdout, stderr } = await run(["encode", "in", "-o", output]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`in: 1 type, 2 functions, 0 variables -> ${output} (3 bytes)\n`);
    expect(stderr).toBe(
      "dwarfless: warning: in: .debug_info+0x10: odd unit (and 1 more of this kind) [ODD]\n",
    );
    expect(readFileSync(output)).toHaveLength(3);
  });

  it("hands every option to the encoder", async () => {
    const asked: EncodeOptions[] = [];
    const output = join(folder, "two.btf");
    await run(
      [
        "encode",
        "in",
        "-o",
        output,
        "--vars=all",
        "-j2",
        "--features=float",
        "--array-rule",
        "flat",
        "--lang=c11",
      ],
      (_file, options) => {
        asked.push(options);
        return Promise.resolve(result);
      },
    );
    expect(asked[0]).toMatchObject({
      variables: "all",
      jobs: 2,
      features: { float: true, var: false },
      arrayRule: "flat",
      languages: new Set([0x1d]),
    });
  });

  it("writes the split, the distilled base and the report beside it", async () => {
    const output = join(folder, "three.btf");
    const report = join(folder, "three.json");
    const counts = {
      dataSymbols: 1,
      dataSymbolsTyped: 1,
      dataSymbolsDescribed: 1,
      variables: 0,
      functions: 2,
      types: 1,
    };
    const { stdout } = await run(
      ["encode", "in", "-o", output, "--split-vars", `${output}.vars`, "--report", report, "--json"],
      () =>
        Promise.resolve({
          ...result,
          diagnostics: [],
          splitVariables: Uint8Array.of(4),
          distilledBase: Uint8Array.of(5, 6),
          report: { schema: 1, omissions: [{ kind: "symbol", name: "x", rule: "NO_DWARF" }], counts },
        }),
    );
    expect(JSON.parse(stdout)).toEqual({
      schema: 1,
      file: "in",
      byteSize: 3,
      littleEndian: true,
      statistics: result.statistics,
      counts,
      written: [
        { path: output, kind: "btf", byteSize: 3 },
        { path: `${output}.base`, kind: "distilled-base", byteSize: 2 },
        { path: `${output}.vars`, kind: "split-variables", byteSize: 1 },
        { path: report, kind: "report", byteSize: readFileSync(report).length },
      ],
      diagnostics: [],
    });
    expect(JSON.parse(readFileSync(report, "utf8"))).toEqual({
      schema: 1,
      file: "in",
      omissions: [{ kind: "symbol", name: "x", rule: "NO_DWARF" }],
      counts,
    });
  });

  it("exits 1 when there is no DWARF", async () => {
    const output = join(folder, "none.btf");
    const { exitCode, stdout, stderr } = await run(["encode", "in", "-o", output], () =>
      Promise.resolve({ ...result, btf: undefined, diagnostics: [] }),
    );
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "dwarfless: in: no DWARF to encode\n",
    });
    expect(existsSync(output)).toBe(false);
  });

  it("writes nothing with --strict and a warning", async () => {
    const output = join(folder, "strict.btf");
    const { exitCode } = await run(["encode", "in", "-o", output, "--strict"]);
    expect(exitCode).toBe(1);
    expect(existsSync(output)).toBe(false);
  });

  it("encodes nothing when the output cannot be written", async () => {
    const never: EncodeFile = () => Promise.reject(new Error("called"));
    await expect(run(["encode", "in", "-o", join(folder, "absent", "x")], never)).rejects.toThrow(
      /cannot write/,
    );
  });
});

describe("usage", () => {
  it.each([
    [["foo"], /^unknown command 'foo'$/],
    [["encode"], /^missing required argument 'FILE'$/],
    [["encode", "a", "b"], /^too many arguments/],
    [["encode", "a", "--foo"], /^unknown option '--foo'/],
    [["encode", "a", "--var=x"], /^unknown option '--var=x' \(Did you mean --vars\?\)$/],
    [["encode", "a", "-o"], /^option '-o, --output <OUT>' argument missing$/],
    [["btf", "dmp"], /^unknown command 'dmp' \(Did you mean dump\?\)$/],
    [["btf", "dump", "a", "c++"], /^format 'c\+\+' is not one of/],
    [["btf", "check", "a", "--kernel", "2.4"], /^--kernel: '2.4' is no release of a kernel from 6.1 on/],
  ])("refuses %j", async (args, message) => {
    await expect(run(args)).rejects.toThrow(UsageError);
    await expect(run(args)).rejects.toThrow(message);
  });

  it("prints help on stdout when asked, on stderr with exit 2 when nothing was asked", async () => {
    expect(await run(["--help"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await run([])).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await run(["btf"])).toMatchObject({ exitCode: 2, stdout: "" });
  });

  it.each(["encode", "btf dump", "btf diff", "btf check"])(
    "has an example in the help of %s",
    async (command) => {
      const { stdout } = await run([...command.split(" "), "--help"]);
      expect(stdout).toContain(`$ dwarfless ${command} `);
    },
  );

  it("prints the package's version", async () => {
    const packageFile = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect((await run(["--version"])).stdout).toBe(`${packageFile.version}\n`);
    expect(version).toBe(packageFile.version);
  });
});

describe("dwarfless btf", () => {
  it("says what a file without BTF is", async () => {
    const file = join(folder, "module.ko.xz");
    writeFileSync(file, Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0));
    await expect(run(["btf", "dump", file])).rejects.toThrow(
      `${file}: xz-compressed file: decompress it first`,
    );
    const empty = join(folder, "empty");
    writeFileSync(empty, "");
    await expect(run(["btf", "dump", empty])).rejects.toThrow(`${empty}: empty file`);
  });

  it("asks for the base of split BTF", async () => {
    const file = join(folder, "split.btf");
    writeFileSync(file, splitBtf());
    await expect(run(["btf", "dump", file])).rejects.toThrow(/split\.btf: split BTF, .*--base/);
  });

  it("does not take a file that was cut off for split BTF", async () => {
    const file = join(folder, "cut.btf");
    writeFileSync(file, splitBtf().subarray(0, 24));
    await expect(run(["btf", "dump", file])).rejects.toThrow(/cut\.btf: \.BTF\+0x8: .* leaves the blob/);
  });
});

/** Split BTF of one PTR to a type of the base, named by nothing. */
function splitBtf(): Uint8Array {
  const words = Uint32Array.of(0x0001eb9f, 24, 0, 12, 12, 2, 0, 0x02000000, 77);
  return Buffer.concat([Buffer.from(words.buffer), Buffer.from("x\0")]);
}
