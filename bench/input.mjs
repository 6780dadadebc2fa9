/** What a benchmark needs to know of its input files. */
import { closeSync, openSync, readSync } from "node:fs";
import { spawnSync } from "node:child_process";

/** Read a file from start to end, so that the first of two programs does not pay for the disk. */
export function readOnce(file) {
  const descriptor = openSync(file, "r");
  const chunk = Buffer.alloc(1 << 24);
  while (readSync(descriptor, chunk) > 0);
  closeSync(descriptor);
}

/** Size of `.debug_info`, by readelf. */
export function debugInfoBytes(file) {
  const { stdout } = spawnSync("readelf", ["-SW", file], { encoding: "utf8", maxBuffer: 1 << 28 });
  // [Nr] Name Type Address Offset Size
  const match = /\s\.debug_info\s+\S+\s+\S+\s+\S+\s+([0-9a-f]+)/.exec(stdout ?? "");
  if (match === null) throw new Error(`${file}: readelf shows no .debug_info`);
  return parseInt(match[1], 16);
}
