/**
 * Dumps of real kernels, each with what its guest said of itself. Made on demand and kept in the
 * cache, by the kernel's release and the recipe: `guestDump("6.1-amd64", "panic")`.
 */
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mustRun, projectDirectory, run, withTemporaryDirectory } from "../lab/commands.ts";
import { cacheDirectory, type Kernel, kernel, kernelMissing, type KernelName } from "../lab/kernels.ts";
import { cachedDirectory } from "./cached.ts";
import { architectureOf } from "./guest.ts";
import { type DumpFormat, RunningMachine } from "./machine.ts";
import { type Architecture, emulatorMissing } from "./platform.ts";
import { type Ending, readyText, writeWitness } from "./witness.ts";

/** What kind of guest was dumped, and what had become of it. */
export type DumpKind = "idle" | "panic" | "no-note" | "nokaslr" | "pti";

/** One guest's dumps. */
export interface GuestDump {
  directory: string;
  /** Files of the same stopped machine by format: `elf`, `kdump-zlib`, ... Throws for one that was not made. */
  file(format: string): string;
  /** A file of `/proc` or the like as the guest wrote it down, as text: `kallsyms`, `modules`, `threads`, ... */
  said(name: string): string;
}

interface Recipe {
  ending: Ending;
  formats: readonly DumpFormat[];
  /** Default true. */
  vmcoreinfo?: boolean;
  /** `-cpu`, where not the default. */
  processor?: Partial<Record<Architecture, string>>;
  /** More words for the kernel. */
  commandLine?: string;
}

// QEMU's "max" has five levels of page tables, and 52-bit addresses on arm64. Idle and panicked
// guests differ in that, so that both are seen with every kernel.
const recipes: Record<DumpKind, Recipe> = {
  idle: {
    ending: "idle",
    formats: ["elf", "kdump-zlib"],
    processor: { amd64: "max,la57=off" },
  },
  panic: {
    ending: "panic",
    formats: ["elf", "kdump-zlib"],
    processor: { arm64: "cortex-a57" },
  },
  /** Without the device for VMCOREINFO: no note, as in most dumps from the field. */
  "no-note": {
    ending: "idle",
    formats: ["elf"],
    vmcoreinfo: false,
    processor: { amd64: "max,la57=off" },
  },
  /** Linked and loaded where the linker put it; with the formats that say no more than others. */
  nokaslr: {
    ending: "idle",
    formats: ["elf", "elf-paging"],
    commandLine: "nokaslr",
    processor: { amd64: "max,la57=off" },
  },
  /** Page tables of its own for user space, on five levels. */
  pti: { ending: "idle", formats: ["elf"], commandLine: "pti=on" },
};

/** Changed when dumps made before no longer do for a reason outside `recipes` and the guest's own files. */
const recipeVersion = 1;

const memoryMebibytes = 256;

/** Why this dump cannot be made here, or undefined when it can. */
export function dumpMissing(name: KernelName): string | undefined {
  return kernelMissing(name) ?? emulatorMissing(name.endsWith("-arm64") ? "arm64" : "amd64");
}

/** The dumps of a guest of this kind, made now unless they are in the cache. */
export async function guestDump(name: KernelName, kind: DumpKind): Promise<GuestDump> {
  const of = kernel(name);
  const recipe = recipes[kind];
  const directory = await cachedDirectory(
    path.join(cacheDirectory, "guests", of.release),
    kind,
    recipeText([memoryMebibytes, recipe]),
    (partial) => makeDump(of, recipe, partial),
  );
  return openGuestDump(directory);
}

/** What names a recipe in the cache: all that decides what a guest is. */
export function recipeText(parts: unknown): string {
  const sources = ["witness.ts", "states.c"].map((name) =>
    readFileSync(path.join(projectDirectory, "test/guest", name), "utf8"),
  );
  return JSON.stringify([recipeVersion, parts, sources]);
}

/** Boot a guest and dump it into `directory`, whatever the cache has. */
export async function freshDump(name: KernelName, kind: DumpKind, directory: string): Promise<GuestDump> {
  mkdirSync(directory, { recursive: true });
  await makeDump(kernel(name), recipes[kind], directory);
  return openGuestDump(directory);
}

/** A folder that `guestDump` or `captureDump` filled. */
export function openGuestDump(directory: string): GuestDump {
  return {
    directory,
    file: (format) => {
      const file = path.join(directory, `memory.${format}`);
      if (!existsSync(file)) throw new Error(`no ${format} in ${directory}`);
      return file;
    },
    said: (name) => readFileSync(path.join(directory, "said", name), "utf8"),
  };
}

async function makeDump(of: Kernel, recipe: Recipe, output: string): Promise<void> {
  const architecture = architectureOf(of);
  await withTemporaryDirectory(async (directory) => {
    const vmcoreinfo = recipe.vmcoreinfo ?? true;
    const disk = emptyDisk(directory, "oracle", 64);
    const machine = await RunningMachine.start({
      architecture,
      vmlinuz: of.vmlinuz,
      initramfs: writeWitness(of, directory, { ending: recipe.ending, vmcoreinfo }),
      directory,
      memory: memoryMebibytes,
      vmcoreinfo,
      disks: [disk],
      commandLine: `panic=0 ${recipe.commandLine ?? ""}`.trim(),
      ...(recipe.processor?.[architecture] === undefined
        ? {}
        : { processor: recipe.processor[architecture] }),
    });
    try {
      await machine.waitFor(recipe.ending === "panic" ? "end Kernel panic" : readyText, 180_000);
      await machine.command("stop");
      for (const format of recipe.formats) await machine.dump(path.join(output, `memory.${format}`), format);
      writeFileSync(path.join(output, "console"), machine.console.replaceAll("\r", ""));
    } finally {
      await machine.stop();
    }
    unpackOracle(disk, output);
  });
  // Most of the memory is zeros; where the file system cannot do without them they stay.
  for (const format of recipe.formats)
    run("fallocate", ["--dig-holes", path.join(output, `memory.${format}`)]);
}

/** A sparse image of so many mebibytes. */
export function emptyDisk(directory: string, name: string, mebibytes: number): string {
  const file = path.join(directory, name);
  writeFileSync(file, "");
  truncateSync(file, mebibytes * 2 ** 20);
  return file;
}

/** What the guest wrote down goes to the folder `said`. */
export function unpackOracle(disk: string, output: string): void {
  const folder = path.join(output, "said");
  mkdirSync(folder);
  mustRun("tar", ["--extract", "--no-same-owner", "--file", disk, "--directory", folder]);
  const failed = ["kallsyms", "modules", "threads"].filter((name) => !existsSync(path.join(folder, name)));
  if (failed.length > 0) throw new Error(`the guest did not write down ${failed.join(", ")}`);
}
