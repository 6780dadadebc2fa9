/** Running programs from tests: dwarfless itself, and anything else with a hard time limit. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the checkout. */
export const projectDirectory: string = fileURLToPath(new URL("../..", import.meta.url));

export interface CommandOptions {
  /** Working directory; default the checkout. */
  directory?: string;
  /** Variables added to this process's own. */
  environment?: Readonly<Record<string, string>>;
  /** Milliseconds until the program is killed; default 5 minutes. */
  timeout?: number;
  /** Write standard output to this file instead of keeping it in memory. */
  outputFile?: string;
}

export interface CommandResult {
  /** Exit code; -1 when the program was killed (time limit, signal) or did not start. */
  status: number;
  /** Standard output; empty with `outputFile`. */
  stdout: Buffer;
  /** Standard error, with the reason added when the program did not end by itself. */
  stderr: string;
}

/** Run a program to its end. Never throws for what the program does. */
export function run(program: string, argv: readonly string[], options: CommandOptions = {}): CommandResult {
  const output = options.outputFile === undefined ? "pipe" : openSync(options.outputFile, "w");
  try {
    const result = spawnSync(program, argv, {
      cwd: options.directory ?? projectDirectory,
      env: { ...process.env, ...options.environment },
      stdio: ["ignore", output, "pipe"],
      timeout: options.timeout ?? 300_000,
      killSignal: "SIGKILL",
      maxBuffer: 1 << 30,
    });
    const cause = result.error?.message ?? (result.signal === null ? "" : `killed by ${result.signal}`);
    return {
      status: result.status ?? -1,
      stdout: result.stdout ?? Buffer.alloc(0),
      stderr: (result.stderr?.toString("utf8") ?? "") + (cause === "" ? "" : `\n${program}: ${cause}`),
    };
  } finally {
    if (typeof output === "number") closeSync(output);
  }
}

/** Run a program that must succeed. Throws with its last words on standard error otherwise. */
export function mustRun(
  program: string,
  argv: readonly string[],
  options: CommandOptions = {},
): CommandResult {
  const result = run(program, argv, options);
  if (result.status !== 0) {
    const words = result.stderr.trim().split("\n").slice(-5).join("\n");
    throw new Error(`${path.basename(program)} ${argv.join(" ")}: exit ${result.status}\n${words}`);
  }
  return result;
}

/** Run the built command line, `dist/cli/dwarfless.js`. */
export function dwarfless(argv: readonly string[], options: CommandOptions = {}): CommandResult {
  return run(process.execPath, [path.join(projectDirectory, "dist/cli/dwarfless.js"), ...argv], options);
}

/** Run the built drop-in for pahole, `dist/cli/dwarfless-pahole.js`. */
export function dwarflessPahole(argv: readonly string[], options: CommandOptions = {}): CommandResult {
  return run(
    process.execPath,
    [path.join(projectDirectory, "dist/cli/dwarfless-pahole.js"), ...argv],
    options,
  );
}

/** Whether a program of this name is on the path. */
export function isInstalled(program: string): boolean {
  return run("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0;
}

/** Call `body` with a fresh directory and remove it afterwards, whatever happens. */
export async function withTemporaryDirectory<T>(body: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-"));
  try {
    return await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
