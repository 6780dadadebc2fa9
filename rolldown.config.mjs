import { defineConfig } from "rolldown";
import { assemblyScript } from "./scripts/assemblyscript.mjs";
import { thirdPartyLicences } from "./scripts/third-party-licences.mjs";

/**
 * What every command of `dwarfless` needs, beside what both programs need. Node takes about a millisecond for
 * each file that it loads, however small.
 */
const startsEveryCommand =
  /rolldown\/runtime|node_modules\/commander\/|src\/cli\/(command-group|count|json|line-writer|program|version)\.ts$/;
const startsBothPrograms =
  /src\/(io\/|sidecar\/btf-file|cli\/(exit-code|output-file|run-program|short-run|streams|write-all)\.ts$)/;

/** What reads BTF and prints it raw, a tenth of what can be done with it. */
const printsBtf =
  /src\/btf\/(wasm\/([a-z]+\.ts$|assembly\/(records|scan)-entry\.ts\?wasm$)|(byte-order|byte-text|constants|header|modifiers|raw|reader|record-format|records|scan)\.ts$)/;

/** What the encoder needs beside that. */
const writesBtf =
  /src\/btf\/(dedup\/(?!dedup-btf)|(builder|datasec-name|distill|join|declarator|string-table|word-list|writer)\.ts$)/;

/**
 * commander loads Node's processes, and with them its network, for commands that are programs of their own.
 * There are none, and loading it takes longer than many a command.
 */
const withoutChildProcess = {
  name: "without-child-process",
  transform: {
    filter: { id: /node_modules\/commander\/lib\/command\.js$/ },
    handler(code) {
      const without = code.replace(/require\(['"]node:child_process['"]\)/, "{}");
      if (without === code) this.error("commander does not load node:child_process any more");
      return without;
    },
  },
};

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
    linux: "src/linux/index.ts",
    "cli/dwarfless": "src/cli/dwarfless.ts",
    "cli/dwarfless-pahole": "src/cli/dwarfless-pahole.ts",
  },
  platform: "node",
  plugins: [assemblyScript(), thirdPartyLicences("THIRD-PARTY-LICENSES.txt"), withoutChildProcess],
  external: ["hysnappy", "piscina", "xz-decompress", "zstddec"],
  output: {
    dir: "dist",
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    cleanDir: true,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: "start", test: startsEveryCommand },
        // No Node in these three: they run in a browser too.
        { name: "base", test: /src\/(util\/|io\/(errors|fault|printable))/ },
        { name: "btf-print", test: printsBtf },
        { name: "btf-write", test: writesBtf },
        { name: "btf-c", test: /src\/btf\/(c\/|c-|wasm\/assembly\/c-header-entry\.ts\?wasm$|type-sizes)/ },
        { name: "btf", test: /src\/btf\/(?!wasm\/assembly\/)/ },
        { name: "btf-dump", test: /src\/cli\/btf-(command|dump-command|input)\.ts$/ },
        { name: "run", test: startsBothPrograms },
        { name: "encode", test: /src\/(dwarf|encode)\/(?!worker\.ts)/ },
        { name: "elf", test: /src\/(elf\/|compress\/codec)/ },
      ],
    },
  },
});
