import { describe, expect, it } from "vitest";
import { BtfBuilder } from "../builder.ts";
import type { Btf } from "../reader.ts";
import { LayoutPrinter, layouts } from "./layout-text.ts";

function sample(): Btf {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, 1);
  const char = b.addInt("char", 1, 1);
  const long = b.addInt("long unsigned int", 8);
  const text = b.addPtr(b.addConst(char));
  const callback = b.addPtr(
    b.addFuncProto(int, [
      { name: "", type: text },
      { name: "", type: 0 },
    ]),
  );
  const inner = b.addStruct("inner", 16, [
    { name: "a", type: char, bitOffset: 0 },
    { name: "b", type: long, bitOffset: 64 },
  ]);
  const either = b.addUnion("", 8, [
    { name: "number", type: int, bitOffset: 0 },
    { name: "name", type: text, bitOffset: 0 },
  ]);
  b.addStruct("outer", 128, [
    { name: "bits", type: int, bitOffset: 0, bitfieldSize: 3 },
    { name: "more", type: int, bitOffset: 5, bitfieldSize: 2 },
    { name: "call", type: callback, bitOffset: 64 },
    { name: "inner", type: inner, bitOffset: 128 },
    { name: "", type: either, bitOffset: 256 },
    { name: "far", type: int, bitOffset: 512 },
    {
      name: "packed",
      type: b.addStruct("tight", 9, [
        { name: "c", type: char, bitOffset: 0 },
        { name: "l", type: long, bitOffset: 8 },
      ]),
      bitOffset: 544,
    },
    { name: "tail", type: b.addArray(char, int, 0), bitOffset: 616 },
  ]);
  return b.toBtf();
}

// What pahole 1.32 prints for these, byte for byte; XXX is how it begins a remark on what could be packed.
const expected = `struct inner {
	char                       a;                    /*     0     1 */

	/* XXX 7 bytes hole, try to pack */

	long unsigned int          b;                    /*     8     8 */

	/* size: 16, cachelines: 1, members: 2 */
	/* sum members: 9, holes: 1, sum holes: 7 */
	/* last cacheline: 16 bytes */
};
struct tight {
	char                       c;                    /*     0     1 */
	long unsigned int          l;                    /*     1     8 */

	/* size: 9, cachelines: 1, members: 2 */
	/* last cacheline: 9 bytes */
} __attribute__((__packed__));
struct outer {
	int                        bits:3;               /*     0: 0  4 */

	/* XXX 2 bits hole, try to pack */
	int                        :2;

	int                        more:2;               /*     0: 5  4 */

	/* XXX 25 bits hole, try to pack */
	/* XXX 4 bytes hole, try to pack */

	int                        (*call)(const char  *, ...); /*     8     8 */
	struct inner               inner;                /*    16    16 */

	/* XXX last struct has 1 hole */

	union {
		int                number;               /*    32     4 */
		const char  *      name;                 /*    32     8 */
	};                                               /*    32     8 */

	/* XXX 24 bytes hole, try to pack */

	/* --- cacheline 1 boundary (64 bytes) --- */
	int                        far __attribute__((__aligned__(64))); /*    64     4 */
	struct tight               packed;               /*    68     9 */
	char                       tail[];               /*    77     0 */

	/* size: 128, cachelines: 2, members: 8 */
	/* sum members: 45, holes: 2, sum holes: 28 */
	/* sum bitfield members: 5 bits, bit holes: 2, sum bit holes: 27 bits */
	/* padding: 51 */
	/* member types with holes: 1, total: 1 */
	/* forced alignments: 1, forced holes: 1, sum forced holes: 24 */
} __attribute__((__aligned__(64)));
`;

/** For which pahole 1.32 -E printed {@link expandedText}. */
function nested(): Btf {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, 1);
  b.addInt("long int", 8, 1);
  const word = b.addTypedef("word", b.addTypedef("__word", int));
  const inner = b.addStruct("inner", 8, [
    { name: "a", type: word, bitOffset: 0 },
    { name: "b", type: b.addConst(word), bitOffset: 32 },
  ]);
  const either = b.addUnion("either", 8, [
    { name: "x", type: inner, bitOffset: 0 },
    { name: "c", type: b.addConst(inner), bitOffset: 0 },
  ]);
  b.addStruct("outer", 64, [
    { name: "first", type: inner, bitOffset: 0 },
    { name: "list", type: b.addArray(inner, int, 3), bitOffset: 64 },
    { name: "either", type: b.addConst(either), bitOffset: 256 },
    { name: "kind", type: b.addEnum("kind", 1, [{ name: "ONE", value: 1n }]), bitOffset: 320 },
    { name: "bits", type: word, bitOffset: 352, bitfieldSize: 3 },
    { name: "more", type: word, bitOffset: 360, bitfieldSize: 3 },
    { name: "pointer", type: b.addTypedef("pointer", b.addPtr(inner)), bitOffset: 384 },
    { name: "counter", type: b.addVolatile(word), bitOffset: 448 },
  ]);
  return b.toBtf();
}

const expandedText = `struct outer {
\tstruct inner {
\t\t/* typedef word -> __word */ int                a;                       /*     0     4 */
\t\tconst word         b;                                                    /*     4     4 */
\t} first; /*     0     8 */
\tstruct inner {
\t\t/* typedef word -> __word */ int                a;                       /*     8     4 */
\t\tconst word         b;                                                    /*    12     4 */
\t} list[3]; /*     8    24 */
\tconst union either {
\t\tstruct inner {
\t\t\t/* typedef word -> __word */ int  a;                       /*    32     4 */
\t\t\tconst word b;                                              /*    36     4 */
\t\t} x; /*    32     8 */
\t\tconst struct inner {
\t\t\t/* typedef word -> __word */ int a;                  /*    32     4 */
\t\t\tconst word     b;                                    /*    36     4 */

\t\t\t/* size: 8, cachelines: 1, members: 2 */
\t\t\t/* last cacheline: 40 bytes */
\t\t} either; /*    32     8 */
\t} either; /*    32     8 */
\tenum kind {
\t\tONE = 1,
\t} __attribute__((__packed__)) kind;                      /*    40     1 */

\t/* XXX 3 bytes hole, try to pack */

\t/* typedef word -> __word */ int                        bits:3;                  /*    44: 0  4 */

\t/* XXX 5 bits hole, try to pack */
\t/* typedef word -> __word */ int                        :5;

\t/* typedef word -> __word */ int                        more:3;                  /*    44: 8  4 */

\t/* XXX 21 bits hole, try to pack */

\t/* typedef pointer */ struct inner *             pointer;                        /*    48     8 */
\tvolatile word              counter;                                              /*    56     4 */

\t/* size: 64, cachelines: 1, members: 8 */
\t/* sum members: 53, holes: 1, sum holes: 3 */
\t/* sum bitfield members: 6 bits, bit holes: 2, sum bit holes: 26 bits */
\t/* padding: 4 */
};
`;

describe("struct layout", () => {
  it("expands what is behind typedefs, and structs where they stand", () => {
    expect([...layouts(nested(), { expand: true })].at(-1)).toBe(expandedText);
  });

  it("bounds what structs that hold each other expand to", () => {
    const b = new BtfBuilder();
    for (let id = 1; id < 30; id++) {
      const half = { type: id + 1, bitOffset: 0 };
      b.addStruct(`s${id}`, 8, [
        { name: "a", ...half },
        { name: "b", ...half },
      ]);
    }
    b.addStruct("last", 8, []);
    expect(() => new LayoutPrinter(b.toBtf(), { expand: true }).print(1)).toThrow("characters");
  });

  it("shows offsets, holes, paddings, bitfields and cache lines as pahole does", () => {
    expect([...layouts(sample())].join("")).toBe(expected);
  });

  it("refuses a struct that contains itself", () => {
    const b = new BtfBuilder();
    b.addStruct("", 4, [{ name: "tail", type: 1, bitOffset: 0 }]);
    expect(() => new LayoutPrinter(b.toBtf()).print(1)).toThrow("too deep");
  });

  it("asks each struct once whether it holds a flexible array", () => {
    const b = new BtfBuilder();
    const depth = 60;
    for (let id = 1; id < depth; id++) {
      const half = { type: id + 1, bitOffset: 0 };
      b.addStruct(`s${id}`, 8, [
        { name: "a", ...half },
        { name: "b", ...half },
      ]);
    }
    b.addStruct("last", 4, []);
    const printer = new LayoutPrinter(b.toBtf());
    expect(printer.print(1)).not.toContain("flexible");
  });

  it("refuses prototypes that take each other twice, thirty deep", () => {
    const b = new BtfBuilder();
    b.addStruct("s", 8, [{ name: "f", type: 2, bitOffset: 0 }]);
    b.addPtr(3);
    for (let id = 3; id < 32; id++) b.addFuncProto(id + 1, [{ name: "a", type: id + 1 }]);
    b.addFuncProto(0, []);
    expect(() => new LayoutPrinter(b.toBtf()).print(1)).toThrow("takes more than 1048576 characters");
  });

  it("refuses a function that takes a pointer to itself", () => {
    const b = new BtfBuilder();
    b.addStruct("s", 8, [{ name: "f", type: 2, bitOffset: 0 }]);
    b.addPtr(3);
    b.addFuncProto(0, [{ name: "a", type: 2 }]);
    expect(() => new LayoutPrinter(b.toBtf()).print(1)).toThrow("refers on and on");
  });

  it("counts the bits of big endian from the highest, as BTF does", () => {
    const b = new BtfBuilder({ littleEndian: false });
    const int = b.addInt("int", 4, 1);
    b.addStruct("flags", 4, [{ name: "high", type: int, bitOffset: 0, bitfieldSize: 4 }]);
    expect(new LayoutPrinter(b.toBtf()).print(2)).toContain("high:4;               /*     0: 0  4 */");
  });
});
