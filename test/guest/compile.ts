/** Freestanding C programs of this folder, made for the guest's architecture. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { isInstalled, mustRun, projectDirectory } from "../lab/commands.ts";
import type { Architecture } from "./platform.ts";

/** Why programs cannot be compiled here, or undefined when they can. */
export function compilerMissing(architecture: Architecture): string | undefined {
  const compiler = compilers[architecture].find(([program]) => isInstalled(program!));
  return compiler === undefined ? `no C compiler for ${architecture} (scripts/setup-system.sh)` : undefined;
}

/** Compile `test/guest/<name>.c` into `directory`; gives the program's path. */
export function compileProgram(architecture: Architecture, name: string, directory: string): string {
  const compiler = compilers[architecture].find(([program]) => isInstalled(program!));
  if (compiler === undefined) throw new Error(compilerMissing(architecture));
  const output = path.join(directory, name);
  const source = path.join(projectDirectory, `test/guest/${name}.c`);
  const [program, ...target] = compiler;
  const flags = ["-Wall", "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
  mustRun(program!, [...target, ...flags, "-o", output, source]);
  return output;
}

/** The text of a program and of all it may include: what decides what it does. */
export function programText(name: string): string {
  return [`${name}.c`, "freestanding.h", "threads.h"].map(guestSource).join("");
}

/** The text of a file of this folder. */
export function guestSource(name: string): string {
  return readFileSync(path.join(projectDirectory, "test/guest", name), "utf8");
}

const compilers: Record<Architecture, string[][]> = {
  amd64: [
    ...(process.arch === "x64" ? [["gcc"]] : []),
    ["x86_64-linux-gnu-gcc"],
    ["clang", "--target=x86_64-linux-gnu", "-fuse-ld=lld"],
  ],
  arm64: [
    ...(process.arch === "arm64" ? [["gcc"]] : []),
    ["aarch64-linux-gnu-gcc"],
    ["clang", "--target=aarch64-linux-gnu", "-fuse-ld=lld"],
  ],
};
