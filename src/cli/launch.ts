import { readFileSync, statSync } from "node:fs";
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
 * (`scripts/code-cache.mjs`): compiling takes longer than many a command does. Bytecode for other options V8
 * does not take; it compiles then, as it does where there is none.
 */
export function launch(folder: string, program: string): void {
  const bytecodeFolder = `${folder}/${buildOfNode()}`;
  const modules = new Map<string, LoadedModule>();
  const load = (name: string): unknown => {
    const loaded = modules.get(name);
    if (loaded !== undefined) return loaded.exports;
    const filename = `${folder}/${name}`;
    const code = readFileSync(filename, "utf8");
    const cachedData = bytecodeOf(`${bytecodeFolder}/${name}.cache`);
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

/**
 * The one Node whose bytecode this one may run, as the name of a folder (`scripts/record-bytecode.cjs` makes the
 * same). V8 asks for its own version only, which releases of Node, and its builds for all processors, share;
 * what they make of each other's bytecode is a segmentation fault. Builds of one release differ in size.
 */
function buildOfNode(): string {
  const byteSize = statSync(process.execPath, { throwIfNoEntry: false })?.size;
  return `${process.version}-${process.platform}-${process.arch}-${byteSize}`;
}

function bytecodeOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
