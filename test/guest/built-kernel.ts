/** The kernel that scripts/lab/kernel-build.sh built, in its two forms. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { cacheDirectory, type Kernel } from "../lab/kernels.ts";

/** `default`: BTF as upstream has it. `all-variables`: with `--btf_features=global_var`. */
export type BuildName = "default" | "all-variables";

const directory = path.join(cacheDirectory, "kernel-build/newest");

/** Why there is none, or undefined. */
export function builtKernelMissing(): string | undefined {
  if (existsSync(path.join(directory, "source"))) return undefined;
  return "no kernel was built here (scripts/lab/kernel-build.sh builds one, which takes an hour or more)";
}

/** One form of it. Its modules are as they were linked: with DWARF, and with BTF. */
export function builtKernel(name: BuildName): Kernel {
  const folder = path.join(realpathSync(directory), name);
  const entry = (file: string): string => path.join(folder, file);
  return {
    name: `built-${name}-amd64`,
    directory: folder,
    release: readFileSync(entry("release"), "utf8").trim(),
    vmlinux: entry("vmlinux"),
    vmlinuz: entry("vmlinuz"),
    modules: entry("modules"),
    debugModules: entry("modules"),
  };
}

/** Words in a file of the build: `pahole-flags`, `compiler`, `source`. */
export function buildFact(file: string): string {
  return readFileSync(path.join(directory, file), "utf8").trim();
}
