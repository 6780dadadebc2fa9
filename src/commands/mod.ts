import type { Kernel, KernelModule } from "../kernel/index.ts";
import { type Gaps, listForEachEntry } from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";
import { cell, tableLines } from "./table.ts";

/** A module as JSON has it. */
export interface ModuleRow {
  name: string;
  /** Of its code. */
  address: string | null;
  /** Bytes of all its parts. */
  size: number;
  /** As /proc/modules has it; null where it is being removed. */
  refcount: number | null;
  /** Modules that use it. */
  uses: readonly string[] | null;
  /** True where its types are in the dump. */
  btf: boolean;
  /** Live, Loading, Unloading. */
  state: string | null;
  /** Letters of what it taints the kernel with. */
  taints: string | null;
  version: string | null;
  buildId: string | null;
  /** Address of its `struct module`. */
  module: string;
}

/** `enum module_state`. */
const states = ["Live", "Loading", "Unloading", "Unformed"];
/** Letters by bit (`taint_flags`, kernel/panic.c); the same since v4.15, N since v6.0, J since v6.12. */
export const taintLetters = "PFSRMBUDAWCIOELKXTNJ";

/** Modules that fit names or patterns, the last loaded first; all without any. */
export function listModules(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: ModuleRow[]; missing: string[] } {
  const filters = targets.map((target) => ({ target, pattern: globPattern(target) }));
  const { modules } = kernel;
  const missing = filters
    .filter(({ pattern }) => !modules.some(({ name }) => pattern.test(name)))
    .map(({ target }) => target);
  const chosen =
    filters.length === 0
      ? modules
      : modules.filter(({ name }) => filters.some(({ pattern }) => pattern.test(name)));
  return { rows: chosen.map((module) => moduleRow(kernel, gaps, module)), missing };
}

function moduleRow(kernel: Kernel, gaps: Gaps, module: KernelModule): ModuleRow {
  const object = kernel.program.object(module.address, "struct module");
  const text = module.regions.find(({ kind }) => kind === "text" || kind === "core") ?? module.regions[0];
  const version = gaps.column("version", () => object.memberIf("version"));
  return {
    name: module.name,
    address: text === undefined ? null : hex(text.address),
    size: module.regions.reduce((sum, { byteSize }) => sum + byteSize, 0),
    // MODULE_REF_BASE: the kernel holds one itself.
    refcount: gaps.column("refcount", () => {
      const count = object.member("refcnt").member("counter").number() - 1;
      return count < 0 ? null : count;
    }),
    uses: gaps.column("uses", () => usersOf(gaps, object)),
    btf: typeof module.btf !== "string",
    state: gaps.column("state", () => states[object.member("state").number()] ?? null),
    taints: gaps.column("taints", () => taintText(BigInt(object.member("taints").scalar()))),
    version:
      version === null || version === undefined
        ? null
        : gaps.column("version", () => (version.isNull ? null : version.string(256))),
    buildId: module.buildId ?? null,
    module: hex(module.address),
  };
}

/** Names of the modules that use one: the sources of its `struct module_use`s. */
function usersOf(gaps: Gaps, module: KernelObject): string[] {
  const uses = listForEachEntry("struct module_use", module.member("source_list"), "source_list");
  return [...gaps.walk(uses)].map((use) => use.member("source").member("name").string(64));
}

export function taintText(mask: bigint): string {
  return taintLetters
    .split("")
    .filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n)
    .join("");
}

const columns = [
  { title: "MODULE" },
  { title: "NAME" },
  { title: "TEXT" },
  { title: "SIZE", align: "right" },
  { title: "REFS", align: "right" },
  { title: "BTF" },
  { title: "TAINTS" },
  { title: "USED BY" },
] as const;

export function moduleLines(rows: readonly ModuleRow[]): Iterable<string> {
  return tableLines(
    columns,
    rows.map((row) => [
      row.module.slice(2),
      row.name,
      cell(row.address?.slice(2)),
      String(row.size),
      row.refcount === null && row.state === "Unloading" ? "-" : cell(row.refcount),
      row.btf ? "yes" : "no",
      row.taints ?? "?",
      row.uses?.join(",") ?? "?",
    ]),
  );
}
