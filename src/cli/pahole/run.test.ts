import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncodeOptions } from "../../encode/options.ts";
import type { EncodeResult } from "../../encode/result.ts";
import { FileError, FormatError } from "../../io/index.ts";
import { keptStreams } from "../../../test/unit/kept-streams.ts";
import type { Encode } from "./encode-files.ts";
import { runPahole } from "./run.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-pahole-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function resultOf(btf: Uint8Array | undefined): EncodeResult {
  return {
    btf,
    littleEndian: true,
    diagnostics: [{ severity: "warning", code: "ODD", text: "something odd" }],
    statistics: { units: 1, typesBeforeDedup: 1, types: 1, functions: 0, variables: 0 },
  };
}

async function run(
  args: string[],
  encode: Encode = () => Promise.resolve(resultOf(Uint8Array.of(1, 2))),
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const streams = keptStreams();
  const exitCode = await runPahole(args, streams, encode);
  return { exitCode, stdout: streams.stdout, stderr: streams.stderr };
}

describe("runPahole", () => {
  it("writes a detached file with pahole's permissions, and says nothing", async () => {
    const path = join(folder, "detached");
    const asked: EncodeOptions[] = [];
    const result = await run(["-J", "-j3", `--btf_encode_detached=${path}`, "vmlinux"], (_file, options) => {
      asked.push(options);
      return Promise.resolve(resultOf(Uint8Array.of(7)));
    });
    expect(result).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect([...readFileSync(path)]).toEqual([7]);
    expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
    expect(asked[0]).toMatchObject({ jobs: 3, features: { var: true, float: false } });
    expect(asked[0]!.variables).toBeUndefined();
  });

  it("keeps the permissions of a file that is there", async () => {
    const path = join(folder, "present");
    writeFileSync(path, "old", { mode: 0o604 });
    const before = statSync(path).mode;
    await run([`--btf_encode_detached=${path}`, "vmlinux"]);
    expect(statSync(path).mode).toBe(before);
    expect(readFileSync(path)).toHaveLength(2);
  });

  it.each<[string, Encode]>([
    ["no such file", () => Promise.reject(new FileError("f", "ENOENT", "open"))],
    ["not ELF", () => Promise.reject(new FormatError("ELF_MAGIC", "not an ELF file", { file: "f" }))],
    ["no DWARF", () => Promise.resolve(resultOf(undefined))],
    [
      "every unit left out",
      () => {
        const result = resultOf(Uint8Array.of(1));
        return Promise.resolve({ ...result, statistics: { ...result.statistics, types: 0 } });
      },
    ],
  ])("exits 0 without output or word: %s", async (_name, encode) => {
    const path = join(folder, "never");
    expect(await run([`--btf_encode_detached=${path}`, "f"], encode)).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
    expect(() => statSync(path)).toThrow();
    const verbose = await run(["-V", `--btf_encode_detached=${path}`, "f"], encode);
    expect(verbose).toMatchObject({ exitCode: 0 });
    expect(verbose.stderr).toMatch(/^f: .+\n$/m);
  });

  it("says what is wrong with DWARF that is there, and exits 0 as pahole does", async () => {
    const broken = new FormatError("DWARF", "unknown form 0x99", {
      file: "f",
      section: ".debug_info",
      offset: 12,
    });
    expect(await run(["-J", "f"], () => Promise.reject(broken))).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "dwarfless-pahole: f: .debug_info+0xc: unknown form 0x99\nError while encoding BTF.\n",
    });
  });

  it("exits 1 when the output cannot be written", async () => {
    const path = join(folder, "absent", "x");
    expect(await run([`--btf_encode_detached=${path}`, "f"])).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: `dwarfless-pahole: ${path}: cannot write: no such file or directory\nFailed to encode BTF\n`,
    });
  });

  it.each([
    ["absent", undefined, -2],
    ["text", "hello world", -4001],
    ["empty", "", -5],
  ])("exits 1 with libbpf's number for a bad base: %s", async (name, text, number) => {
    const base = join(folder, `base-${name}`);
    if (text !== undefined) writeFileSync(base, text);
    const { exitCode, stderr } = await run(["-J", `--btf_base=${base}`, "f"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Failed to parse base BTF '${base}': ${number}\n`);
  });

  it("encodes nothing without a file, or without DWARF in the list of formats", async () => {
    const never: Encode = () => Promise.reject(new Error("called"));
    expect(await run(["-J"], never)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await run(["-J", "-F", "btf", "f"], never)).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("says with -V what the encoder remarked", async () => {
    const { stderr } = await run(["-V", `--btf_encode_detached=${join(folder, "v")}`, "f"]);
    expect(stderr).toBe("f: warning: something odd [ODD]\n");
  });
});
