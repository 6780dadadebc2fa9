// Every package of the lockfile has a licence that may stand beside MIT. Exit 1 and one line each for those that have not.
// Packages that are only built and tested with may also be MPL-2.0 or CC-BY; none may be GPL or LGPL.
// Shipped is what users install with dwarfless and what is bundled into it, with all that these need.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const shipped = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "Zlib",
  "0BSD",
  "BlueOak-1.0.0",
  "CC0-1.0",
]);
const development = new Set([...shipped, "MPL-2.0", "CC-BY-3.0", "CC-BY-4.0"]);

/** An SPDX expression holds when one side of an OR does, or both sides of an AND; AND binds tighter. */
function holds(expression, allowed) {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const list = (word, next, join) => {
    let result = next();
    while (tokens[at]?.toUpperCase() === word) {
      at++;
      const other = next();
      result = join(result, other);
    }
    return result;
  };
  const either = () => list("OR", both, (a, b) => a || b);
  const both = () => list("AND", one, (a, b) => a && b);
  const one = () => {
    const token = tokens[at++];
    if (token !== "(") return allowed.has(token);
    const result = either();
    at++;
    return result;
  };
  const result = either();
  return result && at === tokens.length;
}

/** The licence that a package names: in the lockfile, or else in its own package.json when it is installed. */
function licenceOf(root, path, entry) {
  if (typeof entry.license === "string") return entry.license;
  try {
    const { license, licenses } = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
    if (typeof license === "string") return license;
    return license?.type ?? licenses?.map(({ type }) => type).join(" OR ") ?? "";
  } catch {
    return "";
  }
}

const root = resolve(import.meta.dirname, "..");
const lockfile = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const { packages } = lockfile;
/** Bundled into the programs by rolldown, although package.json calls them development dependencies. */
const bundled = ["cli-progress", "commander"];

/** Where the lockfile has the package that `from` gets when it asks for `name`. */
function pathOf(name, from) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
    const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (folder === "") return undefined;
  }
}

const isShipped = new Set();
const waiting = [...bundled, ...Object.keys(packages[""].dependencies ?? {})].map((name) => pathOf(name, ""));
while (waiting.length > 0) {
  const path = waiting.pop();
  if (path === undefined || isShipped.has(path)) continue;
  isShipped.add(path);
  const { dependencies, optionalDependencies } = packages[path];
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies }))
    waiting.push(pathOf(name, path));
}

let checked = 0;
let refused = 0;
for (const [path, entry] of Object.entries(packages)) {
  if (path === "" || entry.link === true) continue;
  // A development tool's build for another platform: never installed here, and the tool itself is checked.
  const elsewhere = entry.optional === true && entry.dev === true && (entry.os ?? entry.cpu) !== undefined;
  if (elsewhere && !existsSync(join(root, path))) continue;
  checked++;
  const licence = licenceOf(root, path, entry);
  if (holds(licence, isShipped.has(path) ? shipped : development)) continue;
  refused++;
  const use = isShipped.has(path) ? "shipped" : "development";
  console.error(`${path.replace(/^.*node_modules\//, "")} ${entry.version}: licence "${licence}" (${use})`);
}
console.log(`licences: ${checked} packages, ${isShipped.size} of them shipped, ${refused} refused`);
process.exitCode = refused === 0 ? 0 : 1;
