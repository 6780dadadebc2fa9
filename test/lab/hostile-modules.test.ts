/** Broken modules of real kernels, and broken bases under them: BTF or a typed error, in bounded memory. */
import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  Btf,
  BTF_KIND_ARRAY,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_PTR,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  isModifier,
} from "../../src/btf/index.ts";
import { encodeFile } from "../../src/encode/index.ts";
import { defaultFeatureNames, featuresOf } from "../../src/encode/options.ts";
import { runHostile, type HostileCase } from "../build/hostile-run.ts";
import { mutate, randomNumbers, readSections, regionsOf } from "../build/mutate.ts";
import { kernel, kernelMissing, kernelModules, kernelNames, type Kernel } from "./lab.ts";

const mutationsPerModule = 150;
const largestModule = 300_000;
/** Bytes that a run may add to what the process has. */
const memoryLimit = 1_500_000_000;

/** Small modules from all over the tree. */
function smallModules(of: Kernel, count: number): string[] {
  const small = kernelModules(of).filter(({ debug }) => statSync(debug).size < largestModule);
  const step = Math.max(1, Math.floor(small.length / count));
  return small
    .filter((_, i) => i % step === 0)
    .map(({ debug }) => debug)
    .slice(0, count);
}

async function judge(cases: Iterable<HostileCase>, count: number): Promise<void> {
  const before = process.memoryUsage().rss;
  const outcome = await runHostile(cases);
  console.log(JSON.stringify({ ...outcome, failures: outcome.failures.length }));
  expect(outcome.failures.slice(0, 5)).toEqual([]);
  expect(outcome.encoded + outcome.refused).toBe(count);
  expect(process.memoryUsage().rss - before).toBeLessThan(memoryLimit);
}

const options = {
  features: featuresOf([...defaultFeatureNames, "global_var", "true_signature", "attributes"]),
  splitVariables: true,
  report: true,
};

describe.each(kernelNames)("broken modules of %s", (name) => {
  test("give BTF or a typed error", async (context) => {
    context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
    const modules = smallModules(kernel(name), 3);
    expect(modules.length).toBe(3);
    for (const module of modules) {
      const bytes = readFileSync(module);
      const regions = regionsOf(bytes, readSections);
      function* cases(): Generator<HostileCase> {
        for (let seed = 0; seed < mutationsPerModule; seed++)
          yield { mutation: mutate(bytes, regions, seed), options };
      }
      await judge(cases(), mutationsPerModule);
    }
  });
});

test("a broken base under a module gives BTF or a typed error", async (context) => {
  const name = "6.1-amd64";
  context.skip(kernelMissing(name) !== undefined, kernelMissing(name) ?? "");
  const of = kernel(name);
  const base = (await encodeFile(of.vmlinux, { jobs: 1 })).btf!;
  const module = readFileSync(smallModules(of, 1)[0]!);
  const sound = Btf.parse(base);
  const { stringsOffset } = sound.header;
  const regions = [
    { name: "header", offset: 0, byteSize: 24 },
    { name: "types", offset: 24, byteSize: stringsOffset - 24 },
    { name: "strings", offset: stringsOffset, byteSize: base.length - stringsOffset },
  ];
  const count = 24;
  function* cases(): Generator<HostileCase> {
    for (let seed = 0; seed < count; seed++) {
      const { bytes, text } =
        seed % 3 === 0
          ? mutate(base, regions, seed)
          : { bytes: rewired(sound, base, seed), text: `seed ${seed}` };
      yield { mutation: { bytes: module, text }, options: { ...options, base: bytes }, ...parsed(bytes) };
    }
  }
  await judge(cases(), count);
});

/** The same types with many references and names changed to others that exist. */
function rewired(sound: Btf, bytes: Uint8Array, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const changed = new Uint8Array(bytes);
  const view = new DataView(changed.buffer);
  const types = sound.typeCount - sound.startId;
  for (let count = 0; count < 20_000; count++) {
    const at = sound.offsets[random(types)]!;
    const put = (word: number, value: number): void => view.setUint32(24 + (at + word) * 4, value, true);
    const info = sound.words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    const newTarget = random(sound.typeCount);
    if (random(8) === 0) put(0, sound.words[sound.offsets[random(types)]!]!);
    else if (kind === BTF_KIND_STRUCT || kind === BTF_KIND_UNION) {
      const vlen = info & 0xffff;
      if (vlen > 0) put(4 + random(vlen) * 3, newTarget);
    } else if (kind === BTF_KIND_ARRAY) put(3, newTarget);
    else if (isModifier(kind) || kind === BTF_KIND_PTR || kind === BTF_KIND_FUNC_PROTO) put(2, newTarget);
  }
  return changed;
}

function parsed(bytes: Uint8Array): { base?: Btf } {
  try {
    return { base: Btf.parse(bytes) };
  } catch {
    // Then the encode must refuse it too.
    return {};
  }
}
