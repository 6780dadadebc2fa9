/** `dwarfless/btf` in a browser: a bundle of it asks nothing of Node, and works without it. */

import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { rolldown } from "rolldown";
import { beforeAll, expect, test } from "vitest";
import { assemblyScript } from "../../scripts/assemblyscript.mjs";
import { BtfBuilder } from "../../src/btf/index.ts";

let code: string;
let imports: readonly string[];
beforeAll(async () => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL("../../src/btf/index.ts", import.meta.url)),
    platform: "browser",
    external: [/^node:/],
    plugins: [assemblyScript()],
    logLevel: "silent",
  });
  const { output } = await bundle.generate({ format: "iife", name: "btf", codeSplitting: false });
  await bundle.close();
  expect(output).toHaveLength(1);
  ({ code, imports } = output[0]);
});

/** What a page has; no Buffer, no process, no require. */
function page(more: Record<string, unknown>): object {
  return createContext({ TextDecoder, TextEncoder, atob, btoa, ...more });
}

test("imports nothing", () => {
  expect(imports).toEqual([]);
});

test("reads, writes, dedups and prints", () => {
  const builder = new BtfBuilder();
  const int = builder.addInt("int", 4, 1);
  builder.addStruct("naïve", 8, [
    { name: "first", type: int, bitOffset: 0 },
    { name: "second", type: int, bitOffset: 32 },
  ]);
  const bytes = builder.finish();
  const script = `${code}
    const read = btf.Btf.parse(bytes);
    const built = new btf.BtfBuilder();
    built.addStruct("naïve", 8, [{ name: "first", type: built.addInt("int", 4, 1), bitOffset: 0 }]);
    JSON.stringify({
      names: [read.name(1), read.name(2)],
      raw: btf.rawLines(read),
      c: btf.cHeader(read),
      json: btf.jsonText(read),
      layout: [...btf.layouts(read)].join(""),
      problems: btf.validateBtf(read).length,
      changes: btf.formatDiff(btf.diffBtf(read, built.toBtf())),
      merged: btf.Btf.parse(btf.mergeBtf([read, built.toBtf()])).typeCount,
      isf: [...btf.isfPieces(read, { symbols: [], producer: { name: "x", version: "1.0.0" } })].join(""),
    });`;
  const found = JSON.parse(runInContext(script, page({ bytes })) as string) as Record<string, unknown>;
  expect(found).toMatchObject({ names: ["int", "naïve"], merged: 4 });
  expect(found["c"]).toContain("struct naïve {\n\tint first;\n\tint second;\n};");
  expect(found["raw"]).toContain("[2] STRUCT 'naïve' size=8 vlen=2");
  expect(found["layout"]).toContain("/* size: 8, cachelines: 1, members: 2 */");
});
