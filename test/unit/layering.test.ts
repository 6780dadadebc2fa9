/** The linter holds the layers of ARCHITECTURE.md: small files that break its rules, in a copy of the layout, linted in one run. */

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";

const restricted = "eslint(no-restricted-imports)";

/** Folder, what it imports, the rule that this breaks. */
const imports: readonly [string, string, string | undefined][] = [
  ["util", "../io/index.ts", restricted],
  ["io", "../util/columns.ts", restricted],
  ["compress", "../elf/index.ts", restricted],
  ["elf", "../dwarf/constants.ts", restricted],
  ["elf", "../btf/index.ts", restricted],
  ["dwarf", "../elf/index.ts", restricted],
  ["dwarf", "../btf/index.ts", restricted],
  ["dwarf", "../compress/index.ts", restricted],
  ["btf", "../dwarf/index.ts", restricted],
  ["btf", "../encode/index.ts", restricted],
  ["btf/dedup", "../../elf/index.ts", restricted],
  ["encode", "../cli/program.ts", restricted],
  ["encode", "../compress/index.ts", restricted],
  ["cli", "../../test/build/elf.ts", restricted],
  ["encode", "commander", restricted],
  ["elf", "zstddec", restricted],
  ["cli/pahole", "piscina", restricted],
  ["dump", "../memory/index.ts", restricted],
  ["arch", "../dump/index.ts", restricted],
  ["kallsyms", "../memory/index.ts", restricted],
  ["program", "../kernel/index.ts", restricted],
  ["program/expression", "../../kallsyms/index.ts", restricted],
  ["kernel", "../linux/index.ts", restricted],
  ["linux", "../commands/index.ts", restricted],
  ["orc", "../memory/index.ts", restricted],
  ["kernel", "../stack/index.ts", restricted],
  ["stack", "../linux/index.ts", restricted],
  ["triage", "../commands/index.ts", restricted],
  ["linux", "../triage/index.ts", restricted],
  ["commands", "../cli/program.ts", restricted],
  ["dump", "hysnappy", restricted],
  ["module", "../kernel/index.ts", restricted],
  ["module", "../encode/index.ts", restricted],
  ["debuginfod", "../sidecar/index.ts", restricted],
  ["module", "../btf/index.ts", undefined],
  ["compress", "../io/index.ts", undefined],
  ["memory", "../dump/index.ts", undefined],
  ["program/expression", "../../btf/index.ts", undefined],
  ["kernel", "../kallsyms/index.ts", undefined],
  ["linux", "../kernel/index.ts", undefined],
  ["stack", "../orc/index.ts", undefined],
  ["linux", "../stack/index.ts", undefined],
  ["triage", "../linux/index.ts", undefined],
  ["commands", "../triage/index.ts", undefined],
  ["elf", "../compress/index.ts", undefined],
  ["dwarf", "../io/index.ts", undefined],
  ["btf/dedup", "../../util/columns.ts", undefined],
  ["btf/dedup", "../reader.ts", undefined],
  ["encode", "../dwarf/die-cursor.ts", undefined],
  ["encode", "piscina", undefined],
  ["cli/pahole", "../../encode/index.ts", undefined],
  ["cli/pahole", "../streams.ts", undefined],
];

const others: Readonly<Record<string, string>> = {
  "src/dwarf/dynamic.ts": `export const loaded: Promise<unknown> = import("../btf/index.ts");\n`,
  "src/elf/one.ts": `import type { Two } from "./two.ts";\nexport type One = Two | 1;\n`,
  "src/elf/two.ts": `import type { One } from "./one.ts";\nexport type Two = One[];\n`,
  "src/io/promise.ts": `export function start(): void {\n  Promise.resolve(1);\n}\n`,
};

const pathOf = (index: number): string => `src/${imports[index]![0]}/import-${index}.ts`;
let rulesBrokenBy: (path: string) => string[];

beforeAll(() => {
  const root = resolve(import.meta.dirname, "../..");
  const directory = mkdtempSync(join(tmpdir(), "dwarfless-lint-"));
  try {
    for (const name of [".oxlintrc.json", "tsconfig.json", "package.json"])
      copyFileSync(join(root, name), join(directory, name));
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    const files = { ...others };
    imports.forEach(([, path], index) => {
      files[pathOf(index)] = `import type { Thing } from "${path}";\nexport type Other = Thing;\n`;
    });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    const command = [join(root, "node_modules/oxlint/bin/oxlint"), "--format=json", "src"];
    const result = spawnSync(process.execPath, command, { cwd: directory, encoding: "utf8" });
    expect(result.status, result.stdout + result.stderr).toBe(1);
    const { diagnostics } = JSON.parse(result.stdout) as {
      diagnostics: { code: string; filename: string }[];
    };
    rulesBrokenBy = (path) => diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test.each(imports.map(([folder, path, rule], index) => ({ folder, path, rule, index })))(
  "src/$folder importing $path breaks $rule",
  ({ rule, index }) => {
    expect(rulesBrokenBy(pathOf(index))).toEqual(rule === undefined ? [] : [rule]);
  },
);

test("a dynamic import is an import", () => {
  expect(rulesBrokenBy("src/dwarf/dynamic.ts")).toEqual([restricted]);
});

test("a cycle of types alone is a cycle", () => {
  expect(rulesBrokenBy("src/elf/one.ts")).toEqual(["import(no-cycle)"]);
});

test("a promise that nobody waits for", () => {
  expect(rulesBrokenBy("src/io/promise.ts")).toEqual(["typescript(no-floating-promises)"]);
});
