// A rolldown plugin: the licences of the packages whose code went into the bundle, as they ask of copies,
// in one file beside it. A package without a licence text of its own is named with what its package.json says.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const licenceName = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** The folder of the package that a module is part of: the last one below node_modules. */
function packageFolder(moduleId) {
  return /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(moduleId)?.[1];
}

function entry(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder)
    .filter((file) => licenceName.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
}

export function thirdPartyLicences(fileName) {
  return {
    name: "third-party-licences",
    generateBundle(_options, bundle) {
      const folders = new Set();
      for (const chunk of Object.values(bundle)) {
        for (const moduleId of chunk.moduleIds ?? []) folders.add(packageFolder(moduleId));
      }
      folders.delete(undefined);
      const entries = [...folders].map(entry).sort();
      const head = `Code of these ${entries.length} packages is part of the bundled programs.`;
      this.emitFile({
        type: "asset",
        fileName,
        source: `${[head, ...entries].join(`\n\n${"-".repeat(72)}\n\n`)}\n`,
      });
    },
  };
}
