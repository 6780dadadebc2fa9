/** Programs of an unpacked tree (`scripts/lab/peers.sh`, `bpftrace.sh`), with their libraries, for a guest's root folder. */
import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { mustRun } from "../lab/commands.ts";
import { peerCommand } from "../lab/peers.ts";
import type { InitramfsEntry } from "./initramfs.ts";

/** The program as `bin/NAME`, run by its own loader with the libraries that loader finds in the tree. */
export function programTree(root: string, name: string): InitramfsEntry[] {
  const command = peerCommand(root, name);
  const [loader, program] = [command[0]!, command.at(-1)!];
  const { stdout } = mustRun(loader, ["--list", ...command.slice(1)]);
  const libraries = [...stdout.toString("utf8").matchAll(/^\s*(\S+) => (\S+) \(/gm)];
  const home = `opt/${name}`;
  const file = (from: string): InitramfsEntry["content"] => ({ bytes: readFileSync(realpathSync(from)) });
  return [
    ...libraries.map(([, library, from]) => ({
      path: `${home}/${path.basename(library!)}`,
      content: file(from!),
    })),
    { path: `${home}/loader`, content: file(loader), executable: true },
    { path: `${home}/program`, content: file(program), executable: true },
    {
      path: `bin/${name}`,
      content: { bytes: `#!/bin/sh\nexec /${home}/loader --library-path /${home} /${home}/program "$@"\n` },
      executable: true,
    },
  ];
}
