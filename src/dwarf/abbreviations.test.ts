import { describe, expect, it } from "vitest";
import { signedLeb, unsignedLeb } from "../../test/build/dwarf.ts";
import { compileAbbreviations, Slot, Step, type AbbreviationTable } from "./abbreviations.ts";
import * as d from "./constants.ts";

const shape = { version: 5, addressByteSize: 8, offsetByteSize: 4 };

type Row = readonly [code: number, tag: number, children: number, ...pairs: (readonly number[])[]];

function table(rows: readonly Row[]): Uint8Array {
  const bytes: number[] = [];
  for (const [code, tag, children, ...pairs] of rows) {
    bytes.push(...unsignedLeb(code), ...unsignedLeb(tag), children);
    for (const [attribute, form, constant] of pairs) {
      bytes.push(...unsignedLeb(attribute!), ...unsignedLeb(form!));
      if (constant !== undefined) bytes.push(...signedLeb(constant));
    }
    bytes.push(0, 0);
  }
  return Uint8Array.from([...bytes, 0]);
}

function compile(rows: readonly Row[], own = shape): AbbreviationTable {
  return compileAbbreviations(table(rows), 0, own, "x.o");
}

function planOf(rows: readonly Row[], own = shape): number[] {
  const compiled = compile(rows, own);
  const index = compiled.sparse?.get(rows[0]![0]) ?? rows[0]![0];
  return [...compiled.plan.subarray(compiled.planStart[index])];
}

const into = (slot: number, step: number): number => step | (slot << 8);

describe("compileAbbreviations", () => {
  it("merges runs of unwanted fixed-size forms into one skip", () => {
    const plan = planOf([
      [
        1,
        d.DW_TAG_member,
        0,
        [d.DW_AT_name, d.DW_FORM_strp],
        [0x3a, d.DW_FORM_data1],
        [0x3b, d.DW_FORM_data2],
        [0x39, d.DW_FORM_addr],
        [0x3c00, d.DW_FORM_flag_present],
        [d.DW_AT_type, d.DW_FORM_ref4],
        [0x3d00, d.DW_FORM_data16],
      ],
    ]);
    expect(plan).toEqual([
      into(Slot.name, Step.strp4),
      Step.skip,
      11,
      into(Slot.type, Step.ref4),
      Step.skip,
      16,
      Step.end,
    ]);
  });

  it("reads unwanted forms of variable size", () => {
    const plan = planOf([
      [1, d.DW_TAG_member, 0, [0x3a, d.DW_FORM_udata], [0x3b, d.DW_FORM_string], [0x3c00, d.DW_FORM_block1]],
    ]);
    expect(plan).toEqual([
      into(Slot.none, Step.udata),
      into(Slot.none, Step.string),
      into(Slot.none, Step.block1),
      Step.end,
    ]);
  });

  it("keeps only the sibling of tags nobody wants", () => {
    const plan = planOf([
      [
        1,
        d.DW_TAG_lexical_block,
        1,
        [d.DW_AT_low_pc, d.DW_FORM_addr],
        [d.DW_AT_sibling, d.DW_FORM_ref4],
        [d.DW_AT_name, d.DW_FORM_strp],
      ],
    ]);
    expect(plan).toEqual([Step.skip, 8, into(Slot.sibling, Step.ref4), Step.skip, 4, Step.end]);
  });

  it("carries an implicit constant of 64 bits in the plan", () => {
    const rows = (value: number): readonly Row[] => [
      [1, d.DW_TAG_enumerator, 0, [d.DW_AT_const_value, d.DW_FORM_implicit_const, value]],
    ];
    expect(planOf(rows(-2)).slice(0, 3)).toEqual([into(Slot.constValue, Step.implicitConst), -2, -1]);
    expect(planOf(rows(2 ** 33 + 5)).slice(0, 3)).toEqual([into(Slot.constValue, Step.implicitConst), 5, 2]);
  });

  it("leaves DW_FORM_indirect to the entry", () => {
    expect(planOf([[1, d.DW_TAG_member, 0, [d.DW_AT_name, d.DW_FORM_indirect]]])).toEqual([
      into(Slot.name, Step.indirect),
      Step.end,
    ]);
  });

  it.each([
    { version: 2, addressByteSize: 8, offsetByteSize: 4, skip: 8, name: "an address in DWARF 2" },
    { version: 2, addressByteSize: 4, offsetByteSize: 4, skip: 4, name: "a short address in DWARF 2" },
    { version: 3, addressByteSize: 8, offsetByteSize: 4, skip: 4, name: "an offset since DWARF 3" },
    { version: 4, addressByteSize: 4, offsetByteSize: 8, skip: 8, name: "an offset in the 64-bit format" },
  ])("takes DW_FORM_ref_addr for as wide as $name", ({ skip, ...own }) => {
    expect(planOf([[1, d.DW_TAG_member, 0, [0x3a, d.DW_FORM_ref_addr]]], own)).toEqual([
      Step.skip,
      skip,
      Step.end,
    ]);
    expect(planOf([[1, d.DW_TAG_member, 0, [d.DW_AT_type, d.DW_FORM_ref_addr]]], own)).toEqual([
      into(Slot.type, skip === 8 ? Step.refAddr8 : Step.refAddr4),
      Step.end,
    ]);
  });

  it("indexes dense codes directly and far-apart codes by a map", () => {
    const dense = compile([
      [3, d.DW_TAG_member, 0],
      [1, d.DW_TAG_typedef, 1],
    ]);
    expect(dense.sparse).toBeUndefined();
    expect([...dense.tag]).toEqual([0, d.DW_TAG_typedef, 0, d.DW_TAG_member]);
    expect([...dense.hasChildren]).toEqual([0, 1, 0, 0]);
    const sparse = compile([
      [7, d.DW_TAG_member, 0],
      [1_000_000_000, d.DW_TAG_typedef, 1],
    ]);
    expect(sparse.tag.length).toBe(3);
    expect(sparse.tag[sparse.sparse!.get(1_000_000_000)!]).toBe(d.DW_TAG_typedef);
  });

  it.each([1, 1_000_000])("lets the first of two abbreviations %i win", (code) => {
    const compiled = compile([
      [code, d.DW_TAG_member, 0],
      [code, d.DW_TAG_typedef, 1],
    ]);
    expect(compiled.tag[compiled.sparse?.get(code) ?? code]).toBe(d.DW_TAG_member);
  });

  it("lists the attributes of unit entries with the values that stand in the table", () => {
    const compiled = compile([
      [
        1,
        d.DW_TAG_compile_unit,
        1,
        [d.DW_AT_producer, d.DW_FORM_strp],
        [d.DW_AT_language, d.DW_FORM_implicit_const, 29],
      ],
    ]);
    expect(compiled.unitAttributes.get(1)).toEqual([
      d.DW_AT_producer,
      Step.strp4,
      0,
      0,
      d.DW_AT_language,
      Step.implicitConst,
      29,
      0,
    ]);
  });

  it("marks the slots that an abbreviation fills", () => {
    const { present } = compile([
      [1, d.DW_TAG_member, 0, [d.DW_AT_name, d.DW_FORM_strp], [d.DW_AT_type, d.DW_FORM_ref4]],
    ]);
    expect(present[1]).toBe((1 << Slot.name) | (1 << Slot.type));
  });

  const bad = (code: string, bytes: readonly number[], offset = 0): readonly [string, number[], number] => [
    code,
    [...bytes],
    offset,
  ];
  it.each([
    bad("DWARF_ABBREVIATION_OFFSET", [0], 1),
    bad("DWARF_ABBREVIATION_OFFSET", [], 0),
    bad("DWARF_TRUNCATED", [1]),
    bad("DWARF_TRUNCATED", [1, 0x34]),
    bad("DWARF_TRUNCATED", [1, 0x34, 0, 3]),
    bad("DWARF_TRUNCATED", [1, 0x34, 0, 3, d.DW_FORM_implicit_const]),
    bad("DWARF_TRUNCATED", [1, 0x34, 0, 0, 0]),
    bad("DWARF_TAG", [1, 0, 0, 0, 0, 0]),
    bad("DWARF_TAG", [1, ...unsignedLeb(0x10000), 0, 0, 0, 0]),
    bad("DWARF_LEB128", new Array<number>(11).fill(0x80)),
    bad("DWARF_LEB128", [1, 0x34, 0, 3, d.DW_FORM_implicit_const, ...new Array<number>(11).fill(0x80)]),
    bad("DWARF_UNKNOWN_FORM", [1, 0x34, 0, 3, 0x7f, 0, 0, 0]),
    bad("DWARF_UNKNOWN_FORM", [1, 0x34, 0, 0x3a, 0x7f, 0, 0, 0]),
    bad("DWARF_ABBREVIATION", [1, 0x34, 0, ...new Array<number[]>(4097).fill([3, 0x19]).flat(), 0, 0, 0]),
  ])("refuses %s", (code, bytes, offset) => {
    expect(() => compileAbbreviations(Uint8Array.from(bytes), offset, shape, "x.o")).toThrowError(
      expect.objectContaining({
        code,
        location: expect.objectContaining({ file: "x.o", section: ".debug_abbrev" }) as unknown,
      }),
    );
  });
});
