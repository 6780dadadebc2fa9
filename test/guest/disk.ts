/** Raw disk images, by which a guest hands over what is too much for its console. */
import { existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mustRun } from "../lab/commands.ts";

/** A sparse image of so many mebibytes. */
export function emptyDisk(directory: string, name: string, mebibytes: number): string {
  const file = path.join(directory, name);
  writeFileSync(file, "");
  truncateSync(file, mebibytes * 2 ** 20);
  return file;
}

/** What the guest wrote down goes to the folder `said`. */
export function unpackOracle(disk: string, output: string): void {
  const folder = path.join(output, "said");
  mkdirSync(folder);
  mustRun("tar", ["--extract", "--no-same-owner", "--file", disk, "--directory", folder]);
  const failed = ["kallsyms", "modules", "threads"].filter((name) => !existsSync(path.join(folder, name)));
  if (failed.length > 0) throw new Error(`the guest did not write down ${failed.join(", ")}`);
}
