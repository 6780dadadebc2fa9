/** The kernel that scripts/lab/kernel-build.sh built, in its two forms. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { cacheDirectory, type Kernel } from "../lab/kernels.ts";

/** `default`: BTF as upstream has it. `all-variables`: with `--btf_features=global_var`. */
export type BuildName = "default" | "all-variables";

const directory = path.join(cacheDirectory, "kernel-build/newest");

/**
 * Why there is none to look at, or undefined. The script asks for it when it has linked both forms: what lies in
 * the cache from earlier was encoded by an earlier dwarfless.
 */
export function builtKernelMissing(): string | undefined {
  const isAskedFor = process.env["DWARFLESS_LAB_BUILT_KERNEL"] === "1";
  if (isAskedFor && existsSync(path.join(directory, "source"))) return undefined;
  return "scripts/lab/kernel-build.sh runs this, with the kernel that it has built";
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
