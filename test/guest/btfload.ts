/** Ask a running kernel whether it takes BTF: btfload.c, made for the guest's architecture. */
import { compileProgram } from "./compile.ts";
import type { Architecture } from "./platform.ts";

export interface Verdict {
  accepted: boolean;
  /** errno of the refusal, 0 when accepted. */
  errno: number;
  /** The last lines of the kernel's own log; empty when accepted. */
  log: string[];
}

/** Compile the loader into `directory`; gives its path. */
export function compileLoader(architecture: Architecture, directory: string): string {
  return compileProgram(architecture, "btfload", directory);
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
