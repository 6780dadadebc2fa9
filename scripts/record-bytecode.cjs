// Preloaded by code-cache.mjs: writes the bytecode of what the program's files ran beside them.

const { writeFileSync } = require("node:fs");
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

process.on("exit", () => {
  for (const [filename, script] of scripts) writeFileSync(`${filename}.cache`, script.createCachedData());
});
