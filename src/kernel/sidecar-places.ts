import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Diagnostic, isDwarflessError } from "../io/index.ts";
import {
  defaultStore,
  openSidecar,
  type Sidecar,
  sidecarName,
  type SidecarSubject,
} from "../sidecar/index.ts";

/** Code of the diagnostic about a sidecar that was found and not used: worth a line also without `-v`. */
export const sidecarPassedOver = "SIDECAR_PASSED_OVER";

/**
 * Where a sidecar is looked for when none is named: `DUMP.sidecar`, `DUMP.btf`, then by build id
 * (`BUILD-ID.sidecar`, `BUILD-ID.btf`) beside the dump, then so in the user's store,
 * `${DWARFLESS_STORE}` or `${XDG_DATA_HOME:-~/.local/share}/dwarfless`. Only those that are there.
 */
export function findSidecars(dumpPath: string, buildId: string | undefined): string[] {
  const places = [`${dumpPath}.sidecar`, `${dumpPath}.btf`];
  if (buildId !== undefined) {
    for (const folder of usualFolders(dumpPath)) {
      places.push(join(folder, sidecarName(buildId)), join(folder, `${buildId}.btf`));
    }
  }
  return places.filter((path) => existsSync(path));
}

/** Folders where files by build id are looked for. */
export function usualFolders(dumpPath: string): string[] {
  return [dirname(dumpPath), defaultStore()];
}

/**
 * The first sidecar in the usual places that belongs to the dump. One that is damaged or of another
 * kernel says so in `diagnostics` and is not used.
 */
export async function openFoundSidecar(
  dumpPath: string,
  subject: SidecarSubject,
  diagnostics: Diagnostic[],
): Promise<Sidecar | undefined> {
  for (const path of findSidecars(dumpPath, subject.buildId)) {
    try {
      return await openSidecar(path, subject);
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
      diagnostics.push({ severity: "warning", code: sidecarPassedOver, text: `${error.message}: not used` });
    }
  }
  return undefined;
}
