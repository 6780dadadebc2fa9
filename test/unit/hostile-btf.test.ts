/**
 * Mutated BTF through everything that a command does with BTF: it may be refused, with a typed error,
 * and nothing else may happen. What is written from it must be BTF.
 * DWARFLESS_BTF_MUTATIONS=50000 for more than the few of every run.
 */
import { describe, expect, it } from "vitest";
import {
  baseMisfit,
  breakingChanges,
  Btf,
  BtfBuilder,
  btfStatistics,
  checkBtf,
  cHeader,
  declarations,
  dedupBtf,
  diffBtf,
  distill,
  encodeBtf,
  extractBtf,
  findFunctionsTaking,
  findMember,
  findVariablesOf,
  formatDiff,
  formatDiffMarkdown,
  isSorted,
  jsonText,
  kernelRules,
  layouts,
  mergeBtf,
  nearDuplicates,
  rawLines,
  relocateBtf,
  sortBtf,
  splitBtf,
} from "../../src/btf/index.ts";
import { isDwarflessError } from "../../src/io/index.ts";
import { mutate, randomNumbers, type Region } from "../build/mutate.ts";

const mutationCount = Number(process.env["DWARFLESS_BTF_MUTATIONS"] ?? 600);

interface Subject {
  name: string;
  bytes: Uint8Array;
  base?: Btf;
}

const kernelBtf = everyKind("kernel_").toBtf();
const moduleBtf = everyKind("module_", kernelBtf).toBtf();
const distilled = distill(moduleBtf);
const distilledBase = Btf.parse(distilled.base);
const subjects: readonly Subject[] = [
  { name: "base", bytes: everyKind("").finish() },
  { name: "layout", bytes: everyKind("").finish({ layout: true, headerByteSize: 32 }) },
  { name: "big-endian", bytes: bigEndian(everyKind("").toBtf()) },
  { name: "split", bytes: everyKind("module_", kernelBtf).finish(), base: kernelBtf },
  { name: "distilled", bytes: distilled.split, base: distilledBase },
];

describe("mutated BTF", () => {
  it.each(subjects)("is read, or refused by name: $name", { timeout: 3_600_000 }, (subject) => {
    let read = 0;
    const count = Math.ceil(mutationCount / subjects.length);
    for (let seed = 0; seed < count; seed++) {
      const { bytes, text } =
        seed % 2 === 0
          ? changeWord(subject.bytes, seed)
          : mutate(subject.bytes, regions(subject.bytes), seed);
      try {
        if (useAll(bytes, subject.base)) read++;
      } catch (error) {
        throw new Error(`${subject.name}, ${text}: ${error instanceof Error ? error.stack : String(error)}`, {
          cause: error,
        });
      }
    }
    // Most that are refused at once would test little.
    expect(read).toBeGreaterThan(count / 4);
  });
});

/** Every path of the commands. @returns whether it could be read */
function useAll(bytes: Uint8Array, base: Btf | undefined): boolean {
  const over = base === undefined ? {} : { base };
  for (const kernel of kernelRules) {
    checkBtf(bytes, { ...over, kernel });
    checkBtf(bytes, { ...over, kernel, resolve: true });
  }
  checkBtf(distilled.split, { base: kernelBtf, distilledBase: bytes, kernel: "7.2" });
  if (base !== undefined) {
    checkBtf(bytes, { base: kernelBtf, distilledBase: distilled.base, kernel: "7.2" });
    attempt(() => baseMisfit(Btf.parse(bytes, { ...over, danglingReferences: true })));
  }
  const btf = attempt(() => Btf.parse(bytes, over));
  if (btf === undefined) return false;
  const some = new Set(Array.from({ length: 8 }, (_, index) => index + 1).filter((id) => id < btf.typeCount));
  attempt(() => rawLines(btf));
  attempt(() => jsonText(btf, true));
  attempt(() => cHeader(btf));
  attempt(() => cHeader(btf, { sorted: false }));
  attempt(() => cHeader(btf, { roots: [...some] }));
  attempt(() => [...declarations(btf)]);
  attempt(() => [...layouts(btf)]);
  attempt(() => [...formatDiff(diffBtf(moduleBtf, btf))]);
  attempt(() => [...formatDiff(diffBtf(btf, kernelBtf))]);
  attempt(() => [...formatDiffMarkdown(breakingChanges(diffBtf(kernelBtf, btf)), "A", "B")]);
  attempt(() => nearDuplicates(btf));
  attempt(() => btfStatistics(btf));
  attempt(() => [...findMember(btf, "next")]);
  attempt(() => [...findFunctionsTaking(btf, some)]);
  attempt(() => [...findVariablesOf(btf, some)]);
  written(() => extractBtf(btf, some));
  written(
    () => sortBtf(btf),
    base,
    (sorted) => expect(isSorted(sorted)).toBe(true),
  );
  written(
    () => dedupBtf(btf),
    base,
    (once) => expect(once.typeCount).toBeLessThanOrEqual(btf.typeCount),
  );
  written(() => mergeBtf([btf, base === undefined ? kernelBtf : btf]), base);
  if (base === undefined) {
    written(() => splitBtf(btf, kernelBtf), kernelBtf);
    written(() => splitBtf(kernelBtf, btf), btf);
    written(() => relocateBtf(Btf.parse(distilled.split, { base: distilledBase }), btf), btf);
  } else {
    attempt(() => {
      const { base: below, split } = distill(btf);
      Btf.parse(split, { base: Btf.parse(below) });
    });
    written(() => relocateBtf(btf, kernelBtf), kernelBtf);
  }
  return true;
}

/** What a typed error ended is undefined. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isDwarflessError(error)) return undefined;
    throw error;
  }
}

/** What was written must be BTF over the base it is for, and as printable. */
function written(write: () => Uint8Array, base?: Btf, check?: (btf: Btf) => void): void {
  const bytes = attempt(write);
  if (bytes === undefined) return;
  const btf = Btf.parse(bytes, base === undefined ? {} : { base });
  attempt(() => rawLines(btf));
  check?.(btf);
}

function everyKind(prefix: string, base?: Btf): BtfBuilder {
  const b = new BtfBuilder(base === undefined ? {} : { base });
  const int = base === undefined ? b.addInt("int", 4, 1) : 1;
  const list = b.addStruct(`${prefix}list`, 24, [
    { name: "next", type: b.nextId + 1, bitOffset: 0 },
    { name: "bits", type: int, bitOffset: 64, bitfieldSize: 3 },
    { name: "", type: b.nextId + 2, bitOffset: 96 },
  ]);
  const pointer = b.addPtr(list);
  b.addUnion("", 8, [
    { name: "a", type: int, bitOffset: 0 },
    { name: "of_base", type: base === undefined ? int : 2, bitOffset: 0 },
  ]);
  b.addArray(pointer, int, 7);
  b.addEnum("", 4, [{ name: "RED", value: -1 }]);
  b.addEnum64(`${prefix}wide`, 8, [{ name: "HIGH", value: 1n << 40n }]);
  b.addFloat("double", 8);
  b.addTypedef("list_t", b.addConst(b.addVolatile(b.addRestrict(b.addTypeTag("tag", list)))));
  b.addFwd("later");
  b.addFwd("list");
  b.addPtr(b.nextId - 1);
  b.addStruct("holder", 16, [
    { name: "first", type: b.nextId - 1, bitOffset: 0 },
    { name: "second", type: pointer, bitOffset: 64 },
  ]);
  const work = b.addFunc(
    `${prefix}work`,
    b.addFuncProto(int, [
      { name: "first", type: pointer },
      { name: "", type: 0 },
    ]),
  );
  b.addDeclTag("bpf_kfunc", work);
  b.addDeclTag("of a member", list, 1);
  b.addDatasec(".data", 64, [
    { type: b.addVar(`${prefix}one`, int), offset: 0, byteSize: 4 },
    { type: b.addVar(`${prefix}two`, list), offset: 8, byteSize: 24 },
  ]);
  return b;
}

function bigEndian(btf: Btf): Uint8Array {
  return encodeBtf({ words: btf.words, strings: btf.stringsBytes, littleEndian: false });
}

/** One word of the types made something else that may still be read: another id, kind, count, offset. */
function changeWord(bytes: Uint8Array, seed: number): { bytes: Uint8Array; text: string } {
  const random = randomNumbers(seed);
  const changed = Uint8Array.from(bytes);
  const view = new DataView(changed.buffer);
  const little = view.getUint16(0, true) === 0xeb9f;
  const types = view.getUint32(4, little);
  for (let count = 1 + random(3); count > 0; count--) {
    const at = types + random(view.getUint32(12, little) / 4) * 4;
    const before = view.getUint32(at, little);
    const choices = [
      random(40),
      before + 1,
      before - 1,
      before ^ 0x8000_0000,
      (before & 0xffffff) | (random(20) << 24),
      before ^ (1 << random(32)),
    ];
    view.setUint32(at, choices[random(choices.length)]! >>> 0, little);
  }
  return { bytes: changed, text: `seed ${seed}: words` };
}

function regions(bytes: Uint8Array): Region[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint16(0, true) === 0xeb9f;
  const header = view.getUint32(4, little);
  const types = view.getUint32(12, little);
  return [
    { name: "header", offset: 0, byteSize: header },
    { name: "types", offset: header, byteSize: types },
    { name: "strings", offset: header + types, byteSize: bytes.length - header - types },
  ];
}
