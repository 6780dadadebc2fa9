import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Where a sidecar is looked for when none is named: `DUMP.btf`, `BUILD-ID.btf` beside the dump, then
 * the user's store, `${XDG_DATA_HOME:-~/.local/share}/dwarfless/BUILD-ID.btf`.
 */
export function findSidecar(dumpPath: string, buildId: string | undefined): string | undefined {
  const places = [`${dumpPath}.btf`];
  if (buildId !== undefined) {
    const data = process.env["XDG_DATA_HOME"] || join(homedir(), ".local/share");
    places.push(join(dirname(dumpPath), `${buildId}.btf`), join(data, "dwarfless", `${buildId}.btf`));
  }
  return places.find((path) => existsSync(path));
}
