import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { defaultStore, sidecarName } from "../sidecar/index.ts";

/**
 * Where a sidecar is looked for when none is named: `DUMP.sidecar`, `DUMP.btf`, then by build id
 * (`BUILD-ID.sidecar`, `BUILD-ID.btf`) beside the dump, then so in the user's store,
 * `${DWARFLESS_STORE}` or `${XDG_DATA_HOME:-~/.local/share}/dwarfless`.
 */
export function findSidecar(dumpPath: string, buildId: string | undefined): string | undefined {
  const places = [`${dumpPath}.sidecar`, `${dumpPath}.btf`];
  if (buildId !== undefined) {
    for (const folder of [dirname(dumpPath), defaultStore()]) {
      places.push(join(folder, sidecarName(buildId)), join(folder, `${buildId}.btf`));
    }
  }
  return places.find((path) => existsSync(path));
}
