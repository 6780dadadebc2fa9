import { describe, expect, it } from "vitest";
import {
  BTF_KIND_DATASEC,
  BTF_KIND_VAR,
  Btf,
  BtfBuilder,
  formatProblem,
  rawLines,
  validateBtf,
} from "../../src/btf/index.ts";
import type { EncodeOptions } from "../../src/encode/options.ts";
import * as d from "../../src/dwarf/constants.ts";
import { ByteWriter } from "../build/bytes.ts";
import { atAddress, die, formed, to, type Die, type Unit } from "../build/dwarf.ts";
import { dwarfElf, type DwarfElfSpec } from "../build/dwarf-elf.ts";
import type { SectionSpec, SymbolSpec } from "../build/elf.ts";
import { encodeBytes, encodeDwarf } from "./encoding.ts";

const SHF_ALLOC = 2;
const SHT_NOBITS = 8;
const STT_OBJECT = 1;
const STB_GLOBAL = 1;
const STB_WEAK = 2;

const int = die("base_type:int", { name: "int", byte_size: 4, encoding: d.DW_ATE_signed });
const openArray = die("array_type:open", { type: to("int") }, [die("subrange_type")]);

function unit(...children: Die[]): Unit {
  return {
    root: die("compile_unit", { name: "a.c", language: d.DW_LANG_C11 }, [int, openArray, ...children]),
  };
}

function variable(name: string, address: number | bigint, rest: Parameters<typeof die>[1] = {}): Die {
  return die("variable", { name, type: to("int"), external: true, location: atAddress(address), ...rest });
}

function local(name: string, address: number): Die {
  return variable(name, address, { external: false });
}

const data: SectionSpec = { name: ".data", flags: SHF_ALLOC, address: 0x1000, bytes: new Uint8Array(64) };
const bss: SectionSpec = { name: ".bss", type: SHT_NOBITS, flags: SHF_ALLOC, address: 0x2000, byteSize: 64 };
const percpu: SectionSpec = {
  name: ".data..percpu",
  flags: SHF_ALLOC,
  address: 0,
  bytes: new Uint8Array(64),
};

function object(name: string, value: number, byteSize = 4, rest: Partial<SymbolSpec> = {}): SymbolSpec {
  const section = value >= 0x2000 ? ".bss" : value >= 0x1000 ? ".data" : ".data..percpu";
  return { name, value, byteSize, type: STT_OBJECT, binding: STB_GLOBAL, section, ...rest };
}

/** `section: name@offset+size linkage` of every entry, section by section. */
function entriesOf(btf: Btf): string[] {
  const lines: string[] = [];
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) !== BTF_KIND_DATASEC) continue;
    for (const { type, offset, byteSize } of btf.sectionEntries(id))
      lines.push(
        `${btf.name(id)}: ${btf.name(type)}@${offset}+${byteSize}${btf.variableLinkage(type) === 1 ? " global" : ""}`,
      );
  }
  return lines;
}

const all: EncodeOptions = { variables: "all" };

async function entries(spec: DwarfElfSpec, options: EncodeOptions = all): Promise<string[]> {
  return entriesOf((await encodeDwarf(spec, options)).btf);
}

describe("variables", () => {
  it("of .modinfo are none of a linked kernel's: the final image has no such section", async () => {
    const modinfo: SectionSpec = { ...data, name: ".modinfo", address: 0x1800 };
    const spec: DwarfElfSpec = {
      units: [unit(variable("kept", 0x1004), local("__UNIQUE_ID_modinfo_1", 0x1804))],
      sections: [data, modinfo],
      symbols: [object("kept", 0x1004), object("__UNIQUE_ID_modinfo_1", 0x1804, 4, { section: ".modinfo" })],
    };
    expect(await entries(spec)).toEqual([".data: kept@4+4 global"]);
  });

  it("of every allocated section stand in its DATASEC, ordered by place", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("second", 0x1008), local("zeroed", 0x2004), variable("first", 0x1004))],
      sections: [data, bss],
      symbols: [object("first", 0x1004), object("second", 0x1008), object("zeroed", 0x2004)],
    };
    expect(await entries(spec)).toEqual([
      ".data: first@4+4 global",
      ".data: second@8+4 global",
      ".bss: zeroed@4+4",
    ]);
  });

  it("are those of the per-CPU section by default, and none when none are asked for", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("here", 8), variable("other", 0x1004))],
      sections: [percpu, data],
      symbols: [object("here", 8), object("other", 0x1004)],
    };
    expect(await entries(spec, {})).toEqual([".data..percpu: here@8+4 global"]);
    expect(await entries(spec, { variables: "none" })).toEqual([]);
    expect(await entries(spec)).toEqual([".data..percpu: here@8+4 global", ".data: other@4+4 global"]);
  });

  it("of a section that is not loaded are left out", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("here", 0x1004), variable("note", 0x3004))],
      sections: [data, { name: ".note", address: 0x3000, bytes: new Uint8Array(16) }],
      symbols: [object("here", 0x1004)],
    };
    expect(await entries(spec)).toEqual([".data: here@4+4 global"]);
  });

  it("defined weakly and strongly are written once", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("v", 0x1004)), unit(variable("v", 0x1004))],
      sections: [data],
      symbols: [object("v", 0x1004, 4, { binding: STB_WEAK }), object("v", 0x1004)],
    };
    expect(await entries(spec)).toEqual([".data: v@4+4 global"]);
  });

  it("at one place give way to the one the symbol table has, and to the one before that reaches over them", async () => {
    const long = die("base_type:long", { name: "long", byte_size: 8, encoding: d.DW_ATE_signed });
    const wide = variable("wide", 0x1004, { type: to("long") });
    const rest = [local("ghost", 0x1008), variable("real", 0x1008)];
    const spec = (...children: Die[]): DwarfElfSpec => ({
      units: [unit(long, ...children)],
      sections: [data],
      symbols: [object("wide", 0x1004, 8), object("real", 0x1008)],
    });
    expect(await entries(spec(...rest))).toEqual([".data: real@8+4 global"]);
    expect(await entries(spec(wide, ...rest))).toEqual([".data: wide@4+8 global"]);
    const report = (await encodeDwarf(spec(wide, ...rest), { ...all, report: true })).result.report!;
    const overlaps = report.omissions.filter(({ rule, kind }) => rule === "OVERLAP" && kind === "variable");
    expect(overlaps.map(({ name }) => name)).toEqual(["real", "ghost"]);
  });

  it("of equal names each keep their own place", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(local("count", 0x1004)), unit(local("count", 0x1008))],
      sections: [data],
      symbols: [object("count", 0x1004, 4, { binding: 0 }), object("count", 0x1008, 4, { binding: 0 })],
    };
    expect(await entries(spec)).toEqual([".data: count@4+4", ".data: count@8+4"]);
  });

  it("take type, name and linkage from the declaration they complete", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(
          die("variable:declared", { name: "v", type: to("int"), external: true, declaration: true }),
          die("variable", { specification: to("declared"), location: atAddress(0x1004) }),
        ),
      ],
      sections: [data],
      symbols: [object("v", 0x1004)],
    };
    expect(await entries(spec)).toEqual([".data: v@4+4 global"]);
  });

  it("declared as open arrays get the length of their definition, or of their symbol", async () => {
    const twelve = die("array_type:twelve", { type: to("int") }, [die("subrange_type", { count: 12 })]);
    const constant = die("const_type:const_open", { type: to("open") });
    const spec: DwarfElfSpec = {
      units: [
        unit(
          twelve,
          constant,
          die("variable:declared", { name: "table", type: to("open"), external: true, declaration: true }),
          die("variable", { specification: to("declared"), type: to("twelve"), location: atAddress(0x1000) }),
          variable("lengthless", 0x2000, { type: to("const_open") }),
        ),
      ],
      sections: [data, bss],
      symbols: [object("table", 0x1000, 48), object("lengthless", 0x2000, 20)],
    };
    const { btf } = await encodeDwarf(spec, all);
    expect(entriesOf(btf)).toEqual([".data: table@0+48 global", ".bss: lengthless@0+20 global"]);
    const lines = [...rawLines(btf)];
    const closed = lines.findIndex((line) => line.includes("nr_elems=5")) + 1;
    expect(closed).toBeGreaterThan(0);
    const constId = Number(
      /^\[(\d+)\]/.exec(
        lines.find((line) =>
          line.includes(`CONST '(anon)' type_id=${/^\[(\d+)\]/.exec(lines[closed - 1]!)![1]}`),
        )!,
      )![1],
    );
    expect(lines.some((line) => line.includes(`VAR 'lengthless' type_id=${constId},`))).toBe(true);
  });

  it("inside functions have the name of their symbol, and are there when all are asked for", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(
          die("subprogram", { name: "f", low_pc: formed("addr", 0x9000) }, [
            local("count", 0x1004),
            die("lexical_block", {}, [local("count", 0x1008)]),
          ]),
        ),
      ],
      sections: [data],
      symbols: [object("count.0", 0x1004, 4, { binding: 0 }), object("count.1", 0x1008, 4, { binding: 0 })],
    };
    expect(await entries(spec)).toEqual([".data: count.0@4+4", ".data: count.1@8+4"]);
    expect(await entries(spec, {})).toEqual([]);
  });

  it.each([
    ["GCC gives it", "count.0"],
    ["GCC gives it, and objcopy with a prefix", "__efistub_count.0"],
    ["LLVM gives it", "f.count"],
    ["LLVM gives it to the second of its name", "f.count.3"],
    ["LLVM gives it, and objcopy with a prefix", "__efistub_f.count"],
  ])("inside functions are known by the name as %s", async (_what, symbol) => {
    const other = object("recount", 0x1004, 4, { binding: 0 });
    const spec: DwarfElfSpec = {
      units: [unit(die("subprogram", { name: "f" }, [local("count", 0x1004)]))],
      sections: [data],
      symbols: [other, object(symbol, 0x1004, 4, { binding: 0 })],
    };
    expect(await entries(spec)).toEqual([`.data: ${symbol}@4+4`]);
    expect(await entries({ ...spec, symbols: [other] })).toEqual([".data: count@4+4"]);
  });

  it("of sections that the linker dropped, and so at address 0, are not taken for others", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("here", 0), variable("dropped", 0))],
      sections: [percpu],
      symbols: [object("here", 0)],
    };
    expect(await entries(spec)).toEqual([".data..percpu: here@0+4 global"]);
    const none: DwarfElfSpec = { units: [unit(variable("dropped", 0))], sections: [percpu], symbols: [] };
    expect(await entries(none)).toEqual([]);
  });

  it.each([
    ["no location", { location: [] }],
    ["a register", { location: [d.DW_OP_reg0] }],
    ["a thread-local place", { location: [...atAddress(0x1004), 0xe0] }],
    ["a location that is cut", { location: [d.DW_OP_addr, 1, 2] }],
    ["no name", { name: "" }],
    ["no type", { type: formed("ref4", 0xffff) }],
    ["a name that is none", { name: "a b" }],
    ["a name too long", { name: "x".repeat(200) }],
    ["an address in no section", { location: atAddress(0x9000_0000_0000n) }],
    ["an open array and no symbol", { type: to("open"), location: atAddress(0x1020) }],
    ["an end past the section's", { location: atAddress(0x103e) }],
  ])("with %s get no VAR", async (_what, rest) => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("odd", 0x1004, rest))],
      sections: [data],
      symbols: [object("other", 0x1030)],
    };
    expect(await entries(spec)).toEqual([]);
  });

  it("add the constant behind their address", async () => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("v", 0, { location: [...atAddress(0x1000), d.DW_OP_plus_uconst, 12] }))],
      sections: [data],
      symbols: [object("v", 0x100c)],
    };
    expect(await entries(spec)).toEqual([".data: v@12+4 global"]);
  });

  it.each([4, 8])("are found by index in .debug_addr (addresses of %i bytes)", async (addressByteSize) => {
    const shape = { addressByteSize };
    const addresses = new ByteWriter().uint(addressByteSize, 7).uint(addressByteSize, 0x1008).finish();
    const spec: DwarfElfSpec = {
      shape,
      units: [unit(variable("v", 0, { location: [d.DW_OP_addrx, 1] }))],
      sections: [data],
      symbols: [object("v", 0x1008)],
      debugSections: { ".debug_addr": addresses },
    };
    expect(await entries(spec)).toEqual([".data: v@8+4 global"]);
  });

  it("more than 65 535 in a section are spread over several DATASECs", async () => {
    const count = 70_000;
    const big: SectionSpec = {
      name: ".data",
      flags: SHF_ALLOC,
      address: 0x1000,
      byteSize: count * 4,
      type: SHT_NOBITS,
    };
    const children = Array.from({ length: count }, (_, i) =>
      variable(`v${i}`, 0x1000 + i * 4, { name: formed("string", `v${i}`) }),
    );
    const first: SymbolSpec[] = [object("v0", 0x1000)];
    const { btf } = await encodeDwarf({ units: [unit(...children)], sections: [big], symbols: first }, all);
    const found: number[] = [];
    for (let id = 1; id < btf.typeCount; id++)
      if (btf.kind(id) === BTF_KIND_DATASEC) found.push(btf.vlen(id));
    expect(found).toEqual([65_535, 4465]);
    expect(entriesOf(btf).at(-1)).toBe(".data: v69999@279996+4 global");
  });

  it.each([
    [".data.$odd name", ".data._odd_name"],
    ["0data", "_0data"],
    [".data.rel.ro", ".data.rel.ro"],
  ])("of section %j stand in a DATASEC whose name a kernel takes", async (name, wanted) => {
    const spec: DwarfElfSpec = {
      units: [unit(variable("v", 0x1004))],
      sections: [{ ...data, name }],
      symbols: [object("v", 0x1004, 4, { section: name })],
    };
    expect(await entries(spec)).toEqual([`${wanted}: v@4+4 global`]);
  });

  it("carry their declaration tags", async () => {
    const tagged = die("variable", { name: "v", type: to("int"), location: atAddress(0x1004) }, [
      die(d.DW_TAG_LLVM_annotation, { name: "btf_decl_tag", const_value: "mine" }),
    ]);
    const spec: DwarfElfSpec = { units: [unit(tagged)], sections: [data], symbols: [object("v", 0x1004)] };
    const { lines, btf } = await encodeDwarf(spec, all);
    const id =
      lines.length === 0
        ? 0
        : [...Array(btf.typeCount).keys()].find((each) => btf.kind(each) === BTF_KIND_VAR)!;
    expect(lines).toContain(`[${id + 1}] DECL_TAG 'mine' type_id=${id} component_idx=-1`);
  });

  it("not in the main output stand in split BTF over it", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(
          variable("here", 8),
          variable("other", 0x1004),
          variable("lengthless", 0x1008, { type: to("open") }),
        ),
      ],
      sections: [percpu, data],
      symbols: [object("here", 8), object("other", 0x1004), object("lengthless", 0x1008, 8)],
    };
    const { result, btf } = await encodeDwarf(spec, { splitVariables: true });
    expect(entriesOf(btf)).toEqual([".data..percpu: here@8+4 global"]);
    const split = Btf.parse(result.splitVariables!, { base: btf });
    expect(validateBtf(split).map(formatProblem)).toEqual([]);
    expect(entriesOf(split)).toEqual([".data: other@4+4 global", ".data: lengthless@8+8 global"]);
    const plain = await encodeDwarf(spec);
    expect([...result.btf!]).toEqual([...plain.result.btf!]);
  });

  it("stand alone in split BTF over a base that is given, with what it lacks of their types", async () => {
    const spec = (...more: Die[]): DwarfElfSpec => ({
      units: [
        unit(
          variable("here", 8),
          variable("other", 0x1004),
          die("subprogram", { name: "f" }, [local("static_one", 0x1008)]),
          ...more,
        ),
      ],
      sections: [percpu, data],
      symbols: [
        object("here", 8),
        object("other", 0x1004),
        object("static_one.7", 0x1008),
        object("open_ended", 0x1010, 8),
      ],
    });
    const base = (await encodeDwarf(spec())).result.btf!;
    const later = spec(variable("open_ended", 0x1010, { type: to("open") }));
    const { result, btf } = await encodeDwarf(later, { base, splitVariables: true });
    expect(entriesOf(btf)).toEqual([
      ".data: other@4+4 global",
      ".data: static_one.7@8+4",
      ".data: open_ended@16+8 global",
    ]);
    expect(result.splitVariables).toEqual(result.btf);
    // One array that the symbol's size closes; the rest is VARs and the DATASEC.
    expect(btf.typeCount - btf.startId).toBe(5);
    const some = await encodeDwarf(later, { base, splitVariables: true, splitMinorVariables: false });
    expect(entriesOf(some.btf)).toEqual([".data: other@4+4 global", ".data: open_ended@16+8 global"]);
  });

  /** A module with one variable `v` of type int, 4 bytes into section `.data.v`. */
  function moduleWithVariable(): Uint8Array {
    const relocatable: DwarfElfSpec = {
      type: 1,
      units: [unit(variable("v", 0))],
      sections: [
        { name: ".data", flags: SHF_ALLOC, bytes: new Uint8Array(64), alignment: 16 },
        { name: ".data.v", flags: SHF_ALLOC, bytes: new Uint8Array(16), alignment: 16 },
      ],
      symbols: [{ name: "v", value: 4, byteSize: 4, type: STT_OBJECT, binding: 1, section: ".data.v" }],
    };
    const without = dwarfElf(relocatable);
    // The bytes of DW_OP_addr: where the relocation goes.
    const info = Buffer.from(without).indexOf(Buffer.from(atAddress(0)));
    const start = Buffer.from(without).indexOf(Buffer.from([5, 0, 1, 8])) - 4;
    return dwarfElf({
      ...relocatable,
      relocations: { ".debug_info": [{ offset: info + 1 - start, type: 1, symbol: 1, addend: 0 }] },
    });
  }

  it("in a relocatable file are placed by the symbol's section", async () => {
    const { btf } = await encodeBytes(moduleWithVariable(), all);
    expect(entriesOf(Btf.parse(btf!))).toEqual([".data.v: v@4+4 global"]);
  });

  it("of a module are not taken for the kernel's at the same place of a section of that name", async () => {
    const base = kernelWith(".data.v", "of_kernel");
    const { btf } = await encodeBytes(moduleWithVariable(), { base, splitVariables: true });
    expect(entriesOf(Btf.parse(btf!, { base: Btf.parse(base) }))).toEqual([".data.v: v@4+4 global"]);
  });

  it("of a module stand in split BTF over the kernel's and the module's own, which repeats neither", async () => {
    const base = kernelWith(".data.v", "of_kernel");
    const over = (bytes: Uint8Array): Btf => Btf.parse(bytes, { base: Btf.parse(base) });
    const builder = new BtfBuilder({ base: Btf.parse(base) });
    builder.addTypedef("of_module", 1);
    const ownBase = builder.finish();
    const { btf } = await encodeBytes(moduleWithVariable(), { base, ownBase, splitVariables: true });
    const split = Btf.parse(btf!, { base: over(ownBase) });
    expect(entriesOf(split)).toEqual([".data.v: v@4+4 global"]);
    expect(split.typeCount - split.startId).toBe(2);

    const known = new BtfBuilder({ base: Btf.parse(base) });
    known.addDatasec(".data.v", 8, [{ type: known.addVar("v", 1), offset: 4, byteSize: 4 }]);
    const nothing = await encodeBytes(moduleWithVariable(), {
      base,
      ownBase: known.finish(),
      splitVariables: true,
    });
    expect(nothing.statistics.variables).toBe(0);
  });

  function kernelWith(section: string, name: string): Uint8Array {
    const builder = new BtfBuilder();
    const type = builder.addVar(name, builder.addInt("int", 4, 1));
    builder.addDatasec(section, 8, [{ type, offset: 4, byteSize: 4 }]);
    return builder.finish();
  }
});

describe("the report", () => {
  it("names every symbol and variable that was left out, with the rule", async () => {
    const spec: DwarfElfSpec = {
      units: [
        unit(
          variable("here", 0x1004),
          variable("a b", 0x1008),
          variable("big", 0x1038, { type: to("huge") }),
          die("structure_type:huge", { name: "huge", byte_size: 100 }, []),
        ),
      ],
      sections: [data],
      symbols: [object("here", 0x1004), object("unknown", 0x1010), object("a b", 0x1008)],
    };
    const { result } = await encodeDwarf(spec, { ...all, report: true });
    const { counts, omissions, schema } = result.report!;
    expect(schema).toBe(1);
    expect(counts).toMatchObject({
      dataSymbols: 3,
      dataSymbolsTyped: 1,
      dataSymbolsDescribed: 2,
      variables: 1,
    });
    expect(omissions).toContainEqual({
      kind: "symbol",
      name: "unknown",
      address: "0x1010",
      section: ".data",
      rule: "NOT_IN_DWARF",
    });
    const rules = omissions.map(({ kind, name, rule }) => `${kind} ${name}: ${rule}`);
    expect(rules).toContain("variable a b: NAME_NOT_AN_IDENTIFIER");
    expect(rules).toContain("symbol a b: NAME_NOT_AN_IDENTIFIER");
    expect(rules).toContain("variable big: PAST_SECTION_END");
  });
});
