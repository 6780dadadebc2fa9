import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildElf, noteBytes } from "../../test/build/elf.ts";
import { keptStreams } from "../../test/unit/kept-streams.ts";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { ElfFile } from "../elf/index.ts";
import type { EncodeOptions } from "../encode/options.ts";
import type { EncodeResult } from "../encode/result.ts";
import { MemorySource } from "../io/index.ts";
import { modinfo } from "../module/index.ts";
import { checksumOf, listStore, readSidecar } from "../sidecar/index.ts";
import { runDwarfless } from "./program.ts";

const buildId = "0123456789abcdef0123456789abcdef01234567";
const vermagic = "6.1.0-test SMP preempt mod_unload ";
const format = { is64: true, littleEndian: true };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-module-"));
  write("vmlinux", vmlinux(true));
  write("no-dwarf", vmlinux(false));
  write("split.btf", split());
  write("own.btf", ownBtf());
  write("other.btf", split(Btf.parse(otherBtf())));
  write("packed.ko.xz", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0));
  write("packed.ko.gz", gzipSync(moduleLike()));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const write = (name: string, bytes: Uint8Array): void => writeFileSync(at(name), bytes);

function ownBtf(): Uint8Array {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  builder.addInt("char", 1, 1);
  builder.addArray(2, 1, 56);
  builder.addStruct("module", 128, [{ name: "name", type: 3, bitOffset: 192 }]);
  return builder.finish();
}

/** The same count of types and bytes of names, other types. */
function otherBtf(): Uint8Array {
  const builder = new BtfBuilder();
  builder.addInt("char", 1, 1);
  builder.addInt("int", 4, 1);
  builder.addArray(1, 2, 56);
  builder.addStruct("module", 128, [{ name: "name", type: 3, bitOffset: 192 }]);
  return builder.finish();
}

function split(base: Btf = Btf.parse(ownBtf())): Uint8Array {
  const builder = new BtfBuilder({ base });
  const integer = base.name(1) === "int" ? 1 : 2;
  const variable = builder.addVar("panic_timeout", integer);
  builder.addDatasec(".data", 4, [{ type: variable, offset: 0, byteSize: 4 }]);
  return builder.finish();
}

function vmlinux(withDwarf: boolean): Uint8Array {
  const text = Buffer.from(`${vermagic}\0Linux version 6.1.0-test (someone) \0`);
  return buildElf({
    type: 2,
    sections: [
      { name: ".rodata", flags: 2, address: 0x1000, bytes: text },
      { name: ".notes", type: 7, bytes: noteBytes(format, "GNU", 3, Buffer.from(buildId, "hex")) },
      { name: ".BTF", bytes: ownBtf() },
      ...(withDwarf ? [{ name: ".debug_info", bytes: [0] }] : []),
    ],
    symbols: [{ name: "vermagic", value: 0x1000, section: ".rodata" }],
  });
}

function moduleLike(): Uint8Array {
  const text = Buffer.from(`license=GPL\0vermagic=${vermagic}\0`);
  return buildElf({ type: 1, sections: [{ name: ".modinfo", flags: 2, bytes: text }] });
}

const moduleId = "ff23456789abcdef0123456789abcdef01234567";

/** A module with DWARF and BTF of its own. */
function moduleFile(): Uint8Array {
  const builder = new BtfBuilder({ base: Btf.parse(ownBtf()) });
  builder.addTypedef("of_module", 1);
  return buildElf({
    type: 1,
    sections: [
      {
        name: ".note.gnu.build-id",
        type: 7,
        bytes: noteBytes(format, "GNU", 3, Buffer.from(moduleId, "hex")),
      },
      { name: ".BTF", bytes: builder.finish() },
      { name: ".debug_info", bytes: [0] },
    ],
  });
}

interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
  asked: EncodeOptions[];
}

async function run(args: string[], variables = 1): Promise<Ran> {
  const streams = keptStreams();
  const asked: EncodeOptions[] = [];
  const encodeFile = (_: string, options: EncodeOptions): Promise<EncodeResult> => {
    asked.push(options);
    return Promise.resolve({
      btf: split(),
      splitVariables: split(),
      littleEndian: true,
      diagnostics: [],
      statistics: { units: 1, typesBeforeDedup: 1, types: 2, functions: 0, variables },
    });
  };
  const exitCode = await runDwarfless(args, streams, { encodeFile });
  return { exitCode, stdout: streams.stdout, stderr: streams.stderr, asked };
}

async function modinfoOf(path: string): Promise<Map<string, string>> {
  const elf = ElfFile.open(new MemorySource(readFileSync(path), path));
  return modinfo(await elf.sectionBytes(elf.section(".modinfo")!));
}

test("encodes over the kernel's own BTF, and names the module after the file", async () => {
  const output = at("some-vars.ko");
  const { exitCode, stdout, asked } = await run(["module", at("vmlinux"), "-o", output]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^\S+some-vars\.ko: module some_vars for 6\.1\.0-test: 1 variable \(\d+ bytes, \d+ of/,
  );
  expect(asked).toMatchObject([{ splitVariables: true, base: ownBtf() }]);
  expect(Object.fromEntries(await modinfoOf(output))).toMatchObject({
    name: "some_vars",
    kernel: "6.1.0-test",
    build_id: buildId,
    variables: "1",
    vermagic,
  });
});

test("takes what is given instead, also without a vmlinux", async () => {
  const first = at("first.ko");
  const second = at("second.ko");
  const vars = ["--vars", at("split.btf"), "--name", "vars"];
  const { asked } = await run(["module", at("no-dwarf"), ...vars, "-o", first]);
  expect(asked).toEqual([]);
  const { stdout } = await run(["module", at("own.btf"), ...vars, "--like", first, "-o", second, "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ schema: 1, name: "vars", kernel: "6.1.0-test", buildId: null });
  expect((await modinfoOf(second)).get("vermagic")).toBe(vermagic);
});

test("takes facts from a module as distributions pack it", async () => {
  const output = at("like.ko");
  const args = [
    "module",
    at("own.btf"),
    "--vars",
    at("split.btf"),
    "--like",
    at("packed.ko.gz"),
    "-o",
    output,
  ];
  expect((await run(args)).exitCode).toBe(0);
  expect((await modinfoOf(output)).get("vermagic")).toBe(vermagic);
});

test("says when there is no variable to carry", async () => {
  const { exitCode, stderr } = await run(["module", at("vmlinux"), "-o", at("none.ko")], 0);
  expect([exitCode, stderr]).toEqual([1, `dwarfless: ${at("vmlinux")}: no variable that its BTF lacks\n`]);
});

test.each<[string[], RegExp]>([
  [["no-dwarf"], /no DWARF to take variables from: give their BTF with --vars$/],
  [["own.btf", "--vars", "split.btf"], /no symbols in it: name a module of that kernel/],
  [
    ["vmlinux", "--vars", "other.btf"],
    /not split from this kernel's BTF: panic_timeout has 4 bytes and its type 1/,
  ],
  [["vmlinux", "--vars", "own.btf"], /own\.btf: (no variable in it|not split from this kernel's BTF)/],
  [["vmlinux", "--like", "packed.ko.xz"], /packed\.ko\.xz: broken xz data: it ends too early$/],
  [["vmlinux", "--like", "no-dwarf"], /no kernel module: it has no \.modinfo$/],
  [["vmlinux", "--name", "../x"], /is no name for a module/],
  [["vmlinux", "--modinfo", "intree"], /'intree' is not KEY=VALUE$/],
  [["absent"], /cannot open: no such file/],
])("refuses %j", async (args, message) => {
  const words = args.map((word) => (/^(--|intree|\.\.)/.test(word) ? word : at(word)));
  const name = args.includes("--name") ? [] : ["--name", "vars"];
  await expect(run(["module", ...words, ...name, "-o", at("refused.ko")])).rejects.toThrow(message);
});

test("store add makes a sidecar that says what it is for; list shows it and what is damaged", async () => {
  const store = at("store");
  const added = await run(["store", "add", at("vmlinux"), "--store", store]);
  expect(added.stdout).toMatch(/0123\S+\.sidecar: added: 6\.1\.0-test, 1 variable \(/);
  const [sidecar] = listStore(store);
  const { header, btf } = readSidecar(readFileSync(sidecar!.path), sidecar!.path);
  expect(header).toMatchObject({
    buildId,
    release: "6.1.0-test",
    variables: 1,
    provenance: { source: "vmlinux" },
  });
  expect(Uint8Array.from(btf)).toEqual(split());

  // Taken into another store as it is.
  await run(["store", "add", sidecar!.path, "--store", at("second")]);
  const damaged = join(at("second"), `${"ab".repeat(20)}.sidecar`);
  writeFileSync(damaged, readFileSync(sidecar!.path).subarray(0, 50));
  const { stdout, stderr } = await run(["store", "list", "--store", at("second")]);
  expect(stdout).toMatch(/^0123[0-9a-f]{36} {2}6\.1\.0-test, 1 variable {2}\d+ bytes\n$/);
  expect(stderr).toBe(`dwarfless: ${damaged}: damaged sidecar: it ends within its header\n`);
});

test("store add puts modules in, and makes sidecars of modules alone", async () => {
  const folder = at("modules/drivers/net");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "a-module.ko"), moduleFile());
  writeFileSync(join(folder, "broken.ko"), "no module");
  const store = at("with-modules");
  const args = ["store", "add", at("vmlinux"), "--modules", at("modules"), "--store", store];
  const all = await run(args);
  expect(all.stdout).toMatch(/added: 6\.1\.0-test, 1 variable, and 1 of 1 module \(/);
  expect(all.stderr).toMatch(/^dwarfless: \S+broken\.ko: [^\n]*: left out\n$/);
  expect(all.asked).toMatchObject([{ base: ownBtf() }, { base: ownBtf(), ownBase: ownBtfOf(moduleFile()) }]);

  const alone = await run([
    "store",
    "add",
    join(folder, "a-module.ko"),
    "--base",
    at("vmlinux"),
    "--store",
    store,
  ]);
  expect(alone.stdout).toMatch(/ff23\S+\.sidecar: added: module a_module, 1 variable \(/);
  const part = {
    name: "a_module",
    buildId: moduleId,
    variables: 1,
    base: checksumOf(ownBtfOf(moduleFile())),
  };
  for (const { header } of listStore(store)) expect(header).toMatchObject({ modules: [part] });
  const { stdout } = await run(["store", "list", "--store", store]);
  expect(stdout).toMatch(
    /^0123\S+ {2}6\.1\.0-test, 1 variable, and 1 of 1 module {2}\d+ bytes\nff23\S+ {2}module a_module/,
  );

  await expect(run(["store", "add", join(folder, "a-module.ko"), "--store", store])).rejects.toThrow(
    /a-module\.ko: a module: name its kernel \(--base VMLINUX\)$/,
  );
  await expect(run([...args.slice(0, 3), "--modules", at("absent")])).rejects.toThrow(/absent/);
  mkdirSync(at("empty"));
  await expect(run([...args.slice(0, 3), "--modules", at("empty")])).rejects.toThrow(/no \.ko file in/);
});

function ownBtfOf(file: Uint8Array): Uint8Array {
  const elf = ElfFile.open(new MemorySource(file, "module"));
  return elf.rawBytes(elf.section(".BTF")!);
}

test.each<[string[], RegExp]>([
  [["get", buildId], /either --from URL or --from-debuginfod$/],
  [["get", buildId, "--from", "somewhere"], /'somewhere' is no http or https URL$/],
  [["get", buildId, "--from-debuginfod", "somewhere"], /'somewhere' is no http or https URL$/],
  [["serve", "--port", "70000"], /'70000' is no port$/],
])("store refuses %j", async (args, message) => {
  await expect(run(["store", ...args])).rejects.toThrow(message);
});
