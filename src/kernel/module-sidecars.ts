import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Btf } from "../btf/index.ts";
import { type Diagnostic, isDwarflessError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { Type } from "../program/index.ts";
import {
  type Checksum,
  checksumOf,
  findModuleSidecar,
  openModulePart,
  type Sidecar,
  type SidecarModule,
} from "../sidecar/index.ts";
import type { KernelBtf } from "./kernel-btf.ts";
import { noteBuildId, readModuleSections } from "./module-sections.ts";
import type { KernelModule } from "./modules.ts";
import { sidecarPassedOver } from "./sidecar-places.ts";

/** Variables of a loaded module that its own BTF does not describe. */
export interface ModuleSidecar {
  btf: Btf;
  /** Addresses of the module's sections, by the names of DATASECs. */
  sections: ReadonlyMap<string, bigint>;
  /** The file. */
  path: string;
}

export interface ModuleSidecarSources {
  memory: VirtualMemory;
  modules: readonly KernelModule[];
  kernelBtf: KernelBtf | undefined;
  /** The kernel's, which may have parts for modules. */
  sidecar: Sidecar | undefined;
  /** Where to look for sidecars of single modules. */
  folders: readonly string[];
  findStruct: (name: string) => Type | undefined;
  diagnostics: Diagnostic[];
}

/**
 * Sidecars of the loaded modules, by module: from the kernel's sidecar, else by the module's build id from
 * a folder. One that does not fit says so in the diagnostics and is not used.
 */
export function openModuleSidecars(sources: ModuleSidecarSources): Map<KernelModule, ModuleSidecar> {
  const opened = new Map<KernelModule, ModuleSidecar>();
  const { memory, modules, kernelBtf, sidecar, findStruct, diagnostics } = sources;
  if (kernelBtf === undefined) return opened;
  const parts = new Map(sidecar?.modules.map((each) => [each.part.name, each]));
  const folders = sources.folders.filter((folder) => hasSidecars(folder, sidecar?.path));
  if (parts.size === 0 && folders.length === 0) return opened;
  let checksum: Checksum | undefined;
  const kernelChecksum = (): Checksum =>
    (checksum ??= checksumOf(memory.read(kernelBtf.address, kernelBtf.byteSize)));
  for (const module of modules) {
    const sections = readModuleSections(memory, module, findStruct);
    const buildId = module.buildId ?? noteBuildId(memory, sections);
    try {
      const found = partFor(parts.get(module.name), buildId, folders);
      if (found === undefined) continue;
      const own = typeof module.btf === "string" ? undefined : module.btf;
      const ownBytes = (): Uint8Array => memory.read(module.btfAddress!, own!.header.byteSize);
      const subject = { buildId, kernelBtf: kernelBtf.btf, kernelChecksum, own, ownBytes };
      opened.set(module, { btf: openModulePart(found, subject), sections, path: found.path });
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
      diagnostics.push({ severity: "warning", code: sidecarPassedOver, text: `${error.message}: not used` });
    }
  }
  return opened;
}

/** A module of that name may be another build than the one in the kernel's sidecar. */
function partFor(
  part: SidecarModule | undefined,
  buildId: string | undefined,
  folders: readonly string[],
): SidecarModule | undefined {
  if (buildId === undefined || part?.part.buildId === buildId) return part;
  return findModuleSidecar(buildId, folders) ?? part;
}

/** Whether a folder has others than the kernel's: without any, nothing of the modules need be read. */
function hasSidecars(folder: string, kernels: string | undefined): boolean {
  try {
    return readdirSync(folder).some((name) => name.endsWith(".sidecar") && join(folder, name) !== kernels);
  } catch {
    // A store that is not there yet.
    return false;
  }
}
