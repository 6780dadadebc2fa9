import { readFileSync } from "node:fs";
import path from "node:path";
import asc from "assemblyscript/asc";
import binaryen from "assemblyscript/binaryen";

const query = /\.ts\?(wasm|js)$/;
const prefix = "\0assemblyscript:";

const options = "--textFile out.wat --runtime stub --importMemory --noExportMemory --noAssert -O3 --converge";

/**
 * For rolldown and vite: `import { base64 } from "./entry.ts?wasm"` is a module of WebAssembly made of
 * AssemblyScript, and `import { instantiate } from "./entry.ts?js"` the same in JavaScript, for where there is
 * no WebAssembly to be had.
 */
export function assemblyScript() {
  return {
    name: "assemblyscript",
    // For vite, which would read the file itself.
    enforce: "pre",
    resolveId: {
      filter: { id: query },
      handler(source, importer) {
        return query.test(source) && importer !== undefined
          ? prefix + path.resolve(path.dirname(importer), source)
          : undefined;
      },
    },
    load: {
      filter: { id: /^\0assemblyscript:/ },
      async handler(id) {
        if (!id.startsWith(prefix)) return undefined;
        const [file, form] = id.slice(prefix.length).split("?");
        const isWasm = form === "wasm";
        const { module, sources } = await compile(file, isWasm);
        for (const source of sources) this.addWatchFile(source);
        const code = isWasm ? toBase64(module) : toJavaScript(module);
        module.dispose();
        return code;
      },
    },
  };
}

/** @param hasSimd whether the code may use blocks of 16 bytes, and copy memory by one instruction */
async function compile(file, hasSimd) {
  let text;
  let complaints = "";
  const sources = [];
  const base = path.dirname(file);
  const { error } = await asc.main(
    [
      path.basename(file),
      ...options.split(" "),
      "--baseDir",
      base,
      hasSimd ? "--enable" : "--disable",
      hasSimd ? "simd" : "bulk-memory",
    ],
    {
      readFile(name, folder) {
        try {
          const source = path.join(folder, name);
          const text = readFileSync(source, "utf8");
          sources.push(source);
          return text;
        } catch {
          return null;
        }
      },
      writeFile(name, contents) {
        text = contents;
      },
      listFiles: () => [],
      stderr: {
        write(part) {
          complaints += part;
        },
      },
    },
  );
  if (error !== null) throw new Error(`${file}: ${error.message}\n${complaints}`);
  // Each file's declarations are imports from a module of its name; what the host has is the same for all.
  const module = binaryen.parseText(text.replaceAll(/\(import "(?!env")\w[\w-]*"/g, '(import "given"'));
  const { MVP, SignExt, MutableGlobals, BulkMemory, SIMD128 } = binaryen.Features;
  module.setFeatures(MVP | SignExt | MutableGlobals | (hasSimd ? BulkMemory | SIMD128 : 0));
  return { module, sources };
}

function toBase64(module) {
  return `export const base64 = "${Buffer.from(module.emitBinary()).toString("base64")}";\n`;
}

/** What binaryen makes of it is a function of its imports, and calls of that, which are left out. */
function toJavaScript(module) {
  const text = module.emitAsmjs();
  const start = text.indexOf("function asmFunc(imports) {");
  const end = text.indexOf("\nvar memasmFunc");
  if (start < 0 || end < 0) throw new Error("binaryen writes JavaScript in another way than it did");
  return `${text.slice(start, end).replace("function asmFunc", "export function instantiate")}\n`;
}
