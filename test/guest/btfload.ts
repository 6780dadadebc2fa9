/** Ask a running kernel whether it takes BTF: btfload.c, made for the guest's architecture. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isInstalled, mustRun } from "../lab/commands.ts";
import type { Architecture } from "./qemu.ts";

export interface Verdict {
  accepted: boolean;
  /** errno of the refusal, 0 when accepted. */
  errno: number;
  /** The last lines of the kernel's own log; empty when accepted. */
  log: string[];
}

/** Why the loader cannot be compiled here, or undefined when it can. */
export function compilerMissing(architecture: Architecture): string | undefined {
  const compiler = compilers[architecture].find(([program]) => isInstalled(program!));
  return compiler === undefined ? `no C compiler for ${architecture} (scripts/setup-system.sh)` : undefined;
}

/** Compile the loader into `directory`; gives its path. */
export function compileLoader(architecture: Architecture, directory: string): string {
  const compiler = compilers[architecture].find(([program]) => isInstalled(program!));
  if (compiler === undefined) throw new Error(compilerMissing(architecture));
  const output = path.join(directory, "btfload");
  const source = fileURLToPath(new URL("btfload.c", import.meta.url));
  const [program, ...target] = compiler;
  const flags = ["-Wall", "-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
  mustRun(program!, [...target, ...flags, "-o", output, source]);
  return output;
}

/** The loader's output as verdicts by file. */
export function parseVerdicts(output: string): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  let last: Verdict | undefined;
  for (const line of output.split("\n")) {
    const [word, file, errno] = line.split(" ");
    if (word === "OK" || word === "FAIL") {
      last = { accepted: word === "OK", errno: Number(errno ?? 0), log: [] };
      verdicts.set(file!, last);
    } else if (line.startsWith("| ")) last?.log.push(line.slice(2).trim());
  }
  return verdicts;
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
