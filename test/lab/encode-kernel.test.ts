/** Whole kernels: our BTF equals pahole's as a set, but for the rows of allowed.ts, and never depends on the run. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { judge } from "../compare/allowed.ts";
import { compareBtf } from "../compare/compare-btf.ts";
import { featureSets, ownEncode, ownVmlinux, peerVmlinux } from "./encoding.ts";
import { kernel, kernelMissing, kernelNames, peers, withTemporaryDirectory } from "./lab.ts";

describe.each(kernelNames)("vmlinux of %s", (name) => {
  test.for(featureSets)("equals pahole's as a set: %s", async (features, context) => {
    context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
    context.skip(!peers().available, peers().reason ?? "");
    const of = kernel(name);
    const peer = readFileSync(await peerVmlinux(of, features));
    const own = readFileSync((await ownVmlinux(of, features)).btf);
    const verdict = judge(compareBtf({ bytes: peer }, { bytes: own }));
    console.log(`${of.release} ${features}: ${JSON.stringify(verdict.counts)}`);
    expect(verdict.unexplained.slice(0, 50)).toEqual([]);
  });

  test("is the same at any number of jobs, on any run, and with the option for variables present", async (context) => {
    context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
    const of = kernel(name);
    await withTemporaryDirectory(async (directory) => {
      const output = path.join(directory, "own.btf");
      const first = readFileSync((await ownVmlinux(of, "default")).btf);
      const runs: [string, number, string[]][] = [
        ["one job", 1, []],
        ["a second run, with --vars=percpu", 2, ["--vars=percpu"]],
      ];
      for (const [text, jobs, extra] of runs) {
        const again = await ownEncode(of.vmlinux, output, { features: "default", jobs, extra });
        expect(again.equals(first), text).toBe(true);
      }
    });
  });
});
