/** What others make of our output: bpftool's dumps, compilers on its C header; and how much of the kernel's data is typed. */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Btf, cHeader, jsonText, layouts, rawLines } from "../../src/btf/index.ts";
import { featureSets, ownVmlinux } from "./encoding.ts";
import { kernel, kernelMissing, kernelNames, peers, withTemporaryDirectory } from "./lab.ts";
import { peerCommand } from "./peers.ts";

/** bpftool's output for a BTF file. */
function bpftoolDump(file: string, ...format: string[]): string {
  const [program, ...prefix] = peerCommand(peers().root, "bpftool");
  const result = spawnSync(program!, [...prefix, "btf", "dump", "file", file, ...format], {
    maxBuffer: 1 << 29,
    encoding: "latin1",
  });
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return result.stdout;
}

/** Arguments to run pahole on every struct and union of a BTF file. */
function paholeLayouts(
  file: string,
  ...flags: string[]
): [string, string[], { maxBuffer: number; encoding: "latin1" }] {
  const [program, ...prefix] = peerCommand(peers().root, "pahole");
  return [program!, [...prefix, "-F", "btf", ...flags, file], { maxBuffer: 1 << 29, encoding: "latin1" }];
}

/** A compiler's complaints about a C file; undefined when there is no such compiler. */
function complaints(compiler: string, file: string): string | undefined {
  const result = spawnSync(compiler, ["-x", "c", "-fsyntax-only", "-w", file], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return result.error === undefined ? `${result.stderr}exit ${result.status}` : undefined;
}

describe.each(kernelNames)("BTF of %s", (name) => {
  test.for(featureSets)(
    "bpftool reads it, and compilers read bpftool's header of it: %s",
    async (features, context) => {
      context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
      context.skip(!peers().available, peers().reason ?? "");
      const { btf: file } = await ownVmlinux(kernel(name), features);
      await withTemporaryDirectory((directory) => {
        const btf = Btf.parse(readFileSync(file));
        const raw = [...rawLines(btf)].join("\n");
        expect(bpftoolDump(file, "format", "raw").trimEnd() === raw.trimEnd(), "raw dump").toBe(true);
        expect(bpftoolDump(file, "-j") === jsonText(btf), "JSON dump").toBe(true);
        const c = bpftoolDump(file, "format", "c");
        expect(c === cHeader(btf), "C dump").toBe(true);
        const unsorted = cHeader(btf, { sorted: false });
        expect(bpftoolDump(file, "format", "c", "unsorted") === unsorted, "unsorted C dump").toBe(true);
        const pahole = spawnSync(...paholeLayouts(file)).stdout;
        expect(pahole === [...layouts(btf)].join(""), "pahole's layouts").toBe(true);
        const expanded = spawnSync(...paholeLayouts(file, "-E")).stdout;
        expect(expanded === [...layouts(btf, { expand: true })].join(""), "expanded").toBe(true);
        const header = path.join(directory, "vmlinux.c");
        writeFileSync(header, c, "latin1");
        for (const compiler of ["gcc", "clang"]) {
          const text = complaints(compiler, header);
          if (text === undefined) context.skip(true, `no ${compiler}`);
          expect(text, compiler).toBe("exit 0");
        }
      });
    },
  );

  test("of the data symbols that DWARF describes, 99 in 100 have a typed variable", async (context) => {
    context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
    const { report } = await ownVmlinux(kernel(name), "global_var");
    const { counts } = JSON.parse(readFileSync(report, "utf8"));
    const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`;
    console.log(
      `${kernel(name).release}: typed ${counts.dataSymbolsTyped} of ${counts.dataSymbols} data symbols ` +
        `(${share(counts.dataSymbolsTyped, counts.dataSymbols)}), ` +
        `${share(counts.dataSymbolsTyped, counts.dataSymbolsDescribed)} of the ${counts.dataSymbolsDescribed} that DWARF describes`,
    );
    expect(counts.dataSymbolsTyped / counts.dataSymbolsDescribed).toBeGreaterThanOrEqual(0.99);
  });
});
