/** `btf layout -R` against `pahole -R`, struct by struct. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BTF_KIND_STRUCT, Btf, LayoutPrinter, reorganizedText } from "../../src/btf/index.ts";
import { ownVmlinux } from "./encoding.ts";
import { kernel, kernelMissing, kernelNames, peers } from "./lab.ts";

/** Structs compared of each kernel: those with holes, evenly over its BTF. */
const sampleCount = 40;

/** Bytes that a text says were saved. */
function saved(text: string): number {
  return Number(/saved (-?\d+) bytes?/.exec(text)?.[1] ?? 0);
}

test.for(kernelNames.filter((name) => name === "6.1-amd64" || name === "7.2-amd64"))(
  "members of structs of %s move into holes as pahole moves them",
  async (name, context) => {
    context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
    context.skip(!peers().available, peers().reason ?? "");
    const { btf: file } = await ownVmlinux(kernel(name), "default");
    const btf = Btf.parse(readFileSync(file));
    const counts = { equal: 0, savesMore: 0, other: 0 };
    for (const id of sample(btf)) {
      const ours = reorganizedText(btf, id, new LayoutPrinter(btf), false);
      // pahole moves some structs forth and back forever.
      const options = { timeout: 20_000 };
      const theirs = peers()
        .pahole(["-F", "btf", "-R", "-C", btf.name(id), file], options)
        .stdout.toString();
      if (ours === theirs) {
        counts.equal++;
        continue;
      }
      if (theirs === "") continue;
      expect(saved(ours), btf.name(id)).toBeGreaterThanOrEqual(0);
      if (saved(ours) > saved(theirs)) counts.savesMore++;
      else counts.other++;
      // Less only where what pahole prints cannot be: alignments that were asked for forgotten, no padding at the end.
      if (saved(ours) >= saved(theirs)) continue;
      const size = Number(/\/\* size: (\d+),/.exec(theirs)?.[1]);
      const isCutOff = size % new LayoutPrinter(btf).infos.naturalAlignment(id, 0) !== 0;
      expect(isCutOff || /__aligned__|__packed__/.test(theirs), btf.name(id)).toBe(true);
    }
    console.log(`${name}: ${JSON.stringify(counts)}`);
    expect(counts.equal / sampleCount).toBeGreaterThan(0.7);
  },
);

function sample(btf: Btf): number[] {
  const { infos } = new LayoutPrinter(btf);
  const byName = new Map<string, number[]>();
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== BTF_KIND_STRUCT || btf.name(id) === "") continue;
    byName.set(btf.name(id), [...(byName.get(btf.name(id)) ?? []), id]);
  }
  const holed = [...byName.values()].filter(
    (ids) => ids.length === 1 && infos.info(ids[0]!).holeCount >= 1 && btf.vlen(ids[0]!) < 100,
  );
  const step = holed.length / sampleCount;
  return Array.from({ length: sampleCount }, (_, index) => holed[Math.floor(index * step)]![0]!);
}
