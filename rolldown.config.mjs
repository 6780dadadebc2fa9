import { defineConfig } from "rolldown";
import { assemblyScript } from "./scripts/assemblyscript.mjs";
import { thirdPartyLicences } from "./scripts/third-party-licences.mjs";

/** What reads BTF and prints it raw, a tenth of what can be done with it. */
const printsBtf =
  /src\/btf\/(wasm\/([a-z]+\.ts$|assembly\/(records|scan)-entry\.ts\?wasm$)|(byte-order|byte-text|constants|header|json|modifiers|raw|reader|record-format|records|scan)\.ts$)/;

/** What every command of `dwarfless` needs, and `btf dump`, which takes hardly longer than loading does. */
const startsEveryCommand =
  /node_modules\/commander\/|src\/cli\/(command-group|count|json|line-writer|program|version|btf-(command|dump-command|input))\.ts$/;
/** What both programs need, and what reads and prints BTF. */
const startsBothPrograms = new RegExp(
  `rolldown/runtime|src/(util/|io/|sidecar/btf-file|cli/(exit-code|output-file|run-program|short-run|streams|write-all)\\.ts$)|${printsBtf.source}`,
);

/** What the encoder needs beside that. */
const writesBtf =
  /src\/btf\/(dedup\/(?!dedup-btf)|(builder|datasec-name|distill|join|declarator|string-table|word-list|writer)\.ts$)/;

/** Says that the programs are no modules, as the package is. */
const commonJs = {
  name: "common-js",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "package.json", source: '{ "type": "commonjs" }\n' });
  },
};

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

const plugins = [assemblyScript(), withoutChildProcess];

/** Chunks that library and programs have in common. */
const groups = [
  { name: "btf-c", test: /src\/btf\/(c\/|c-|wasm\/assembly\/c-header-entry\.ts\?wasm$|type-sizes)/ },
  { name: "btf-write", test: writesBtf },
  { name: "btf", test: /src\/btf\/(?!wasm\/assembly\/)/ },
  { name: "encode", test: /src\/(dwarf|encode)\/(?!worker\.ts)/ },
  { name: "elf", test: /src\/(elf\/|compress\/codec)/ },
];

/** The library: one bundle with shared chunks. Constants imported across modules are folded. */
const library = {
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
  },
  platform: "node",
  preserveEntrySignatures: "allow-extension",
  checks: { pluginTimings: false },
  plugins: [...plugins, thirdPartyLicences("THIRD-PARTY-LICENSES.txt")],
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
        // No Node in these two: they run in a browser too.
        { name: "base", test: /src\/(util\/|io\/(errors|fault|printable))/ },
        { name: "btf-print", test: printsBtf },
        ...groups,
      ],
    },
  },
};

/** The programs, in CommonJS, which Node loads sooner than modules. What they do first is in few files. */
const programs = {
  input: {
    "chunks/dwarfless": "src/cli/dwarfless.ts",
    "chunks/dwarfless-pahole": "src/cli/dwarfless-pahole.ts",
    "encode-worker": "src/encode/worker.ts",
  },
  platform: "node",
  preserveEntrySignatures: "allow-extension",
  checks: { pluginTimings: false },
  plugins: [...plugins, thirdPartyLicences("THIRD-PARTY-LICENSES.txt"), commonJs],
  external: ["piscina", "xz-decompress"],
  output: {
    dir: "dist/cli",
    format: "cjs",
    dynamicImportInCjs: false,
    // Read whole at each start: half of it is comments and blanks. Names stay, for traces.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [
        { name: "start", test: startsEveryCommand },
        { name: "run", test: startsBothPrograms },
        ...groups,
      ],
    },
  },
};

/** What is called: it loads a program with its bytecode. */
const launchers = ["dwarfless", "dwarfless-pahole"].map((name) => ({
  input: { [name]: `src/cli/launch-${name}.ts` },
  platform: "node",
  output: { dir: "dist/cli", format: "cjs", entryFileNames: "[name].js" },
}));

export default defineConfig([library, programs, ...launchers]);
