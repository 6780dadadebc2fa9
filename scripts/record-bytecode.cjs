// Preloaded by code-cache.mjs: writes the bytecode of what the program's files ran beside them, in a folder for
// this very build of Node (`buildOfNode` in src/cli/launch.ts makes the same name).

const { mkdirSync, statSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");

const scripts = new Map();

vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    scripts.set(options.filename, this);
  }
};
// Bytecode is good only for the options it was made with, and programs start with none.
v8.setFlagsFromString = () => {};

const { node_shared, node_use_bundled_v8 } = process.config.variables;
/** Whether V8 lies in the file that is executed, whose size then tells builds of one release apart. */
const isWhole = !node_shared && node_use_bundled_v8 !== false;
const build = `${process.version}-${process.platform}-${process.arch}-${statSync(process.execPath).size}`;

process.on("exit", () => {
  if (!isWhole) return;
  for (const [filename, script] of scripts) {
    const folder = path.join(path.dirname(filename), build);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `${path.basename(filename)}.cache`), script.createCachedData());
  }
});
