/**
 * Before the lab tests: the command line is built, kernels and peers are in the cache.
 * With everything cached this costs a fraction of a second.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isInstalled, projectDirectory } from "./commands.ts";
import { dumpKernelNames, kernelMissing } from "./kernels.ts";
import { peers } from "./peers.ts";

/** vitest's globalSetup; gives what ends it. Throws when something can be made here and the making fails. */
export function setup(): () => void {
  fetchAll();
  // What several test files of this run want is made once: see encoding.ts.
  const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-lab-"));
  process.env["DWARFLESS_LAB_RUN"] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}

function fetchAll(): void {
  if (!isBuilt()) inherit("npm", ["run", "--silent", "build"]);
  const missing = dumpKernelNames.filter((name) => kernelMissing(name) !== undefined);
  const fetches = missing.map((name) => ["kernel.sh", name]);
  if (!peers().available && process.arch === "x64") fetches.push(["peers.sh"]);
  if (fetches.length === 0) return;
  // Kernels and peers are Debian packages. Where there is no apt-get the tests skip and say why.
  if (!isInstalled("apt-get") || !isInstalled("dpkg")) {
    console.error(
      "lab: no apt-get and dpkg here, so no kernels and peers: the tests that need them are skipped",
    );
    return;
  }
  for (const [script, ...argv] of fetches) inherit(path.join(projectDirectory, "scripts/lab", script!), argv);
}

/** Whether `dist/` is there and no source is newer. */
function isBuilt(): boolean {
  const program = path.join(projectDirectory, "dist/cli/dwarfless.js");
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  const source = path.join(projectDirectory, "src");
  return readdirSync(source, { recursive: true, encoding: "utf8" }).every(
    (file) => file.endsWith(".test.ts") || statSync(path.join(source, file)).mtimeMs <= built,
  );
}

/** Run with this process's output, except that standard output (a path) goes to standard error. */
function inherit(program: string, argv: readonly string[]): void {
  const result = spawnSync(program, argv, { cwd: projectDirectory, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) throw new Error(`${program} ${argv.join(" ")} failed: see above`);
}
