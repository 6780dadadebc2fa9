import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/program/expression/index.ts";
import { kernelProgram } from "../build/kernel-program.ts";
import { arithmetic } from "../build/random-expression.ts";

const hasCompiler = spawnSync("gcc", ["--version"]).status === 0;
const expressionCount = 3000;

describe.skipIf(!hasCompiler)("expressions as gcc evaluates them (needs gcc)", () => {
  it(`${expressionCount} random ones have the compiler's type and value`, () => {
    const expressions = fc.sample(arithmetic, expressionCount);
    const folder = mkdtempSync(path.join(tmpdir(), "dwarfless-expression-"));
    try {
      const expected = compile(expressions, folder);
      const { program } = kernelProgram();
      const differences: string[] = [];
      expressions.forEach((text, index) => {
        const object = evaluate(program, text);
        const ours = `${object.type.typeName()} ${BigInt(object.value())}`;
        if (ours !== expected[index]) differences.push(`${text}: ${ours}, gcc: ${expected[index]}`);
      });
      expect(differences).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** `type value` of each, by a program that gcc makes of them. */
function compile(expressions: readonly string[], folder: string): string[] {
  const names = ["char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned int"];
  names.push("long", "unsigned long", "long long", "unsigned long long", "_Bool");
  const cases = names.map((name) => `${name}: "${name}"`).join(", ");
  const lines = expressions.map((text) => `  show(${text});`);
  const source = [
    "#include <stdio.h>",
    // The comma makes a value of it: without a controlling expression's qualifiers, but promoted no further.
    `#define show(...) do { __auto_type value = (__VA_ARGS__); printf(_Generic(value, ${names
      .map(
        (name) =>
          `${name}: ${name.startsWith("unsigned") || name === "_Bool" ? '"%s %llu\\n"' : '"%s %lld\\n"'}`,
      )
      .join(", ")}), _Generic(value, ${cases}), (long long)value); } while (0)`,
  ];
  // Many functions: one of thousands of statements takes gcc long.
  for (let at = 0; at < lines.length; at += 100) {
    source.push(`static void part${at}(void) {`, ...lines.slice(at, at + 100), "}");
  }
  source.push("int main(void) {");
  for (let at = 0; at < lines.length; at += 100) source.push(`  part${at}();`);
  source.push("  return 0;", "}");
  const file = path.join(folder, "expressions.c");
  writeFileSync(file, source.join("\n"));
  const program = path.join(folder, "expressions");
  // -fwrapv: signed overflow wraps, as here. The kernel is compiled so too.
  execFileSync("gcc", ["-std=gnu11", "-w", "-O0", "-fwrapv", "-fsigned-char", file, "-o", program]);
  return execFileSync(program, { encoding: "utf8", maxBuffer: 1 << 26 })
    .trimEnd()
    .split("\n");
}
