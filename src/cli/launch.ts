import { readFileSync } from "node:fs";
import { Script } from "node:vm";

interface LoadedModule {
  exports: Record<string, unknown>;
}

type ModuleCode = (
  exports: object,
  require: (id: string) => unknown,
  module: LoadedModule,
  fileName: string,
  folder: string,
) => void;

/**
 * Load a program from a folder of CommonJS files, each with the bytecode that the build left beside it
 * (`scripts/code-cache.mjs`): compiling takes longer than many a command does. Bytecode of another version of
 * V8, or for other options of it, V8 does not take; it compiles then, as it does where there is none.
 */
export function launch(folder: string, program: string): void {
  const modules = new Map<string, LoadedModule>();
  const load = (name: string): unknown => {
    const loaded = modules.get(name);
    if (loaded !== undefined) return loaded.exports;
    const filename = `${folder}/${name}`;
    const code = readFileSync(filename, "utf8");
    const cachedData = bytecodeOf(filename);
    const script = new Script(`(function (exports, require, module, __filename, __dirname) {${code}\n})`, {
      filename,
      ...(cachedData && { cachedData }),
    });
    const module: LoadedModule = { exports: {} };
    modules.set(name, module);
    const run = script.runInThisContext() as ModuleCode;
    run(
      module.exports,
      (id) => (id.startsWith("./") ? load(id.slice(2)) : require(id)),
      module,
      filename,
      folder,
    );
    return module.exports;
  };
  load(`${program}.js`);
}

function bytecodeOf(filename: string): Buffer | undefined {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    return undefined;
  }
}
