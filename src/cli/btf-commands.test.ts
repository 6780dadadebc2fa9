import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keptStreams } from "../../test/unit/kept-streams.ts";
import { Btf, BtfBuilder, distill, rawLines } from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { runDwarfless } from "./program.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-btf-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...argv: string[]): Promise<{ exitCode: number; stdout: string }> {
  const streams = keptStreams();
  const encodeFile = (): never => expect.unreachable();
  const exitCode = await runDwarfless(["btf", ...argv], streams, { encodeFile });
  return { exitCode, stdout: streams.stdout };
}

function put(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function linesOf(path: string, base?: Btf): string[] {
  return [...rawLines(Btf.parse(readFileSync(path), base && { base }))];
}

/** `int`, `struct list { struct list *next; }`. */
function kernelTypes(): BtfBuilder {
  const b = new BtfBuilder();
  b.addInt("int", 4, 1);
  b.addStruct("list", 8, [{ name: "next", type: 3, bitOffset: 0 }]);
  b.addPtr(2);
  return b;
}

/** Over {@link kernelTypes}: `struct own { struct list list; int count; }`, twice. */
function moduleTypes(base: Btf): BtfBuilder {
  const b = new BtfBuilder({ base });
  for (let time = 0; time < 2; time++) {
    b.addStruct("own", 16, [
      { name: "list", type: 2, bitOffset: 0 },
      { name: "count", type: 1, bitOffset: 64 },
    ]);
  }
  return b;
}

describe("dwarfless btf dedup, split, merge, relocate", () => {
  const base = kernelTypes().toBtf();

  it("writes each type once, over the base", async () => {
    const file = put("twice.btf", moduleTypes(base).finish());
    const output = join(folder, "once.btf");
    const vmlinux = put("vmlinux.btf", kernelTypes().finish());
    expect(await run("dedup", file, "--base", vmlinux, "-o", output)).toMatchObject({ exitCode: 0 });
    expect(linesOf(output, base)).toEqual([
      "[4] STRUCT 'own' size=16 vlen=2",
      "\t'list' type_id=2 bits_offset=0",
      "\t'count' type_id=1 bits_offset=64",
    ]);
  });

  it("writes what a BTF has beyond another", async () => {
    const all = kernelTypes();
    const section = all.addVar("init", 2);
    all.addDatasec(".data", 8, [{ type: section, offset: 0, byteSize: 8 }]);
    const output = join(folder, "beyond.btf");
    const vmlinux = put("vmlinux.btf", kernelTypes().finish());
    await run("split", put("all.btf", all.finish()), "--base", vmlinux, "-o", output);
    expect(linesOf(output, base)).toEqual([
      "[4] VAR 'init' type_id=2, linkage=global",
      "[5] DATASEC '.data' size=8 vlen=1",
      "\ttype_id=4 offset=0 size=8 (VAR 'init')",
    ]);
  });

  it("merges, and resolves a forward declaration of one by the struct of the other", async () => {
    const other = new BtfBuilder();
    other.addPtr(2);
    other.addFwd("list");
    other.addTypedef("list_p", 1);
    const files = [put("a.btf", kernelTypes().finish()), put("b.btf", other.finish())];
    const output = join(folder, "merged.btf");
    await run("merge", ...files, "-o", output);
    expect(linesOf(output)).toEqual([...rawLines(base), "[4] TYPEDEF 'list_p' type_id=3"]);
    await expect(run("merge", files[0]!, "-o", output)).rejects.toThrow(UsageError);
  });

  it("puts a distilled module over another kernel, and says why it cannot", async () => {
    const module = Btf.parse(moduleTypes(base).finish(), { base });
    const distilled = distill(module);
    const file = put("split.btf", distilled.split);
    const below = put("below.btf", distilled.base);
    const newer = new BtfBuilder();
    newer.addFloat("double", 8);
    newer.addStruct("list", 8, []);
    newer.addInt("int", 4, 1);
    const vmlinux = put("newer.btf", newer.finish());
    const output = join(folder, "relocated.btf");
    await run("relocate", file, "--distilled-base", below, "--base", vmlinux, "-o", output);
    expect(linesOf(output, newer.toBtf()).slice(0, 3)).toEqual([
      "[4] STRUCT 'own' size=16 vlen=2",
      "\t'list' type_id=2 bits_offset=0",
      "\t'count' type_id=3 bits_offset=64",
    ]);
    const larger = new BtfBuilder();
    larger.addStruct("list", 16, []);
    larger.addInt("int", 4, 1);
    const argv = ["--distilled-base", below, "--base", put("larger.btf", larger.finish()), "-o", output];
    await expect(run("relocate", file, ...argv)).rejects.toThrow(
      "STRUCT 'list' of 8 bytes has no counterpart in the new base",
    );
  });

  it.each(["dedup", "split", "merge", "relocate", "check", "diff"])(
    "has an example in the help of %s",
    async (command) => {
      expect((await run(command, "--help")).stdout).toContain(`$ dwarfless btf ${command} `);
    },
  );
});

describe("dwarfless btf check", () => {
  const vmlinux = (): string => put("vmlinux.btf", kernelTypes().finish());

  it("goes by the kernel asked for", async () => {
    const b = kernelTypes();
    b.addTypeTag("user", 1, true);
    const file = put("attribute.btf", b.finish());
    expect(await run("check", file)).toMatchObject({ exitCode: 1 });
    expect(await run("check", file, "--kernel", "6.12.107+deb13")).toMatchObject({ exitCode: 1 });
    expect(await run("check", file, "--kernel", "6.18")).toMatchObject({ exitCode: 0 });
    expect(await run("check", file, "--kernel", "7.10")).toMatchObject({ exitCode: 0 });
    await expect(run("check", file, "--kernel", "5.10")).rejects.toThrow(
      "no release of a kernel from 6.1 on",
    );
  });

  it("calls what cannot be read a problem like others", async () => {
    const bytes = kernelTypes().finish();
    const file = put("cut.btf", bytes.subarray(0, bytes.length - 1));
    const { exitCode, stdout } = await run("check", file, "--json");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ problems: [{ typeId: 0, rule: "BTF_SECTION_RANGE" }] });
  });

  it("says that a module was built against another vmlinux, whether or not the kernel would notice", async () => {
    const real = kernelTypes();
    real.addInt("long", 8, 1);
    const bytes = moduleTypes(real.toBtf()).finish();
    const { exitCode, stdout } = await run("check", put("other.btf", bytes), "--base", vmlinux());
    expect(exitCode).toBe(1);
    expect(stdout).toContain("(member-name)");
    expect(stdout).toMatch(/other\.btf: built against another vmlinux than .*vmlinux\.btf: \[4\] STRUCT /);
    const same = await run(
      "check",
      put("own.btf", moduleTypes(kernelTypes().toBtf()).finish()),
      "--base",
      vmlinux(),
    );
    expect(same).toMatchObject({ exitCode: 0 });
    expect(same.stdout).not.toContain("another vmlinux");
  });

  it("takes ids that lead nowhere where the kernel does not look, and says so", async () => {
    const b = kernelTypes();
    b.addPtr(4000);
    const bytes = b.finish();
    const { exitCode, stdout } = await run("check", put("nowhere.btf", bytes));
    expect(exitCode).toBe(0);
    expect(stdout).toContain("the kernel does not look, but [4] refers to type 4000; ids end at 4");
    expect(await run("check", put("nowhere.btf", bytes), "--load")).toMatchObject({ exitCode: 1 });
  });
});
