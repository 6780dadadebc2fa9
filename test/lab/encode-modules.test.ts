/** Modules as split BTF: equal to pahole's over the same base, for a sample of every kernel. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { allowedInModules, judge } from "../compare/allowed.ts";
import { compareMany, type BtfInput } from "../compare/compare-btf.ts";
import { featureSets, mapParallel, ownEncode, peerModule, peerVmlinux } from "./encoding.ts";
import { moduleSample } from "./module-sample.ts";
import { kernel, kernelMissing, kernelModules, kernelNames, peers, withTemporaryDirectory } from "./lab.ts";

/** Modules of each kernel: a number, or `all`. What docs/differences.md counts are 120 of each. */
const wanted = process.env["DWARFLESS_LAB_MODULES"] ?? "40";
const sampleSize = wanted === "all" ? Infinity : Number(wanted);
if (!(sampleSize >= 1)) throw new Error(`DWARFLESS_LAB_MODULES: ${wanted} is neither a number nor "all"`);
/** Compared together: one base in memory for each side of each. */
const batchSize = 20;

describe.each(kernelNames)(`${wanted} modules of %s`, (name) => {
  test.for(featureSets)("equal pahole's as sets: %s", async (features, context) => {
    context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
    context.skip(!peers().available, peers().reason ?? "");
    const of = kernel(name);
    const base = await peerVmlinux(of, "default");
    const baseBytes = readFileSync(base);
    const totals: Record<string, number> = {};
    const unexplained: string[] = [];
    await withTemporaryDirectory(async (directory) => {
      const sample = moduleSample(kernelModules(of), sampleSize);
      for (let at = 0; at < sample.length; at += batchSize) {
        const batch = sample.slice(at, at + batchSize);
        const pairs = await mapParallel(batch, 2, async (module): Promise<[BtfInput, BtfInput]> => {
          const peer = await peerModule(of, module, features, base);
          const output = path.join(directory, `${module.path.replaceAll("/", "_")}.btf`);
          const own = await ownEncode(module.debug, output, { features, base, jobs: 1 });
          return [
            { bytes: readFileSync(peer), base: baseBytes },
            { bytes: own, base: baseBytes },
          ];
        });
        for (const [i, comparison] of compareMany(pairs).entries()) {
          const verdict = judge(comparison, allowedInModules);
          for (const [row, count] of Object.entries(verdict.counts)) totals[row] = (totals[row] ?? 0) + count;
          unexplained.push(...verdict.unexplained.slice(0, 5).map((line) => `${batch[i]!.path}: ${line}`));
        }
      }
    });
    console.log(`${of.release} modules ${features}: ${JSON.stringify(totals)}`);
    expect(unexplained.slice(0, 50)).toEqual([]);
  });
});
