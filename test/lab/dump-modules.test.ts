/**
 * `btf dump` of modules, byte for byte as bpftool prints them: raw, as JSON, and as a C header in both
 * orders. A few modules by default; DWARFLESS_DUMP_MODULES=100 for what was measured.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { runDwarfless } from "../../src/cli/program.ts";
import type { Streams } from "../../src/cli/streams.ts";
import { elfSection, elfSectionOf, plainModule } from "../guest/elf-section.ts";
import { kernel, kernelMissing, kernelModules, peers, withTemporaryDirectory } from "./lab.ts";

const names = ["6.1-amd64", "6.12-amd64", "7.2-amd64"] as const;
const moduleCount = Number(process.env["DWARFLESS_DUMP_MODULES"] ?? 2);

/** What is asked here, and of bpftool. */
const formats: readonly { ours: readonly string[]; before: readonly string[]; after: readonly string[] }[] = [
  { ours: ["raw"], before: [], after: ["format", "raw"] },
  { ours: ["json"], before: ["-j"], after: [] },
  { ours: ["c"], before: [], after: ["format", "c"] },
  { ours: ["c", "--unsorted"], before: [], after: ["format", "c", "unsorted"] },
];

describe.each(names)("%s", (name) => {
  test("dumps modules as bpftool does", { timeout: 3_600_000 }, async (context) => {
    const missing = kernelMissing(name) ?? peers().reason;
    if (missing !== undefined) context.skip(missing);
    const of = kernel(name);
    await withTemporaryDirectory(async (directory) => {
      const base = path.join(directory, "vmlinux");
      writeFileSync(base, elfSection(of.vmlinux, ".BTF")!);
      const differing: string[] = [];
      let compared = 0;
      for (const module of spread(kernelModules(of), moduleCount)) {
        const btf = elfSectionOf(plainModule(module.shipped), ".BTF");
        if (btf === undefined) continue;
        const file = path.join(directory, module.name);
        writeFileSync(file, btf);
        for (const { ours, before, after } of formats) {
          const theirs = peers().bpftool([...before, "-B", base, "btf", "dump", "file", file, ...after]);
          expect(theirs.status, theirs.stderr).toBe(0);
          const printed = await dumped(file, base, ours);
          if (!printed.equals(theirs.stdout)) differing.push(`${module.name} ${ours.join(" ")}`);
        }
        compared++;
      }
      expect(differing).toEqual([]);
      expect(compared).toBe(moduleCount);
    });
  });
});

/** So many of them, evenly over the list. */
function spread<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!);
}

async function dumped(file: string, base: string, words: readonly string[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const streams: Streams = {
    out: (text) => void pieces.push(Buffer.from(text, "utf8")),
    outBytes: (bytes) => void pieces.push(Buffer.from(bytes)),
    err: (text) => expect.unreachable(text),
    errIsTerminal: false,
    environment: {},
  };
  const encodeFile = (): never => expect.unreachable();
  expect(await runDwarfless(["btf", "dump", file, ...words, "--base", base], streams, { encodeFile })).toBe(
    0,
  );
  return Buffer.concat(pieces);
}
