import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDwarflessError } from "../io/index.ts";
import { BtfBuilder } from "./builder.ts";
import { cHeader } from "./c/index.ts";
import { declarations } from "./decls.ts";
import { formatDiff } from "./diff-text.ts";
import { diffBtf } from "./diff.ts";
import { distill } from "./distill.ts";
import { jsonText } from "./json.ts";
import { layouts } from "./layout/index.ts";
import { rawLines } from "./raw.ts";
import { Btf } from "./reader.ts";
import { sortBtf } from "./sort.ts";
import { validateBtf } from "./validate.ts";
import { encodeBtf } from "./writer.ts";

function sample(base?: Btf): BtfBuilder {
  const b = new BtfBuilder(base === undefined ? {} : { base });
  const int = b.addInt("int", 4, 1);
  const list = b.addStruct("list", 24, [
    { name: "next", type: b.nextId + 1, bitOffset: 0 },
    { name: "bits", type: int, bitOffset: 64, bitfieldSize: 3 },
    { name: "", type: b.nextId + 2, bitOffset: 96 },
  ]);
  const pointer = b.addPtr(list);
  b.addUnion("", 8, [{ name: "a", type: int, bitOffset: 0 }]);
  b.addArray(pointer, int, 7);
  b.addEnum("", 4, [{ name: "RED", value: -1 }]);
  b.addEnum64("wide", 8, [{ name: "HIGH", value: 1n << 40n }]);
  b.addTypedef("list_t", b.addConst(b.addVolatile(b.addTypeTag("tag", list))));
  b.addFwd("later");
  const func = b.addFunc("work", b.addFuncProto(int, [{ name: "first", type: pointer }]));
  b.addDeclTag("bpf_kfunc", func, 0);
  b.addDatasec(".data", 64, [
    { type: b.addVar("one", int), offset: 0, byteSize: 4 },
    { type: b.addVar("one", 5), offset: 8, byteSize: 56 },
  ]);
  return b;
}

/** Everything this folder does with a BTF; only typed errors may come out. */
function useAll(bytes: Uint8Array, base: Btf | undefined, other: Btf): void {
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
    }
  };
  attempt(() => {
    const btf = Btf.parse(bytes, base === undefined ? {} : { base });
    attempt(() => [...rawLines(btf)]);
    attempt(() => jsonText(btf, true));
    attempt(() => [...layouts(btf)]);
    attempt(() => cHeader(btf));
    attempt(() => cHeader(btf, { sorted: false }));
    attempt(() => validateBtf(btf, { resolve: true }));
    attempt(() => validateBtf(btf, { kernel: "7.2", resolve: true }));
    attempt(() => [...declarations(btf, { withBase: true })]);
    attempt(() => [...formatDiff(diffBtf(other, btf))]);
    attempt(() => Btf.parse(sortBtf(btf), base === undefined ? {} : { base }));
    if (base !== undefined) attempt(() => distill(btf));
  });
}

describe("hostile BTF", () => {
  it.each([false, true])("gives typed errors only (split: %s)", (isSplit) => {
    const base = isSplit ? sample().toBtf() : undefined;
    const builder = sample(base);
    const bytes = builder.finish();
    const other = builder.toBtf();
    const mutation = fc.record({
      at: fc.nat(bytes.length - 1),
      value: fc.constantFrom(0, 1, 2, 3, 5, 8, 13, 0x7f, 0x80, 0xff),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean(), (mutations, cut) => {
        const mutated = bytes.slice(0, cut ? mutations[0]!.at : bytes.length);
        for (const { at, value } of mutations) if (at < mutated.length) mutated[at] = value;
        useAll(mutated, base, other);
      }),
      { numRuns: 750 },
    );
  });

  it("refuses a small file whose names would fill memory", () => {
    // 3000 typedefs named by overlapping tails of one string of 100 000 bytes.
    const strings = new Uint8Array(100_002).fill(0x61);
    strings[0] = 0;
    strings[strings.length - 1] = 0;
    const words = new Uint32Array(3000 * 3);
    for (let index = 0; index < 3000; index++) words.set([1 + index, 8 << 24, 0], index * 3);
    expect(() => Btf.parse(encodeBtf({ words, strings, littleEndian: true }))).toThrowError(
      expect.objectContaining({ code: "BTF_NAMES" }),
    );
    const few = encodeBtf({ words: words.subarray(0, 300), strings, littleEndian: true });
    expect(Btf.parse(few).name(1).length).toBe(100_000);
  });

  it("survives chains of 100 000 links", () => {
    const b = new BtfBuilder();
    const int = b.addInt("int", 4);
    for (let count = 0; count < 50_000; count++) b.addPtr(b.nextId - 1);
    const deep = b.nextId - 1;
    for (let count = 0; count < 50_000; count++) b.addArray(b.nextId - 1, int, 1);
    b.addVar("v", deep);
    const bytes = b.finish();
    useAll(bytes, undefined, b.toBtf());
    expect(diffBtf(b.toBtf(), b.toBtf()).entries).toEqual([]);
  });
});
