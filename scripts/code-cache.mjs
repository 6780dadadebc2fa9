// Leaves the bytecode of the programs' files beside them: what a few commands run on small input, which is
// what they run first on any. See src/cli/launch.ts.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BtfBuilder } from "../dist/btf.js";

const project = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "dwarfless-bytecode-"));

try {
  const btf = path.join(folder, "sample.btf");
  writeFileSync(btf, sampleBtf());
  const nothing = path.join(folder, "nothing");
  writeFileSync(nothing, "");
  // Each run adds to what those before it left.
  run("dwarfless", "--help");
  for (const format of ["json", "decls", "c", "raw"]) run("dwarfless", "btf", "dump", btf, format);
  run("dwarfless", "btf", "layout", btf, "pair");
  // These find no dump and no DWARF; the files are loaded all the same.
  run("dwarfless", "info", nothing);
  run("dwarfless", "encode", nothing);
  run("dwarfless-pahole", "-J", nothing);
} finally {
  rmSync(folder, { recursive: true });
}

function run(program, ...args) {
  const recorder = path.join(project, "scripts/record-bytecode.cjs");
  const file = path.join(project, `dist/cli/${program}.js`);
  const { error } = spawnSync(process.execPath, ["-r", recorder, file, ...args], { stdio: "ignore" });
  if (error !== undefined) throw error;
}

function sampleBtf() {
  const builder = new BtfBuilder();
  const int = builder.addInt("int", 4, 1);
  builder.addInt("long", 8, 1);
  const pair = builder.addStruct("pair", 8, [
    { name: "first", type: int, bitOffset: 0 },
    { name: "second", type: int, bitOffset: 32 },
  ]);
  builder.addTypedef("pair_t", pair);
  return builder.finish();
}
