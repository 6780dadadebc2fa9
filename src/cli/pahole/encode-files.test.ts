import { describe, expect, it } from "vitest";
import { Btf, BtfBuilder, rawLines } from "../../btf/index.ts";
import type { EncodeResult } from "../../encode/result.ts";
import { encodeFiles, type Encode } from "./encode-files.ts";

const statistics = { units: 1, typesBeforeDedup: 1, types: 1, functions: 0, variables: 0 };

/** Stands for the encoder: a PTR to the last type below, and an INT named after the file. */
const encodeName: Encode = (file, options) => {
  const base = options.base === undefined ? undefined : Btf.parse(options.base);
  const builder = new BtfBuilder(base === undefined ? {} : { base });
  builder.addInt(file, 4);
  builder.addPtr((base?.typeCount ?? 1) - 1);
  const result: EncodeResult = {
    btf: builder.finish(),
    littleEndian: true,
    diagnostics: [{ severity: "info", code: "FILE", text: file }],
    statistics,
  };
  return Promise.resolve(result);
};

function lines(bytes: Uint8Array | undefined, base?: Uint8Array): string[] {
  return [...rawLines(Btf.parse(bytes!, base && { base: Btf.parse(base) }))];
}

describe("encodeFiles", () => {
  it("joins what later files add, ids and strings going on", async () => {
    const result = await encodeFiles(["one", "two", "three"], {}, encodeName);
    expect(lines(result.btf)).toEqual([
      "[1] INT 'one' size=4 bits_offset=0 nr_bits=32 encoding=(none)",
      "[2] PTR '(anon)' type_id=0",
      "[3] INT 'two' size=4 bits_offset=0 nr_bits=32 encoding=(none)",
      "[4] PTR '(anon)' type_id=2",
      "[5] INT 'three' size=4 bits_offset=0 nr_bits=32 encoding=(none)",
      "[6] PTR '(anon)' type_id=4",
    ]);
    expect(result.diagnostics.map(({ text }) => text)).toEqual(["one", "two", "three"]);
  });

  it("stays split over the caller's base", async () => {
    const { btf: base } = await encodeName("base", {});
    const result = await encodeFiles(["one", "two"], { base: base! }, encodeName);
    expect(lines(result.btf, base)).toEqual([
      "[3] INT 'one' size=4 bits_offset=0 nr_bits=32 encoding=(none)",
      "[4] PTR '(anon)' type_id=2",
      "[5] INT 'two' size=4 bits_offset=0 nr_bits=32 encoding=(none)",
      "[6] PTR '(anon)' type_id=4",
    ]);
  });

  it("has no result when one of the files has none", async () => {
    const encode: Encode = (file, options) =>
      file === "two"
        ? Promise.resolve({ btf: undefined, littleEndian: true, diagnostics: [], statistics })
        : encodeName(file, options);
    expect((await encodeFiles(["one", "two", "three"], {}, encode)).btf).toBeUndefined();
    expect((await encodeFiles(["two", "one"], {}, encode)).btf).toBeUndefined();
  });
});
