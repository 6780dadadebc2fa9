/** Modules of a kernel with what they depend on, in an order in which insmod takes them. */
import { readdirSync } from "node:fs";
import path from "node:path";
import type { Kernel } from "../lab/kernels.ts";
import { elfSectionOf, plainModule } from "./elf-section.ts";

export interface LoadableModule {
  /** The file's name without suffixes. */
  name: string;
  bytes: Buffer;
}

/** Names the kernel has no file for are left out: what is a module in one kernel is built into another. */
export function moduleClosure(kernel: Kernel, names: readonly string[]): LoadableModule[] {
  const files = new Map<string, string>();
  for (const entry of readdirSync(kernel.modules, { recursive: true, encoding: "utf8" })) {
    const match = /([^/]+)\.ko(\.xz)?$/.exec(entry);
    if (match !== null) files.set(canonical(match[1]!), path.join(kernel.modules, entry));
  }
  const ordered = new Map<string, LoadableModule>();
  const add = (name: string, depth: number): void => {
    const file = files.get(canonical(name));
    if (file === undefined || ordered.has(canonical(name))) return;
    if (depth > 20) throw new Error(`modules depend on each other in a circle at ${name}`);
    const bytes = plainModule(file);
    const information = elfSectionOf(bytes, ".modinfo")?.toString("latin1") ?? "";
    const depends = /(?:^|\0)depends=([^\0]*)/.exec(information)?.[1] ?? "";
    for (const other of depends.split(",").filter(Boolean)) add(other, depth + 1);
    ordered.set(canonical(name), { name: path.basename(file).replace(/\.ko(\.xz)?$/, ""), bytes });
  };
  for (const name of names) add(name, 0);
  return [...ordered.values()];
}

function canonical(name: string): string {
  return name.replaceAll("-", "_");
}
