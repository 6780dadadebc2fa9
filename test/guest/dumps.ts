/**
 * Dumps of real kernels, each with what its guest said of itself. Made on demand and kept in the
 * cache, by the kernel's release and the recipe: `guestDump("6.1-amd64", "panic")`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run, withTemporaryDirectory } from "../lab/commands.ts";
import { cacheDirectory, type Kernel, kernel, kernelMissing, type KernelName } from "../lab/kernels.ts";
import { cachedDirectory } from "./cached.ts";
import { guestSource } from "./compile.ts";
import { emptyDisk, unpackOracle } from "./disk.ts";
import { architectureOf } from "./guest.ts";
import { makeCaptured } from "./kdump.ts";
import { type DumpFormat, RunningMachine } from "./machine.ts";
import { type Architecture, emulatorMissing } from "./platform.ts";
import { type Ending, readyText, witnessText, writeWitness } from "./witness.ts";

/** What kind of guest was dumped, and what had become of it. */
export type DumpKind = QemuKind | "kdump";
type QemuKind = "idle" | "panic" | "no-note" | "nokaslr" | "pti";

/** One guest's dumps. */
export interface GuestDump {
  directory: string;
  /** Files of the same stopped machine by format: `elf`, `kdump-zlib`, ... Throws for one that was not made. */
  file(format: string): string;
  /** A file of `/proc` or the like as the guest wrote it down, as text: `kallsyms`, `modules`, `threads`, ... */
  said(name: string): string;
  /** Everything on its serial console. */
  readonly console: string;
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
const recipes: Record<QemuKind, Recipe> = {
  idle: {
    ending: "idle",
    formats: ["elf", "kdump-zlib"],
    processor: { amd64: ",la57=off" },
  },
  panic: {
    ending: "panic",
    formats: ["elf", "kdump-zlib"],
    processor: { arm64: "cortex-a57" },
  },
  /** Without the device for VMCOREINFO: no note, as in most dumps from the field, and formats that have no notes. */
  "no-note": {
    ending: "idle",
    formats: ["elf", "raw", "lime"],
    vmcoreinfo: false,
    processor: { amd64: ",la57=off" },
  },
  /** Loaded where the linker put it. */
  nokaslr: {
    ending: "idle",
    formats: ["elf", "elf-paging"],
    commandLine: "nokaslr",
    processor: { amd64: ",la57=off" },
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
  const directory = await cachedDirectory(
    path.join(cacheDirectory, "guests", of.release),
    kind,
    recipeText(kind),
    (partial) => make(of, kind, partial),
  );
  return openGuestDump(directory);
}

/** Boot a guest and dump it into `directory`, whatever the cache has; an earlier dump there is removed. */
export async function freshDump(name: KernelName, kind: DumpKind, directory: string): Promise<GuestDump> {
  mkdirSync(directory, { recursive: true });
  for (const entry of readdirSync(directory)) {
    if (/^(said|console|memory\..+)$/.test(entry)) rmSync(path.join(directory, entry), { recursive: true });
  }
  await make(kernel(name), kind, directory);
  return openGuestDump(directory);
}

/**
 * Boot an image of one's own and dump it into `output` as ELF; nothing is cached. `prepare`: what the guest's
 * shell does before it is dumped, for example writing to `/oracle/NAME` what `said(NAME)` is to give.
 */
export async function dumpImage(of: Kernel, prepare: string, output: string): Promise<GuestDump> {
  await makeDump(of, { ...recipes.idle, formats: ["elf"] }, output, prepare);
  return openGuestDump(output);
}

/** A folder that `guestDump` filled. */
export function openGuestDump(directory: string): GuestDump {
  return {
    directory,
    file: (format) => {
      const file = path.join(directory, `memory.${format}`);
      if (!existsSync(file)) throw new Error(`no ${format} in ${directory}`);
      return file;
    },
    said: (name) => readFileSync(path.join(directory, "said", name), "utf8"),
    get console() {
      return readFileSync(path.join(directory, "console"), "utf8");
    },
  };
}

/** What names a recipe in the cache: all that decides what a guest is. */
function recipeText(kind: DumpKind): string {
  const own = kind === "kdump" ? guestSource("kdump.ts") : recipes[kind];
  return JSON.stringify([recipeVersion, memoryMebibytes, own, witnessText()]);
}

async function make(of: Kernel, kind: DumpKind, output: string): Promise<void> {
  await (kind === "kdump" ? makeCaptured(of, output) : makeDump(of, recipes[kind], output));
  // Most of the memory is zeros; where the file system cannot do without them they stay.
  for (const entry of readdirSync(output)) {
    if (entry.startsWith("memory.")) run("fallocate", ["--dig-holes", path.join(output, entry)]);
  }
}

async function makeDump(of: Kernel, recipe: Recipe, output: string, prepare = ""): Promise<void> {
  const architecture = architectureOf(of);
  await withTemporaryDirectory(async (directory) => {
    const vmcoreinfo = recipe.vmcoreinfo ?? true;
    const disk = emptyDisk(directory, "oracle", 64);
    const machine = await RunningMachine.start({
      architecture,
      vmlinuz: of.vmlinuz,
      initramfs: writeWitness(of, directory, { ending: recipe.ending, vmcoreinfo, prepare }),
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
}
