/** Encodes with pahole (kept in the cache, made once) and with dwarfless, and runs many programs at a time. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { lock } from "../guest/cached.ts";
import { cacheDirectory, projectDirectory, type Kernel, type KernelModule } from "./lab.ts";
import { peerCommand, peers } from "./peers.ts";

export const featureSets = ["default", "global_var"] as const;
export type FeatureSet = (typeof featureSets)[number];

/** Where pahole's outputs for one kernel are kept. */
export function peerDirectory(of: Kernel): string {
  return path.join(cacheDirectory, "peer-btf", "pahole-1.32", of.release);
}

/** pahole's BTF of the kernel, by path; made on first use. */
export async function peerVmlinux(of: Kernel, features: FeatureSet): Promise<string> {
  return peerEncode(of.vmlinux, path.join(peerDirectory(of), `vmlinux-${features}.btf`), features);
}

/** pahole's split BTF of a module over `base`, by path; made on first use. */
export async function peerModule(
  of: Kernel,
  module: KernelModule,
  features: FeatureSet,
  base: string,
): Promise<string> {
  const output = path.join(peerDirectory(of), features, `${module.path.replaceAll("/", "_")}.btf`);
  return peerEncode(module.debug, output, features, base);
}

/** Runs pahole unless `output` is there already, and returns `output`. Throws when pahole writes nothing. */
export async function peerEncode(
  input: string,
  output: string,
  features: FeatureSet,
  base?: string,
): Promise<string> {
  if (existsSync(output)) return output;
  mkdirSync(path.dirname(output), { recursive: true });
  const partial = `${output}.${process.pid}.partial`;
  const argv = [
    `--btf_features=${features === "default" ? "default" : "+global_var"}`,
    "--lang_exclude=rust",
  ];
  if (base !== undefined) argv.push(`--btf_base=${base}`);
  const [program, ...prefix] = peerCommand(peers().root, "pahole");
  const words = [...prefix, ...argv, "-j2", `--btf_encode_detached=${partial}`, input];
  const { status, stderr } = await start(program!, words);
  if (!existsSync(partial))
    throw new Error(`pahole wrote nothing for ${input}: exit ${status}: ${stderr.trim()}`);
  renameSync(partial, output);
  return output;
}

export interface OwnOptions {
  features: FeatureSet;
  base?: string;
  jobs?: number;
  /** Words added to the command line. */
  extra?: readonly string[];
}

/** Runs `dwarfless encode` and gives the BTF. Throws when it fails. */
export async function ownEncode(input: string, output: string, options: OwnOptions): Promise<Buffer> {
  const argv = ["encode", input, "-o", output, "-j", String(options.jobs ?? 2)];
  if (options.features === "global_var") argv.push("--vars=all");
  if (options.base !== undefined) argv.push("--base", options.base);
  argv.push(...(options.extra ?? []));
  const program = path.join(projectDirectory, "dist/cli/dwarfless.js");
  const { status, stderr } = await start(process.execPath, [program, ...argv]);
  if (status !== 0) throw new Error(`dwarfless ${argv.join(" ")}: exit ${status}: ${stderr.trim()}`);
  return readFileSync(output);
}

/**
 * `dwarfless encode` of a whole kernel: made once in a run of the tests, and the same for all that ask. With every
 * variable there is a report beside it.
 */
export async function ownVmlinux(of: Kernel, features: FeatureSet): Promise<{ btf: string; report: string }> {
  const directory = process.env["DWARFLESS_LAB_RUN"];
  if (directory === undefined) throw new Error("test/lab/setup.ts did not run");
  const btf = path.join(directory, `${of.name}-${features}.btf`);
  const report = path.join(directory, `${of.name}-${features}.json`);
  const release = await lock(`${btf}.lock`);
  try {
    if (!existsSync(btf)) {
      const extra = features === "global_var" ? ["--report", report] : [];
      await ownEncode(of.vmlinux, btf, { features, extra });
    }
  } finally {
    release();
  }
  return { btf, report };
}

export interface Ended {
  /** -1 when it was killed. */
  status: number;
  stderr: string;
}

/** Runs a program to its end, or to a time limit in milliseconds. */
export function start(
  program: string,
  argv: readonly string[],
  directory?: string,
  timeout = 300_000,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, {
      cwd: directory,
      stdio: ["ignore", "ignore", "pipe"],
      timeout,
      killSignal: "SIGKILL",
    });
    const chunks: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (error) => resolve({ status: -1, stderr: error.message }));
    child.on("close", (status) =>
      resolve({ status: status ?? -1, stderr: Buffer.concat(chunks).toString("utf8") }),
    );
  });
}

/** Calls `body` for every item, `width` at a time, and keeps the order of the results. */
export async function mapParallel<T, R>(
  items: readonly T[],
  width: number,
  body: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await body(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}
