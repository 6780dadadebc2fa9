/** The script of docs/scripts.md: it compiles against the package's doors, and prints what the commands do. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";
import { assemblyScript } from "../../scripts/assemblyscript.mjs";
import { listFiles } from "../../src/commands/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import { dumpMissing, guestDump } from "../guest/dumps.ts";
import { projectDirectory, run, withTemporaryDirectory } from "./lab.ts";

const page = readFileSync(path.join(projectDirectory, "docs/scripts.md"), "utf8");
const script = /^```ts\n([\s\S]*?)^```$/m.exec(page)![1]!;
const modules = path.join(projectDirectory, "node_modules");

interface Door {
  types: string;
  default: string;
}

/** Source of each door that package.json opens: `dwarfless/linux` to `src/linux/index.ts`. */
function doors(): Map<string, string> {
  const { exports } = JSON.parse(readFileSync(path.join(projectDirectory, "package.json"), "utf8")) as {
    exports: Record<string, Door>;
  };
  return new Map(
    Object.entries(exports).map(([name, { types }]) => {
      const source = types.replace("./dist/types/", "src/").replace(/\.d\.ts$/, ".ts");
      return [path.posix.join("dwarfless", name), path.join(projectDirectory, source)];
    }),
  );
}

test("the script of the page compiles, and prints what `files` does", async (context) => {
  const reason = dumpMissing("6.1-amd64");
  context.skip(reason !== undefined, reason);
  const dump = (await guestDump("6.1-amd64", "idle")).file("elf");
  await withTemporaryDirectory(async (directory) => {
    const file = path.join(directory, "deleted.ts");
    writeFileSync(file, script);
    writeFileSync(path.join(directory, "package.json"), '{"type": "module"}');
    symlinkSync(modules, path.join(directory, "node_modules"));
    const paths = Object.fromEntries([...doors()].map(([name, source]) => [name, [source]]));
    const configuration = {
      extends: path.join(projectDirectory, "tsconfig.json"),
      compilerOptions: { paths, typeRoots: [path.join(modules, "@types")] },
      include: ["deleted.ts"],
    };
    writeFileSync(path.join(directory, "tsconfig.json"), JSON.stringify(configuration));
    const compiled = run(process.execPath, [
      path.join(modules, "typescript/bin/tsc"),
      "-p",
      path.join(directory, "tsconfig.json"),
    ]);
    expect(compiled.stdout.toString()).toBe("");
    const bundle = await rolldown({
      input: file,
      platform: "node",
      external: ["hysnappy", "piscina", "xz-decompress", "zstddec"],
      plugins: [assemblyScript()],
      resolve: { alias: Object.fromEntries(doors()) },
    });
    mkdirSync(path.join(directory, "out"));
    await bundle.write({ dir: path.join(directory, "out"), format: "esm", entryFileNames: "deleted.js" });
    const { stdout } = run(process.execPath, [path.join(directory, "out/deleted.js"), dump]);
    const lines = stdout.toString().trimEnd().split("\n");
    const kernel = await Kernel.open([dump], { sidecar: "none" });
    const expected = listFiles(kernel, new Gaps(), []).rows.filter(
      ({ fd, path: name }) => fd !== null && name?.endsWith(" (deleted)") === true,
    );
    kernel.close();
    expect(lines.map((line) => line.replace(/^(\d+ .* \d+) \d+ (\/.*)$/, "$1 $2"))).toEqual(
      expected.map((row) => `${row.pid} ${row.comm} ${row.fd} ${row.path}`),
    );
    expect(lines.length).toBe(2);
  });
});

test("every door of the package is a folder with an index", () => {
  for (const source of doors().values()) expect(existsSync(source), source).toBe(true);
  expect([...doors().keys()]).toContain("dwarfless/linux");
});
