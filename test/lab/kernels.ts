/** Debian's kernels in the cache, put there by `scripts/lab/kernel.sh` (see setup.ts). */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** Where everything fetched or made for the tests is kept; safe to delete. */
export const cacheDirectory: string = path.join(
  process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"),
  "dwarfless",
);

/** What is encoded: each with something that the others do not have. */
export const kernelNames = ["6.1-amd64", "7.2-amd64", "6.12-arm64"] as const;
/** What is dumped. */
export const dumpKernelNames = ["6.1-amd64", "6.12-amd64", "7.2-amd64", "6.12-arm64"] as const;
export type KernelName = (typeof dumpKernelNames)[number];

/** All paths are resolved: no symbolic link is left in them. */
export interface Kernel {
  /** What is built here (test/guest/built-kernel.ts) is named apart. */
  name: KernelName | `built-${string}`;
  directory: string;
  /** `uname -r`. */
  release: string;
  /** ELF with DWARF and with the BTF it was shipped with. */
  vmlinux: string;
  /** The bootable image. */
  vmlinuz: string;
  /** Folder of the modules as shipped (`.ko` or `.ko.xz`). */
  modules: string;
  /** Folder of the same modules with DWARF (`.ko`). */
  debugModules: string;
}

/** Why this kernel cannot be used, or undefined when it is there. */
export function kernelMissing(name: KernelName): string | undefined {
  const directory = path.join(cacheDirectory, "kernels", name);
  if (existsSync(path.join(directory, "complete"))) return undefined;
  return `kernel ${name} is not in ${directory} (scripts/lab/kernel.sh ${name} fetches it)`;
}

/** A kernel of the cache. Throws when it is not there. */
export function kernel(name: KernelName): Kernel {
  const reason = kernelMissing(name);
  if (reason !== undefined) throw new Error(reason);
  const directory = path.join(cacheDirectory, "kernels", name);
  const resolve = (entry: string): string => realpathSync(path.join(directory, entry));
  return {
    name,
    directory,
    release: readFileSync(path.join(directory, "release"), "utf8").trim(),
    vmlinux: resolve("vmlinux"),
    vmlinuz: resolve("vmlinuz"),
    modules: resolve("modules"),
    debugModules: resolve("debug-modules"),
  };
}

/** A module: the path below `kernel/` without any suffix, and its two files. */
export interface KernelModule {
  /** For example `lib/crc7`. */
  path: string;
  /** The kernel's name for it: the file's name with `-` as `_`. */
  name: string;
  /** With DWARF. */
  debug: string;
  /** As shipped: `.ko`, or `.ko.xz`. */
  shipped: string;
}

/** Every module that has both files, sorted by path, so that a prefix of the list is a stable sample. */
export function kernelModules(of: Kernel): KernelModule[] {
  const shipped = new Map(listFiles(of.modules).map((file) => [stem(file), path.join(of.modules, file)]));
  const modules: KernelModule[] = [];
  for (const file of listFiles(of.debugModules)) {
    const key = stem(file);
    const shippedPath = shipped.get(key);
    if (shippedPath === undefined) continue;
    const name = path.basename(key).replaceAll("-", "_");
    modules.push({ path: key, name, debug: path.join(of.debugModules, file), shipped: shippedPath });
  }
  return modules.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.filter((entry) => /\.ko(\.(xz|zst|gz|debug))?$/.test(entry));
}

function stem(file: string): string {
  return file.replace(/\.ko(\.(xz|zst|gz|debug))?$/, "");
}
