import { defineConfig } from "rolldown";
import { thirdPartyLicences } from "./scripts/third-party-licences.mjs";

/** One bundle with shared chunks: constants imported across modules are folded, start-up reads few files. */
export default defineConfig({
  input: {
    index: "src/index.ts",
    elf: "src/elf/index.ts",
    dwarf: "src/dwarf/index.ts",
    btf: "src/btf/index.ts",
    encode: "src/encode/index.ts",
    "encode-worker": "src/encode/worker.ts",
    program: "src/program/index.ts",
    kernel: "src/kernel/index.ts",
    "cli/dwarfless": "src/cli/dwarfless.ts",
    "cli/dwarfless-pahole": "src/cli/dwarfless-pahole.ts",
  },
  platform: "node",
  plugins: [thirdPartyLicences("THIRD-PARTY-LICENSES.txt")],
  external: ["hysnappy", "piscina", "zstddec"],
  output: {
    dir: "dist",
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    cleanDir: true,
  },
});
