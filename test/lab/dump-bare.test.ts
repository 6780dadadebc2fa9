/** Memory without a VMCOREINFO anywhere: symbol tables and page tables have to be found by themselves. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { dumpMissing, guestDump } from "../guest/dumps.ts";
import { guestBuildId, guestSymbols } from "./guest-facts.ts";
import { dumpKernelNames, dwarfless, withTemporaryDirectory } from "./lab.ts";

interface SymbolRow {
  name: string;
  address: string;
  letter: string;
  module: string | null;
}

test.for(dumpKernelNames)("%s", async (name, context) => {
  const missing = dumpMissing(name);
  context.skip(missing !== undefined, missing);
  const dump = await guestDump(name, "idle");
  await withTemporaryDirectory((directory) => {
    const file = path.join(directory, "memory.elf");
    writeFileSync(file, withoutVmcoreinfo(readFileSync(dump.file("elf"))));
    const info = answer<{ rung: string; kernel: { banner: string; buildId: string } }>(["info", file]);
    expect(info).toMatchObject({
      rung: "bare",
      kernel: { banner: dump.said("version").trim(), buildId: guestBuildId(dump) },
    });
    const { symbols } = answer<{ symbols: SymbolRow[] }>(["sym", file, "--all"]);
    const lines = symbols.map(
      ({ address, letter, name: symbol, module }) =>
        `${address.slice(2).padStart(16, "0")} ${letter} ${symbol}${module === null ? "" : ` [${module}]`}`,
    );
    expect(lines.sort()).toEqual(guestSymbols(dump));
    const { values } = answer<{ values: { value: unknown }[] }>(["eval", file, "init_task.comm"]);
    expect(values[0]!.value).toBe("swapper/0");
  });
});

/** Every text of that kind begins with its release, and a note of it has that name. */
function withoutVmcoreinfo(bytes: Buffer): Buffer {
  for (const word of ["OSRELEASE=", "VMCOREINFO\0\0"]) {
    for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at)) bytes[at] = 0x58;
  }
  return bytes;
}

function answer<T>(argv: readonly string[]): T {
  const result = dwarfless([...argv, "--json"]);
  expect(result.stderr).toBe("");
  return JSON.parse(result.stdout.toString("utf8")) as T;
}
