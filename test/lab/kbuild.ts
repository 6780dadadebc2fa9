/** The kernel build's own scripts, from Debian's linux-kbuild, and what they ask of pahole. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { isInstalled, mustRun, projectDirectory } from "./commands.ts";
import { peerCommand, peers } from "./peers.ts";

/** Why the scripts cannot be had or run here, or undefined. */
export function kbuildMissing(): string | undefined {
  const tools = ["make", "gcc", "objcopy", "apt-get", "dpkg"].filter((tool) => !isInstalled(tool));
  return peers().reason ?? (tools.length > 0 ? `not installed: ${tools.join(", ")}` : undefined);
}

/** The folder with `scripts/` and `tools/` of Linux 7.2, fetched once. */
export function kbuild(): string {
  return mustRun("scripts/lab/kbuild.sh", []).stdout.toString().trim();
}

/** Our program as a kernel build is given it: `make PAHOLE=` this. */
export const ownPahole: string = path.join(projectDirectory, "dist/cli/dwarfless-pahole.js");

/** What `scripts/pahole-version.sh` makes of a program, and what `scripts/Makefile.btf` then passes to it. */
export function paholeFlags(folder: string, directory: string): { version: string; flags: string[] } {
  const scripts = path.join(folder, "scripts");
  writeFileSync(
    path.join(directory, "Makefile"),
    [
      `CONFIG_PAHOLE_VERSION := $(shell sh ${scripts}/pahole-version.sh ${ownPahole})`,
      "CONFIG_PAHOLE_HAS_LANG_EXCLUDE := y",
      "test-le = $(shell test $1 -le $2 && echo y)",
      "test-ge = $(shell test $1 -ge $2 && echo y)",
      `include ${scripts}/Makefile.btf`,
      "all:",
      "\t@echo $(CONFIG_PAHOLE_VERSION); echo $(PAHOLE_FLAGS)",
      "",
    ].join("\n"),
  );
  const [version, flags] = mustRun("make", ["-s", "-C", directory]).stdout.toString().split("\n");
  return { version: version!, flags: flags!.split(" ") };
}

/** The words that start the build's resolve_btfids: Debian's needs sid's libraries. */
export function resolveBtfids(folder: string): string[] {
  const loader = peerCommand(peers().root, "none").slice(0, -1);
  return [...loader, path.join(folder, "tools/bpf/resolve_btfids/resolve_btfids")];
}
