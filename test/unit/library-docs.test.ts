/** docs/library.md: its examples compile, print what it says, and no entry of the library is missing. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assemblyScript } from "../../scripts/assemblyscript.mjs";

const project = fileURLToPath(new URL("../..", import.meta.url));
const entry = path.join(project, "src/btf/index.ts");
const page = readFileSync(path.join(project, "docs/library.md"), "utf8");

/** The blocks of one language, all as one text. */
function blocks(language: string): string {
  const found = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)];
  return found.map(([, tag, text]) => (tag === language ? text : "")).join("");
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "dwarfless-docs-"));
  writeFileSync(path.join(directory, "example.ts"), blocks("ts"));
  // The compiler looks for the types of Node beside the program.
  symlinkSync(path.join(project, "node_modules"), path.join(directory, "node_modules"));
});
afterAll(() => rmSync(directory, { recursive: true }));

test("the examples pass the compiler", () => {
  const { compilerOptions } = JSON.parse(readFileSync(path.join(project, "tsconfig.json"), "utf8")) as {
    compilerOptions: object;
  };
  const options = {
    ...compilerOptions,
    module: "ESNext",
    moduleResolution: "Bundler",
    isolatedDeclarations: false,
  };
  const config = {
    compilerOptions: { ...options, declaration: false, paths: { "dwarfless/btf": [entry] } },
    files: ["example.ts"],
  };
  writeFileSync(path.join(directory, "package.json"), '{ "type": "module" }');
  writeFileSync(path.join(directory, "tsconfig.json"), JSON.stringify(config));
  const tsc = path.join(project, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", directory], { encoding: "utf8" });
  expect([status, stdout]).toEqual([0, ""]);
});

test("the examples print what stands below them", async () => {
  const input = path.join(directory, "example.ts");
  const bundle = await rolldown({
    input,
    platform: "node",
    plugins: [assemblyScript()],
    resolve: { alias: { "dwarfless/btf": entry } },
  });
  const file = path.join(directory, "example.mjs");
  await bundle.write({ format: "esm", file, codeSplitting: false });
  await bundle.close();
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toBe(blocks(""));
});

test("names all entries", async () => {
  const values = Object.keys(await import("../../src/btf/index.ts")).filter(
    (name) => !name.startsWith("BTF_"),
  );
  const index = readFileSync(entry, "utf8");
  const types = [...index.matchAll(/\btype (\w+)[,\s]/g)].map(([, name]) => name!);
  const all = [...values, ...types];
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
