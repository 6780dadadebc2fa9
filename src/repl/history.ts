import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** Where lines typed before are kept: `dwarfless/history` in the XDG state directory. Undefined where there is no such place. */
export function historyPath(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const state = environment["XDG_STATE_HOME"];
  // The specification wants relative paths ignored.
  const base =
    state !== undefined && path.isAbsolute(state)
      ? state
      : path.join(environment["HOME"] ?? homedir(), ".local/state");
  const folder = path.join(base, "dwarfless");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return path.join(folder, "history");
  } catch {
    return undefined;
  }
}
