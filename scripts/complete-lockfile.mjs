/**
 * Write into package-lock.json the programs for other platforms that npm left out.
 *
 * Tools such as oxlint come as one optional package per platform. npm asks the registry for all of
 * them when it makes the lockfile, and silently leaves out those that it cannot get; `npm ci` then
 * refuses the lockfile everywhere ("Missing: … from lock file"). Run this after `npm install`.
 * An entry made here has a version but no checksum; it is never installed on this platform.
 */
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const packages = lock.packages;
const added = [];

for (const [owner, { optionalDependencies, dev }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const top = `node_modules/${name}`;
    const nested = `${owner}/${top}`;
    if (packages[nested]?.version === version || packages[top]?.version === version) continue;
    if (!/^\d+\.\d+\.\d+$/.test(version)) continue;
    const place = packages[top] === undefined ? top : nested;
    packages[place] = { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) };
    added.push(place);
  }
}

const inOrder = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries(inOrder);
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`package-lock.json: ${added.length} added`);

/** What `scope/binding-linux-x64-musl` says about itself, in package.json's words. */
function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const systems = ["aix", "android", "darwin", "freebsd", "linux", "openharmony", "win32"];
  const at = words.findIndex((word) => systems.includes(word));
  if (at < 0) return words.includes("wasm32") ? { cpu: ["wasm32"] } : {};
  const [system, processor, library = ""] = words.slice(at);
  const libc = library.startsWith("musl") ? ["musl"] : library.startsWith("gnu") ? ["glibc"] : undefined;
  return {
    os: [system],
    cpu: [processor],
    ...(system === "linux" && libc !== undefined ? { libc } : {}),
  };
}
