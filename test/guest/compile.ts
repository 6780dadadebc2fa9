/** Freestanding C programs of this folder, made for the guest's architecture. */
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
