/** What a guest said of itself, in the terms in which dwarfless answers. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { GuestDump } from "../guest/dumps.ts";

/** Every line of /proc/kallsyms as `ADDRESS LETTER NAME [MODULE]`, sorted. */
export function guestSymbols(dump: GuestDump): string[] {
  return dump.said("kallsyms").trimEnd().replaceAll("\t", " ").split("\n").sort();
}

/** Modules by name with address and size, from /proc/modules. */
export function guestModules(dump: GuestDump): Map<string, { size: number; address: string }> {
  const modules = new Map<string, { size: number; address: string }>();
  for (const line of dump.said("modules").trimEnd().split("\n")) {
    const [name, size, , , , address] = line.split(" ");
    modules.set(name!, { size: Number(size), address: address! });
  }
  return modules;
}

const NT_GNU_BUILD_ID = 3;

/** The running kernel's build id, from /sys/kernel/notes. */
export function guestBuildId(dump: GuestDump): string {
  const notes = readFileSync(path.join(dump.directory, "said/notes"));
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [0, 4, 8].map((offset) => notes.readUInt32LE(at + offset));
    const name = at + 12;
    const description = name + ((nameSize! + 3) & ~3);
    if (type === NT_GNU_BUILD_ID && notes.toString("latin1", name, name + 3) === "GNU") {
      return notes.toString("hex", description, description + size!);
    }
    at = description + ((size! + 3) & ~3);
  }
  throw new Error("no build id in /sys/kernel/notes");
}

/** How far the kernel says, when it panics, that it was moved; undefined where it did not say. */
export function saidKernelOffset(dump: GuestDump): bigint | undefined {
  const match = /Kernel Offset: (0x[0-9a-f]+|disabled)/.exec(dump.console);
  if (match === null) return undefined;
  return match[1] === "disabled" ? 0n : BigInt(match[1]!);
}
