import { describe, expect, it } from "vitest";
import { BTF_KIND_DECL_TAG, BTF_KIND_FUNC, type Btf } from "../../src/btf/index.ts";
import { defaultFeatureNames, featuresOf, type EncodeOptions } from "../../src/encode/options.ts";
import * as d from "../../src/dwarf/constants.ts";
import { ByteWriter } from "../build/bytes.ts";
import { die, formed, to, type Die, type Unit } from "../build/dwarf.ts";
import type { DwarfElfSpec } from "../build/dwarf-elf.ts";
import type { SymbolSpec } from "../build/elf.ts";
import { encodeDwarf } from "./encoding.ts";

const STT_FUNC = 2;

const int = die("base_type:int", { name: "int", byte_size: 4, encoding: d.DW_ATE_signed });
const long = die("base_type:long", { name: "long", byte_size: 8, encoding: d.DW_ATE_signed });
/** x86-64: where the first, second, ... word of parameters arrives. */
const registers = [5, 4, 1, 2, 8, 9].map((number) => d.DW_OP_reg0 + number);

function unit(...children: Die[]): Unit {
  return {
    root: die("compile_unit", { name: "a.c", producer: "GNU C11 12.2", language: d.DW_LANG_C11 }, [
      int,
      long,
      ...children,
    ]),
  };
}

function subprogram(
  name: string,
  lowPc: number,
  parameters: readonly Die[],
  rest: Parameters<typeof die>[1] = {},
): Die {
  return die(
    "subprogram",
    { name, type: to("int"), external: true, low_pc: formed("addr", lowPc), ...rest },
    parameters,
  );
}

function parameter(name: string, type: string, register?: number): Die {
  return die("formal_parameter", {
    name,
    type: to(type),
    ...(register === undefined ? {} : { location: [register] }),
  });
}

function code(name: string, value: number): SymbolSpec {
  return { name, value, byteSize: 16, type: STT_FUNC, binding: 1, section: ".text" };
}

const text = { name: ".text", flags: 6, address: 0x1000, bytes: new Uint8Array(256) };

/** `name(parameter, ...)` of every FUNC, in order. */
function functionsOf(btf: Btf): string[] {
  const lines: string[] = [];
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) !== BTF_KIND_FUNC) continue;
    const prototype = btf.sizeOrType(id);
    const list = [...btf.parameters(prototype)].map(
      ({ name, type }) => `${type === 0 ? "..." : btf.name(type)}${name === "" ? "" : ` ${name}`}`,
    );
    lines.push(`${btf.name(btf.sizeOrType(prototype)) || "void"} ${btf.name(id)}(${list.join(", ")})`);
  }
  return lines;
}

async function functions(spec: DwarfElfSpec, options: EncodeOptions = {}): Promise<string[]> {
  return functionsOf((await encodeDwarf({ sections: [text], ...spec }, options)).btf);
}

async function rulesOf(spec: DwarfElfSpec, options: EncodeOptions = {}): Promise<string[]> {
  const { result } = await encodeDwarf({ sections: [text], ...spec }, { ...options, report: true });
  return result
    .report!.omissions.filter(({ kind }) => kind === "function")
    .map(({ name, rule }) => `${name}: ${rule}`);
}

describe("functions", () => {
  it("with a symbol get a FUNC, sorted by name", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(
          subprogram("write", 0x1020, [
            parameter("fd", "int", registers[0]),
            parameter("size", "long", registers[1]),
          ]),
          subprogram("open", 0x1000, [], { type: formed("ref4", 0) }),
          subprogram("print", 0x1030, [
            parameter("format", "long", registers[0]),
            die("unspecified_parameters"),
          ]),
          subprogram("gone", 0x1040, []),
          subprogram("declared", 0x1050, [], { declaration: true }),
        ),
      ],
      symbols: [code("open", 0x1000), code("write", 0x1020), code("print", 0x1030), code("declared", 0x1050)],
    };
    expect(await functions(spec)).toEqual([
      "void open()",
      "int print(long format, ...)",
      "int write(int fd, long size)",
    ]);
    expect(await rulesOf(spec)).toEqual(["declared: NOT_IN_DWARF"]);
  });

  it("take names and types from the abstract instance", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(
          die("subprogram:abstract", { name: "f", type: to("int"), inline: 1 }, [
            die("formal_parameter:first", { name: "a", type: to("int") }),
            die("formal_parameter:second", { name: "b", type: to("long") }),
          ]),
          die("subprogram", { abstract_origin: to("abstract"), low_pc: formed("addr", 0x1000) }, [
            die("formal_parameter", { abstract_origin: to("first"), location: [registers[0]!] }),
            die("formal_parameter", { abstract_origin: to("second"), location: [registers[1]!] }),
          ]),
        ),
      ],
      symbols: [code("f", 0x1000)],
    };
    expect(await functions(spec)).toEqual(["int f(int a, long b)"]);
  });

  it("are known by the part before the first dot; pieces of others are not", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(subprogram("f", 0x1000, []), subprogram("g", 0x1010, []))],
      symbols: [code("f.isra.0", 0x1000), code("g.cold", 0x1010), code("g.part.0", 0x1020)],
    };
    expect(await functions(spec)).toEqual(["int f()"]);
  });

  it.each([
    [
      "an unexpected register",
      "UNEXPECTED_REGISTER",
      [parameter("a", "int", registers[1])],
      [code("f", 0x1000)],
    ],
    [
      "symbols at two addresses",
      "AMBIGUOUS_ADDRESS",
      [],
      [code("f", 0x1000), code("f", 0x1010), code("f", 0x1000)],
    ],
    [
      "a parameter optimised away in a changed clone",
      "OPTIMIZED_PARAMETERS",
      [parameter("a", "int")],
      [code("f.constprop.0", 0x1000)],
    ],
  ] as [string, string, Die[], SymbolSpec[]][])(
    "with %s are left out",
    async (_what, rule, parameters, symbols) => {
      const spec: DwarfElfSpec = { units: [unit(subprogram("f", 0x1000, parameters))], symbols };
      expect(await functions(spec)).toEqual([]);
      expect(await rulesOf(spec)).toEqual([`f: ${rule}`]);
    },
  );

  it("with two prototypes are left out, unless consistency is not asked for", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(subprogram("f", 0x1000, [parameter("a", "int", registers[0])])),
        unit(subprogram("f", 0x1000, [parameter("a", "long", registers[0])])),
      ],
      symbols: [code("f", 0x1000)],
    };
    expect(await rulesOf(spec)).toEqual(["f: INCONSISTENT_PROTOTYPES"]);
    const features = featuresOf(defaultFeatureNames.filter((name) => name !== "consistent_func"));
    expect(await functions(spec, { features })).toEqual(["int f(int a)"]);
  });

  it("whose parameters are merely unused stay", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(subprogram("f", 0x1000, [parameter("a", "int")]))],
      symbols: [code("f", 0x1000)],
    };
    expect(await functions(spec)).toEqual(["int f(int a)"]);
  });

  it("with a packed struct on the stack are left out, but not for bit-fields where they should be", async () => {
    const field = (name: string, type: string, at: number, bits?: number): Die =>
      bits === undefined
        ? die("member", { name, type: to(type), data_member_location: at })
        : die("member", { name, type: to(type), bit_size: bits, data_bit_offset: at });
    const structs: Record<string, [byteSize: number, members: Die[]]> = {
      // As printf_spec: the second is at byte 1 of the unit it is in.
      bits: [8, [field("a", "int", 0, 8), field("b", "int", 8, 24), field("c", "int", 32, 32)]],
      misaligned: [12, [field("a", "int", 0), field("b", "long", 4)]],
      short: [
        20,
        [field("a", "int", 0, 8), field("b", "int", 4), field("c", "long", 8), field("d", "int", 128, 8)],
      ],
      crossing: [6, [field("a", "int", 0, 16), field("b", "int", 16, 28)]],
      padded: [8, [field("a", "long", 0, 8), field("b", "int", 1)]],
    };
    const names = Object.keys(structs);
    const inRegisters = registers.map((register, at) => parameter(`p${at}`, "int", register));
    const spec: DwarfElfSpec = {
      units: [
        unit(
          ...names.map((name) =>
            die(`structure_type:${name}`, { name, byte_size: structs[name]![0] }, structs[name]![1]),
          ),
          ...names.map((name, at) =>
            subprogram(`takes_${name}`, 0x1000 + at * 16, [
              ...inRegisters,
              die("formal_parameter", { name: "s", type: to(name), location: [d.DW_OP_fbreg, 0] }),
            ]),
          ),
        ),
      ],
      symbols: names.map((name, at) => code(`takes_${name}`, 0x1000 + at * 16)),
    };
    const kept = (await functions(spec)).map((line) => /takes_(\w+)/.exec(line)![1]);
    expect(kept).toEqual(["bits", "padded"]);
  });

  it("have their parameters' registers from location lists", async () => {
    const list = (register: number): number[] => [
      d.DW_LLE_default_location,
      1,
      register,
      d.DW_LLE_end_of_list,
    ];
    const spec = (register: number, form: string, value: number): DwarfElfSpec => ({
      units: [
        unit(
          subprogram("f", 0x1000, [
            die("formal_parameter", { name: "a", type: to("int"), location: formed(form, value) }),
          ]),
        ),
      ],
      symbols: [code("f", 0x1000)],
      // An offset to where the list begins, then the list.
      debugSections: { ".debug_loclists": Uint8Array.from([4, 0, 0, 0, ...list(register)]) },
    });
    for (const [form, value] of [
      ["sec_offset", 4],
      ["loclistx", 0],
    ] as const) {
      expect(await functions(spec(registers[0]!, form, value))).toEqual(["int f(int a)"]);
      expect(await functions(spec(registers[1]!, form, value))).toEqual([]);
    }
  });

  it.each([0, 1, 2, 3, 1000, 0xffff_ffff])(
    "survive a list index of %i in a section too short",
    async (index) => {
      const spec: DwarfElfSpec = {
        units: [
          unit(
            subprogram("f", 0x1000, [
              die("formal_parameter", { name: "a", type: to("int"), location: formed("loclistx", index) }),
            ]),
          ),
        ],
        symbols: [code("f", 0x1000)],
        debugSections: { ".debug_loclists": Uint8Array.from([9, 9, 9, 9, 9, 9]) },
      };
      expect(await functions(spec)).toEqual(["int f(int a)"]);
    },
  );

  it("in kfunc sets are tagged", async () => {
    const ids = new ByteWriter()
      .u32(2)
      .u32(1)
      .u32(0)
      .u32(0)
      .u32(0)
      .u32(1 << 12)
      .finish();
    const set = (name: string, value: number, byteSize: number): SymbolSpec => ({
      name,
      value: 0x8000 + value,
      byteSize,
      type: 1,
      section: ".BTF_ids",
    });
    const spec: DwarfElfSpec = {
      units: [
        unit(subprogram("one", 0x1000, []), subprogram("two", 0x1010, []), subprogram("three", 0x1020, [])),
      ],
      sections: [text, { name: ".BTF_ids", flags: 2, address: 0x8000, bytes: ids }],
      symbols: [
        code("one", 0x1000),
        code("two", 0x1010),
        code("three", 0x1020),
        set("__BTF_ID__set8__kfuncs", 0, 24),
        set("__BTF_ID__func__one__123", 8, 0),
        set("__BTF_ID__func__two__124", 16, 0),
        set("__BTF_ID__func__three__125", 400, 0),
      ],
    };
    const { btf } = await encodeDwarf(spec);
    const tags: string[] = [];
    for (let id = 1; id < btf.typeCount; id++)
      if (btf.kind(id) === BTF_KIND_DECL_TAG)
        tags.push(`${btf.name(btf.declTagTarget(id))}: ${btf.name(id)}`);
    expect(tags).toEqual(["one: bpf_kfunc", "two: bpf_kfunc", "two: bpf_fastcall"]);
  });
});
