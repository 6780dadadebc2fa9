/** DWARF that is spread over files: split units, packages of them, and what dwz moved away. */
import { describe, expect, it } from "vitest";
import { Btf, rawLines } from "../../src/btf/index.ts";
import * as d from "../../src/dwarf/constants.ts";
import type { EncodeResult } from "../../src/encode/result.ts";
import { ByteWriter } from "../build/bytes.ts";
import { dwarfElf } from "../build/dwarf-elf.ts";
import {
  assembleDwarf,
  die,
  formed,
  to,
  type Die,
  type DwarfSections,
  type Unit,
  type Value,
} from "../build/dwarf.ts";
import { buildElf, type SectionSpec, type SymbolSpec } from "../build/elf.ts";
import { encodeBeside } from "./encoding.ts";

const data: SectionSpec = { name: ".data", flags: 2, address: 0x1000, bytes: new Uint8Array(64) };

function object(name: string, value: number): SymbolSpec {
  return { name, value, byteSize: 4, type: 1, binding: 1, section: ".data" };
}

function linesOf({ btf }: EncodeResult): string[] {
  return btf === undefined ? [] : [...rawLines(Btf.parse(btf))];
}

/** `.debug_addr` of addresses of 8 bytes. */
function addressTable(...addresses: number[]): Uint8Array {
  const out = new ByteWriter();
  for (const address of addresses) out.u64(address);
  return out.finish();
}

// ---- Split units ---------------------------------------------------------------------------

interface SplitCase {
  version: number;
  /** Attributes and forms of GNU's extension to DWARF 4 and of DWARF 5. */
  nameAttribute: string;
  baseAttribute: string;
  stringForm: string;
  operation: number;
}

const splitCases: readonly SplitCase[] = [
  {
    version: 4,
    nameAttribute: "GNU_dwo_name",
    baseAttribute: "GNU_addr_base",
    stringForm: "GNU_str_index",
    operation: d.DW_OP_GNU_addr_index,
  },
  {
    version: 5,
    nameAttribute: "dwo_name",
    baseAttribute: "addr_base",
    stringForm: "strx1",
    operation: d.DW_OP_addrx,
  },
];

function skeleton(
  { version, nameAttribute, baseAttribute }: SplitCase,
  name: string,
  id: bigint,
  base: number,
): Unit {
  const attributes: Record<string, Value> = {
    [nameAttribute]: name,
    comp_dir: "/nowhere",
    [baseAttribute]: formed("sec_offset", base),
  };
  if (version < 5) return { root: die("compile_unit", { ...attributes, GNU_dwo_id: formed("data8", id) }) };
  return { root: die("skeleton_unit", attributes), unitType: d.DW_UT_skeleton, signature: id };
}

function splitUnit({ version, nameAttribute }: SplitCase, id: bigint, children: readonly Die[]): Unit {
  // Some compilers name the file in the split unit too.
  const attributes: Record<string, Value> = {
    name: formed("string", "a.c"),
    [nameAttribute]: formed("string", "a.dwo"),
  };
  if (version < 5) attributes.GNU_dwo_id = formed("data8", id);
  const root = die("compile_unit", attributes, children);
  return version < 5 ? { root } : { root, unitType: d.DW_UT_split_compile, signature: id };
}

/** The sections as they are called in a .dwo file, where those of DWARF 5 have headers. */
function splitSections(units: readonly Unit[], version: number): DwarfSections {
  const { sections } = assembleDwarf(units, { version });
  const result: DwarfSections = {};
  for (const [name, bytes] of Object.entries(sections)) {
    const header =
      name === ".debug_str_offsets" && version >= 5 ? [bytes.length + 4, 0, 0, 0, 5, 0, 0, 0] : [];
    result[`${name}.dwo`] = Uint8Array.from([...header, ...bytes]);
  }
  return result;
}

function objectFile(sections: DwarfSections): Uint8Array {
  return buildElf({ type: 1, sections: Object.entries(sections).map(([name, bytes]) => ({ name, bytes })) });
}

function intNamed(own: SplitCase, name: string): Die {
  const attributes = { name: formed(own.stringForm, name), byte_size: 4, encoding: d.DW_ATE_signed };
  return die("base_type:int", attributes);
}

function variableAt(own: SplitCase, name: string, index: number): Die {
  return die("variable", {
    name: formed(own.stringForm, name),
    type: to("int"),
    external: true,
    location: [own.operation, index],
  });
}

describe.each(splitCases)("split units of DWARF $version", (own) => {
  const { version } = own;

  it("are read from the .dwo files beside the file, with the addresses of their skeletons", async () => {
    const file = dwarfElf({
      shape: { version },
      units: [skeleton(own, "a.dwo", 1n, 8), skeleton(own, "b.dwo", 2n, 16)],
      sections: [data],
      symbols: [object("first", 0x1004), object("second", 0x1008)],
      debugSections: { ".debug_addr": addressTable(0, 0x1004, 0x1008) },
    });
    const part = (id: bigint, name: string): Uint8Array =>
      objectFile(
        splitSections([splitUnit(own, id, [intNamed(own, "int"), variableAt(own, name, 0)])], version),
      );
    const result = await encodeBeside(
      file,
      { "a.dwo": part(1n, "first"), "b.dwo": part(2n, "second") },
      { variables: "all" },
    );
    expect(result.diagnostics).toEqual([]);
    expect(linesOf(result)).toEqual([
      "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      "[2] VAR 'first' type_id=1, linkage=global",
      "[3] VAR 'second' type_id=1, linkage=global",
      "[4] DATASEC '.data' size=12 vlen=2",
      "\ttype_id=2 offset=4 size=4 (VAR 'first')",
      "\ttype_id=3 offset=8 size=4 (VAR 'second')",
    ]);
  });

  it("may stand in the file itself", async () => {
    const units = [splitUnit(own, 1n, [intNamed(own, "int")])];
    const file = dwarfElf({
      shape: { version },
      units: [skeleton(own, "input", 1n, 0)],
      debugSections: splitSections(units, version),
    });
    expect(linesOf(await encodeBeside(file, {}))).toEqual([
      "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
    ]);
  });

  it("find types in split type units", async () => {
    const typeUnit: Unit = {
      root: die("type_unit", {}, [
        die("structure_type:s", { name: formed("string", "s"), byte_size: 4 }, []),
      ]),
      signature: 0x77n,
      typeLabel: "s",
      ...(version < 5 ? { inTypes: true } : { unitType: d.DW_UT_split_type }),
    };
    const stub = die("structure_type:stub", { signature: formed("ref_sig8", 0x77n) });
    const units = [splitUnit(own, 1n, [stub, die("pointer_type", { type: to("stub") })]), typeUnit];
    const file = dwarfElf({ shape: { version }, units: [skeleton(own, "a.dwo", 1n, 0)] });
    expect(linesOf(await encodeBeside(file, { "a.dwo": objectFile(splitSections(units, version)) }))).toEqual(
      ["[1] PTR '(anon)' type_id=2", "[2] STRUCT 's' size=4 vlen=0"],
    );
  });

  it("that are missing are said to be", async () => {
    const file = dwarfElf({ shape: { version }, units: [skeleton(own, "gone.dwo", 1n, 0)] });
    const result = await encodeBeside(file, {});
    expect([result.btf, result.diagnostics.map(({ code }) => code)]).toEqual([
      undefined,
      ["SPLIT_UNIT_MISSING"],
    ]);
  });

  it("are found in a package, by the parts its index gives them", async () => {
    const parts = ["first", "second"].map((name, i) =>
      splitSections(
        [splitUnit(own, BigInt(i + 1), [intNamed(own, name), variableAt(own, name, 0)])],
        version,
      ),
    );
    const result = await encodeBeside(
      dwarfElf({
        shape: { version },
        units: [skeleton(own, "a.dwo", 1n, 0), skeleton(own, "b.dwo", 2n, 8)],
        sections: [data],
        symbols: [object("first", 0x1004), object("second", 0x1008)],
        debugSections: { ".debug_addr": addressTable(0x1004, 0x1008) },
      }),
      { "input.dwp": objectFile(packageOf(parts, version)) },
      { variables: "all" },
    );
    expect(linesOf(result).filter((line) => /INT|\(VAR/.test(line))).toEqual([
      "[1] INT 'first' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      "[2] INT 'second' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      "\ttype_id=3 offset=4 size=4 (VAR 'first')",
      "\ttype_id=4 offset=8 size=4 (VAR 'second')",
    ]);
  });
});

/** Sections of several .dwo files one after another, strings renumbered, and the index of all that. */
function packageOf(parts: readonly DwarfSections[], version: number): DwarfSections {
  const columns = [
    [1, ".debug_info.dwo"],
    [3, ".debug_abbrev.dwo"],
    [6, ".debug_str_offsets.dwo"],
  ] as const;
  const result: Record<string, number[]> = { ".debug_str.dwo": [] };
  const offsets: number[] = [];
  const sizes: number[] = [];
  for (const part of parts) {
    const moved = part[".debug_str_offsets.dwo"]!.slice();
    const view = new DataView(moved.buffer);
    for (let at = version >= 5 ? 8 : 0; at < moved.length; at += 4)
      view.setUint32(at, view.getUint32(at, true) + result[".debug_str.dwo"]!.length, true);
    result[".debug_str.dwo"]!.push(...part[".debug_str.dwo"]!);
    for (const [, name] of columns) {
      const bytes = name === ".debug_str_offsets.dwo" ? moved : part[name]!;
      const to = (result[name] ??= []);
      offsets.push(to.length);
      sizes.push(bytes.length);
      to.push(...bytes);
    }
  }
  const index = new ByteWriter();
  index
    .u32(version >= 5 ? 5 : 2)
    .u32(columns.length)
    .u32(parts.length)
    .u32(parts.length);
  // The hash table's order is of no interest to a reader that takes all rows.
  for (let i = 1; i <= parts.length; i++) index.u64(i);
  for (let i = 1; i <= parts.length; i++) index.u32(i);
  for (const [code] of columns) index.u32(code);
  for (const word of [...offsets, ...sizes]) index.u32(word);
  const sections: DwarfSections = { ".debug_cu_index": index.finish() };
  for (const [name, bytes] of Object.entries(result)) sections[name] = Uint8Array.from(bytes);
  return sections;
}

// ---- Supplementary files -------------------------------------------------------------------

const supplementCases = [
  [
    "GNU's extension",
    4,
    "GNU_strp_alt",
    "GNU_ref_alt",
    ".gnu_debugaltlink",
    [...Buffer.from("common\0"), 1, 2, 3],
  ],
  ["DWARF 5", 5, "strp_sup", "ref_sup4", ".debug_sup", [5, 0, 0, ...Buffer.from("common\0"), 0]],
] as const;

describe.each(supplementCases)(
  "a supplementary file of %s",
  (_what, version, stringForm, referenceForm, link, bytes) => {
    const common = assembleDwarf(
      [
        {
          root: die("partial_unit", {}, [
            die("structure_type:s", { name: "shared_structure", byte_size: 4 }, [
              die("member", { name: "a", type: to("int"), data_member_location: 0 }),
            ]),
            die("base_type:int", {
              name: version < 5 ? "int" : formed("line_strp", "int"),
              byte_size: 4,
              encoding: d.DW_ATE_signed,
            }),
          ]),
          ...(version < 5 ? {} : { unitType: d.DW_UT_partial }),
        },
      ],
      { version },
    );
    const nameAt = Buffer.from(common.sections[".debug_str"]!).indexOf("shared_structure");
    const children = [
      die("pointer_type", { type: formed(referenceForm, common.offsetOf("s")) }),
      die("typedef", {
        name: formed(stringForm, nameAt),
        type: formed(referenceForm, common.offsetOf("int")),
      }),
    ];
    // A short .debug_str of its own, so that an offset into the other one leads out of it.
    const file = dwarfElf({
      shape: { version },
      units: [{ root: die("compile_unit", { name: "a" }, children) }],
      debugSections: { [link]: Uint8Array.from(bytes) },
    });

    it("lends types and names", async () => {
      const result = await encodeBeside(file, { common: objectFile(common.sections) });
      expect(linesOf(result)).toEqual([
        "[1] PTR '(anon)' type_id=3",
        "[2] TYPEDEF 'shared_structure' type_id=4",
        "[3] STRUCT 'shared_structure' size=4 vlen=1",
        "\t'a' type_id=4 bits_offset=0",
        "[4] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      ]);
    });

    it("that is missing, or holds nothing, is an error", async () => {
      const missing = { code: "DWARF_SUPPLEMENT" };
      await expect(encodeBeside(file, {})).rejects.toMatchObject(missing);
      await expect(encodeBeside(file, { common: objectFile({}) })).rejects.toMatchObject(missing);
    });

    it("whose strings are too few is an error in that file", async () => {
      const cut = { ...common.sections, ".debug_str": new Uint8Array(1) };
      await expect(encodeBeside(file, { common: objectFile(cut) })).rejects.toMatchObject({
        code: "DWARF_STRING",
      });
    });
  },
);
