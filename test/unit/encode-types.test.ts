import { describe, expect, it } from "vitest";
import {
  BTF_KIND_ARRAY,
  BTF_KIND_ENUM,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  type Btf,
} from "../../src/btf/index.ts";
import * as d from "../../src/dwarf/constants.ts";
import {
  die,
  dwarfShapes,
  formed,
  indirect,
  to,
  toAny,
  type Die,
  type DwarfShape,
  type Unit,
  type Value,
} from "../build/dwarf.ts";
import { encodeDwarf, idOf } from "./encoding.ts";

const int = die("base_type:int", { name: "int", byte_size: 4, encoding: d.DW_ATE_signed });
const char = die("base_type:char", { name: "char", byte_size: 1, encoding: d.DW_ATE_signed_char });

function unit(children: readonly Die[], attributes: Readonly<Record<string, Value>> = {}): Unit {
  return {
    root: die(
      "compile_unit",
      { name: "a.c", producer: "GNU C11", language: d.DW_LANG_C11, ...attributes },
      children,
    ),
  };
}

function member(
  name: string,
  type: string,
  location: number,
  rest: Readonly<Record<string, Value>> = {},
): Die {
  return die("member", { name, type: to(type), data_member_location: location, ...rest });
}

/** Place and width of each member, in bits. */
function places(btf: Btf, name: string): Record<string, [number, number]> {
  const id = idOf(btf, BTF_KIND_STRUCT, name);
  return Object.fromEntries(
    [...btf.members(id)].map((each) => [each.name, [each.bitOffset, each.bitfieldSize]]),
  );
}

describe.each(dwarfShapes)("types in $name", ({ name: _name, ...shape }) => {
  it("become the same BTF", async () => {
    const list = die("structure_type:list", { name: "list", byte_size: 24 }, [
      member("next", "pointer", 0),
      member("name", "text", 8),
      die("member", { type: to("both"), data_member_location: 16 }),
    ]);
    const { lines } = await encodeDwarf({
      shape,
      units: [
        unit([
          list,
          die("pointer_type:pointer", { byte_size: 8, type: to("list") }),
          die("typedef:text", { name: "text_t", type: to("constant") }),
          die("pointer_type:constant", { byte_size: 8, type: to("const_char") }),
          die("const_type:const_char", { type: to("char") }),
          char,
          int,
          die("union_type:both", { byte_size: 4 }, [
            die("member", { name: "a", type: to("int") }),
            die("member", { name: "b", type: to("char") }),
          ]),
          die("enumeration_type", { name: "colour", byte_size: 4, type: to("int") }, [
            die("enumerator", { name: "RED", const_value: formed("sdata", -1) }),
            die("enumerator", { name: "BLUE", const_value: 7 }),
          ]),
          die("subroutine_type", { type: to("int") }, [
            die("formal_parameter", { type: to("pointer") }),
            die("unspecified_parameters"),
          ]),
          die("structure_type", { name: "later", declaration: true }),
        ]),
      ],
    });
    expect(lines).toMatchInlineSnapshot(`
      [
        "[1] STRUCT 'list' size=24 vlen=3",
        "	'next' type_id=2 bits_offset=0",
        "	'name' type_id=3 bits_offset=64",
        "	'(anon)' type_id=8 bits_offset=128",
        "[2] PTR '(anon)' type_id=1",
        "[3] TYPEDEF 'text_t' type_id=4",
        "[4] PTR '(anon)' type_id=5",
        "[5] CONST '(anon)' type_id=6",
        "[6] INT 'char' size=1 bits_offset=0 nr_bits=8 encoding=SIGNED",
        "[7] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
        "[8] UNION '(anon)' size=4 vlen=2",
        "	'a' type_id=7 bits_offset=0",
        "	'b' type_id=6 bits_offset=0",
        "[9] ENUM 'colour' encoding=SIGNED size=4 vlen=2",
        "	'RED' val=-1",
        "	'BLUE' val=7",
        "[10] FUNC_PROTO '(anon)' ret_type_id=7 vlen=2",
        "	'(anon)' type_id=2",
        "	'(anon)' type_id=0",
        "[11] FWD 'later' fwd_kind=struct",
      ]
    `);
  });
});

const bitFieldCases: readonly [string, Partial<DwarfShape>][] = dwarfShapes
  .filter(({ wide }) => !wide)
  .map(({ name, ...shape }) => [name, shape]);

/** A bit field the way a compiler writes it: where it is from the struct's start, its type's size. */
function bitField(
  shape: Partial<DwarfShape>,
  name: string,
  type: string,
  byteSize: number,
  bits: number,
  at: number,
  explicitSize = true,
): Die {
  if (shape.version! >= 4)
    return die("member", { name, type: to(type), bit_size: bits, data_bit_offset: at });
  const unitBits = byteSize * 8;
  const location = Math.floor(at / unitBits) * byteSize;
  const within = at - location * 8;
  return die("member", {
    name,
    type: to(type),
    ...(explicitSize ? { byte_size: byteSize } : {}),
    bit_size: bits,
    bit_offset: shape.littleEndian ? unitBits - within - bits : within,
    data_member_location: [d.DW_OP_plus_uconst, location],
  });
}

describe.each(bitFieldCases)("bit fields in %s", (_name, shape) => {
  it.each([true, false])("are where they are (size of the storage given: %s)", async (explicitSize) => {
    const { btf } = await encodeDwarf({
      shape,
      units: [
        unit([
          die("structure_type", { name: "flags", byte_size: 12 }, [
            bitField(shape, "a", "int", 4, 3, 0, explicitSize),
            bitField(shape, "b", "int", 4, 7, 3, explicitSize),
            bitField(shape, "c", "typedef", 4, 5, 32, explicitSize),
            member("d", "int", 8),
          ]),
          int,
          die("typedef:typedef", { name: "number", type: to("int") }),
        ]),
      ],
    });
    expect(places(btf, "flags")).toEqual({ a: [0, 3], b: [3, 7], c: [32, 5], d: [64, 0] });
  });

  it.each([true, false])(
    "stay behind the plain members that share their storage (size given: %s)",
    async (explicitSize) => {
      const { btf } = await encodeDwarf({
        shape,
        units: [
          unit([
            die("structure_type", { name: "mixed", byte_size: 8 }, [
              member("first", "char", 0),
              member("second", "char", 1),
              bitField(shape, "bits", "int", 4, 4, 16, explicitSize),
              bitField(shape, "more", "int", 4, 4, 20, explicitSize),
              member("last", "char", 4),
            ]),
            int,
            char,
          ]),
        ],
      });
      expect(Object.entries(places(btf, "mixed"))).toEqual([
        ["first", [0, 0]],
        ["second", [8, 0]],
        ["bits", [16, 4]],
        ["more", [20, 4]],
        ["last", [32, 0]],
      ]);
    },
  );
});

describe("arrays", () => {
  const matrix = die("array_type:matrix", { type: to("int") }, [
    die("subrange_type", { upper_bound: 2, type: to("int") }),
    die("subrange_type", { count: 4 }),
    die("subrange_type", { upper_bound: formed("data1", 4) }),
  ]);
  const keep = die("structure_type", { name: "holder", byte_size: 240 }, [member("m", "matrix", 0)]);

  function dimensions(btf: Btf): number[] {
    let id = btf.memberType(idOf(btf, BTF_KIND_STRUCT, "holder"), 0);
    const lengths: number[] = [];
    for (; btf.kind(id) === BTF_KIND_ARRAY; id = btf.arrayElementType(id)) lengths.push(btf.arrayLength(id));
    expect(btf.name(id)).toBe("int");
    return lengths;
  }

  it("nest, or multiply, as asked", async () => {
    const units = [unit([matrix, keep, int])];
    expect(dimensions((await encodeDwarf({ units })).btf)).toEqual([3, 4, 5]);
    expect(dimensions((await encodeDwarf({ units }, { arrayRule: "flat" })).btf)).toEqual([60]);
  });

  it("follow the base", async () => {
    const units = [unit([matrix, keep, int])];
    for (const arrayRule of ["nested", "flat"] as const) {
      const base = (await encodeDwarf({ units }, { arrayRule })).result.btf!;
      const more = unit([
        die("array_type", { type: to("int") }, [
          die("subrange_type", { upper_bound: 6 }),
          die("subrange_type", { upper_bound: 1 }),
        ]),
        int,
      ]);
      const { btf } = await encodeDwarf({ units: [more] }, { base }, {});
      const lengths: number[] = [];
      for (let id = btf.startId; id < btf.typeCount; id++)
        if (btf.kind(id) === BTF_KIND_ARRAY) lengths.push(btf.arrayLength(id));
      expect(lengths).toEqual(arrayRule === "flat" ? [14] : [2, 7]);
    }
  });

  it.each([
    ["no bound", {}, 0],
    ["an upper bound of -1 in four bytes", { upper_bound: formed("data4", 0xffff_ffff) }, 0],
    ["an upper bound of -1 in eight", { upper_bound: formed("data8", 0xffff_ffff_ffff_ffffn) }, 0],
    ["a signed upper bound of -1", { upper_bound: formed("sdata", -1) }, 0],
    ["a computed bound", { upper_bound: [d.DW_OP_fbreg, 1] }, 0],
    ["a count of 0", { count: formed("data1", 0) }, 0],
    ["an upper bound of 0", { upper_bound: 0 }, 1],
    ["a bound in the abbreviation", { upper_bound: formed("implicit_const", 6) }, 7],
    ["a bound whose form stands with it", { upper_bound: indirect("data2", 6) }, 7],
  ] as [string, Readonly<Record<string, Value>>, number][])("have %s", async (_name, attributes, count) => {
    const array = die("array_type", { type: to("int") }, [die("subrange_type", attributes)]);
    const { btf } = await encodeDwarf({ units: [unit([array, int])] });
    const ids = Array.from({ length: btf.typeCount - 1 }, (_, i) => i + 1);
    expect(ids.filter((id) => btf.kind(id) === BTF_KIND_ARRAY).map((id) => btf.arrayLength(id))).toEqual([
      count,
    ]);
  });

  it("get an int of their own where the unit has none", async () => {
    const array = die("array_type", { type: to("char") }, [die("subrange_type", { count: 2 })]);
    const { lines } = await encodeDwarf({ units: [unit([array, char])] });
    expect(lines).toEqual([
      "[1] ARRAY '(anon)' type_id=2 index_type_id=3 nr_elems=2",
      "[2] INT 'char' size=1 bits_offset=0 nr_bits=8 encoding=SIGNED",
      "[3] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
    ]);
  });
});

describe("odd types", () => {
  async function linesOf(children: readonly Die[]): Promise<{ lines: string[]; codes: string[] }> {
    const { lines, result } = await encodeDwarf({ units: [unit(children)] });
    return { lines, codes: result.diagnostics.map(({ code }) => code) };
  }

  it("are written as what comes closest, and said", async () => {
    const { lines, codes } = await linesOf([
      int,
      die("atomic_type", { type: to("int") }),
      die("base_type", { name: "complex float", byte_size: 8, encoding: d.DW_ATE_complex_float }),
      die("base_type", { name: "_Decimal80", byte_size: 10, encoding: d.DW_ATE_float }),
      die("ptr_to_member_type", { type: to("int") }),
      die("unspecified_type:nullptr", { name: "decltype(nullptr)" }),
      die("pointer_type", { type: to("nullptr") }),
      die("base_type", { name: "DW_ATE_unsigned_24", byte_size: 3, encoding: d.DW_ATE_unsigned }),
    ]);
    expect(lines).toEqual([
      "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      "[2] VOLATILE '(anon)' type_id=1",
      "[3] FLOAT 'float' size=4",
      "[4] ARRAY '(anon)' type_id=3 index_type_id=1 nr_elems=2",
      "[5] STRUCT '(anon)' size=10 vlen=0",
      "[6] STRUCT '(anon)' size=8 vlen=0",
      "[7] PTR '(anon)' type_id=0",
      "[8] INT '__SANITIZED_FAKE_INT__' size=4 bits_offset=0 nr_bits=32 encoding=(none)",
    ]);
    expect(codes.sort()).toEqual(
      ["ATOMIC_AS_VOLATILE", "COMPLEX_AS_ARRAY", "FLOAT_AS_BYTES", "OPAQUE_TAG_0x1f"].sort(),
    );
  });

  it("take their name from the declaration they complete", async () => {
    const { btf } = await encodeDwarf({
      units: [
        unit([
          die("structure_type:declared", { name: "thing", declaration: true }),
          die("structure_type", { specification: to("declared"), byte_size: 4 }, [member("a", "int", 0)]),
          int,
        ]),
      ],
    });
    expect(btf.vlen(idOf(btf, BTF_KIND_STRUCT, "thing"))).toBe(1);
  });

  it("refer to void where the reference leads nowhere", async () => {
    const { lines } = await encodeDwarf({
      units: [
        unit([
          die("pointer_type", { type: formed("ref4", 3) }),
          die("pointer_type", { type: formed("ref4", 0xffff_fff0) }),
        ]),
      ],
    });
    expect(lines).toEqual(["[1] PTR '(anon)' type_id=0"]);
  });
});

describe("enumerations", () => {
  const values = (...list: Value[]): Die[] =>
    list.map((const_value, i) => die("enumerator", { name: `V${i}`, const_value }));

  it("of 8 bytes are ENUM64, signed like the type under them", async () => {
    const { lines } = await encodeDwarf({
      units: [
        unit([
          die("enumeration_type", { name: "u", byte_size: 8, type: to("ulong") }, values(1, 2n ** 40n)),
          die("enumeration_type", { name: "s", byte_size: 8, type: to("long") }, values(formed("sdata", -2))),
          die("base_type:ulong", { name: "unsigned long", byte_size: 8, encoding: d.DW_ATE_unsigned }),
          die("base_type:long", { name: "long", byte_size: 8, encoding: d.DW_ATE_signed }),
        ]),
      ],
    });
    expect(lines.slice(0, 5)).toEqual([
      "[1] ENUM64 'u' encoding=UNSIGNED size=8 vlen=2",
      "\t'V0' val=1ULL",
      "\t'V1' val=1099511627776ULL",
      "[2] ENUM64 's' encoding=SIGNED size=8 vlen=1",
      "\t'V0' val=-2LL",
    ]);
  });

  it("declared in one unit are defined by another", async () => {
    const { btf } = await encodeDwarf({
      units: [
        unit([
          die("enumeration_type:e", { name: "colour", declaration: true }),
          die("typedef", { name: "colour_t", type: to("e") }),
        ]),
        unit([die("enumeration_type", { name: "colour", byte_size: 4 }, values(1, 2))]),
      ],
    });
    const id = idOf(btf, BTF_KIND_ENUM, "colour");
    expect([btf.vlen(id), btf.sizeOrType(idOf(btf, BTF_KIND_TYPEDEF, "colour_t"))]).toEqual([2, id]);
  });
});

describe("tags", () => {
  const tag = (kind: string, text: string): Die =>
    die(d.DW_TAG_LLVM_annotation, { name: `btf_${kind}_tag`, const_value: text });

  it("of a pointer stand before its target, the last one first", async () => {
    const { lines } = await encodeDwarf({
      units: [
        unit([die("pointer_type", { type: to("int") }, [tag("type", "one"), tag("type", "two")]), int]),
      ],
    });
    expect(lines).toEqual([
      "[1] TYPE_TAG 'one' type_id=4",
      "[2] TYPE_TAG 'two' type_id=1",
      "[3] PTR '(anon)' type_id=2",
      "[4] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
    ]);
  });

  it("come from GCC as chains of references", async () => {
    const annotation = (label: string, text: string, next?: string): Die =>
      die(`GNU_annotation:${label}`, {
        name: "btf_type_tag",
        const_value: text,
        ...(next === undefined ? {} : { GNU_annotation: to(next) }),
      });
    const { lines } = await encodeDwarf({
      units: [
        unit([
          die("pointer_type", { type: to("int"), GNU_annotation: to("second") }),
          int,
          annotation("second", "two", "first"),
          annotation("first", "one"),
        ]),
      ],
    });
    expect(lines.slice(0, 3)).toEqual([
      "[1] TYPE_TAG 'two' type_id=2",
      "[2] TYPE_TAG 'one' type_id=4",
      "[3] PTR '(anon)' type_id=1",
    ]);
  });

  it("of declarations name the struct, its member or the typedef", async () => {
    const { lines } = await encodeDwarf({
      units: [
        unit([
          die("structure_type:s", { name: "s", byte_size: 8 }, [
            member("a", "int", 0),
            die("member", { name: "b", type: to("int"), data_member_location: 4 }, [tag("decl", "inner")]),
            tag("decl", "outer"),
          ]),
          die("typedef", { name: "t", type: to("s") }, [tag("decl", "alias")]),
          int,
        ]),
      ],
    });
    expect(lines.filter((line) => line.includes("DECL_TAG"))).toEqual([
      "[4] DECL_TAG 'inner' type_id=1 component_idx=1",
      "[5] DECL_TAG 'outer' type_id=1 component_idx=-1",
      "[6] DECL_TAG 'alias' type_id=2 component_idx=-1",
    ]);
  });

  it("of members stay with their member where members are sorted", async () => {
    const { btf, lines } = await encodeDwarf({
      units: [
        unit([
          die("structure_type", { name: "s", byte_size: 8 }, [
            die("member", { name: "b", type: to("int"), data_member_location: 4 }, [tag("decl", "of b")]),
            member("a", "int", 0),
          ]),
          int,
        ]),
      ],
    });
    expect(Object.keys(places(btf, "s"))).toEqual(["a", "b"]);
    expect(lines.find((line) => line.includes("DECL_TAG"))).toContain("component_idx=1");
  });
});

describe("units", () => {
  it("that refer to each other are read as one group", async () => {
    const { lines } = await encodeDwarf({
      units: [
        unit([die("pointer_type", { type: toAny("shared") })]),
        unit([die("structure_type:shared", { name: "shared", byte_size: 4 }, [member("a", "int", 0)]), int]),
      ],
    });
    expect(lines[0]).toBe("[1] PTR '(anon)' type_id=2");
    expect(lines[1]).toBe("[2] STRUCT 'shared' size=4 vlen=1");
  });

  it.each([4, 5])("find types by signature in type units of DWARF %i", async (version) => {
    const { btf, lines } = await encodeDwarf({
      shape: { version },
      units: [
        unit([
          die("pointer_type", { type: formed("ref_sig8", 0x1234n) }),
          die("structure_type:d", { name: "s", declaration: true, signature: formed("ref_sig8", 0x1234n) }),
          die("typedef", { name: "s_t", type: to("d") }),
        ]),
        {
          root: die("type_unit", { language: d.DW_LANG_C11 }, [
            die("structure_type:s", { name: "s", byte_size: 4 }, [member("a", "int", 0)]),
            int,
          ]),
          unitType: d.DW_UT_type,
          signature: 0x1234n,
          typeLabel: "s",
          inTypes: version === 4,
        },
      ],
    });
    const id = idOf(btf, BTF_KIND_STRUCT, "s");
    expect(lines).toContain(`[1] PTR '(anon)' type_id=${id}`);
    expect(lines).toContain(`[2] TYPEDEF 's_t' type_id=${id}`);
  });

  it.each([
    ["structure_type", BTF_KIND_STRUCT, [member("a", "int", 0)]],
    ["union_type", BTF_KIND_UNION, [member("a", "int", 0)]],
    ["enumeration_type", BTF_KIND_ENUM, [die("enumerator", { name: "RED", const_value: 1 })]],
  ])("have a %s with nothing but a signature for one in a type unit", async (tag, kind, children) => {
    const { btf, lines } = await encodeDwarf({
      units: [
        unit([
          die("const_type", { type: to("stub") }),
          die(`${tag}:stub`, { signature: formed("ref_sig8", 0x1234n) }),
          die(`${tag}:lost`, { signature: formed("ref_sig8", 0x9999n) }),
          die("pointer_type", { type: to("lost") }),
        ]),
        {
          root: die("type_unit", { language: d.DW_LANG_C11 }, [
            die(`${tag}:whole`, { name: "whole", byte_size: 4 }, children),
            int,
          ]),
          unitType: d.DW_UT_type,
          signature: 0x1234n,
          typeLabel: "whole",
        },
      ],
    });
    expect(lines[0]).toBe(`[1] CONST '(anon)' type_id=${idOf(btf, kind, "whole")}`);
    // Of a type unit that is not there nothing is known, but that an enumeration is one.
    expect(lines.some((line) => / (STRUCT|UNION|FWD) '\(anon\)'/.test(line))).toBe(false);
  });

  it("give a bit field its place where its type is in a type unit (DWARF 4)", async () => {
    const { btf } = await encodeDwarf({
      shape: { version: 4 },
      units: [
        unit([
          die("structure_type", { name: "s", byte_size: 4 }, [
            die("member", {
              name: "f",
              type: to("stub"),
              bit_size: 3,
              bit_offset: 24,
              data_member_location: 0,
            }),
          ]),
          die("enumeration_type:stub", { signature: formed("ref_sig8", 0x1234n) }),
        ]),
        {
          root: die("type_unit", {}, [
            die("enumeration_type:e", { name: "e", byte_size: 4 }, [
              die("enumerator", { name: "RED", const_value: 1 }),
            ]),
          ]),
          signature: 0x1234n,
          typeLabel: "e",
          inTypes: true,
        },
      ],
    });
    expect(places(btf, "s")).toEqual({ f: [5, 3] });
  });

  it("of a language that is left out give nothing", async () => {
    const rust = unit([die("structure_type", { name: "vtable", byte_size: 0 }, [])], {
      language: d.DW_LANG_Rust,
    });
    const { btf } = await encodeDwarf(
      { units: [unit([int]), rust] },
      { excludedLanguages: new Set([d.DW_LANG_Rust]) },
    );
    expect(btf.typeCount).toBe(2);
  });

  it("with far-apart abbreviation codes read the same", async () => {
    const own = unit([int, char]);
    const plain = await encodeDwarf({ units: [own] });
    const sparse = await encodeDwarf({ units: [{ ...own, abbreviationCode: (i) => (i + 1) * 1_000_003 }] });
    expect(sparse.lines).toEqual(plain.lines);
  });

  it("give the same names whatever form they are in", async () => {
    const make = (form: (text: string) => Value): Unit =>
      unit([
        die("structure_type", { name: form("alpha"), byte_size: 4 }, [
          die("member", { name: form("b"), type: to("int"), data_member_location: 0 }),
        ]),
        die("base_type:int", { name: form("int"), byte_size: 4, encoding: d.DW_ATE_signed }),
      ]);
    const forms = ["strp", "string", "line_strp", "strx", "strx1", "strx2", "strx3", "strx4"];
    const units = forms.map((form) => make((text) => formed(form, text)));
    const { btf } = await encodeDwarf({ units });
    expect(btf.typeCount).toBe(3);
    expect([...btf.stringsBytes]).toEqual([...Buffer.from("\0alpha\0b\0int\0")]);
  });

  it("with a name that starts with the kABI prefix have the prefix only", async () => {
    const typedef = die("typedef", { name: "__kabi_reserved_7", type: to("int") });
    const { btf } = await encodeDwarf({ units: [unit([typedef, int])] }, { kabiPrefix: "__kabi" });
    expect(idOf(btf, BTF_KIND_TYPEDEF, "__kabi")).toBe(1);
  });
});
