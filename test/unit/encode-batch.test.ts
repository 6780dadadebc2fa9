import { describe, expect, it } from "vitest";
import * as d from "../../src/dwarf/constants.ts";
import { SectionWindow } from "../../src/dwarf/section-window.ts";
import { BatchBuilder, encodeBatch, forEachUnit, type BatchAnswer } from "../../src/encode/batch.ts";
import { NameTable } from "../../src/encode/name-table.ts";
import { UnitEncoder } from "../../src/encode/unit-encoder.ts";
import { UnitReader, type PlacedUnit } from "../../src/encode/unit-reader.ts";
import { readUnitHeaders } from "../../src/dwarf/units.ts";
import type { UnitSections } from "../../src/encode/unit-sections.ts";
import { IdSet } from "../../src/util/id-set.ts";
import { assembleDwarf, atAddress, die, formed, to, toAny, type Die, type Unit } from "../build/dwarf.ts";

const int = die("base_type:int", { name: "int", byte_size: 4, encoding: d.DW_ATE_signed });

function unit(...children: Die[]): Unit {
  return { root: die("compile_unit", { name: "a.c" }, [int, ...children]) };
}

function setUp(units: readonly Unit[]): { encoder: UnitEncoder; placed: PlacedUnit[] } {
  const { sections } = assembleDwarf(units);
  const names = NameTable.create(sections[".debug_str"]!, 1 << 16);
  const absent = undefined;
  const own: UnitSections = {
    file: "x.o",
    littleEndian: true,
    info: new SectionWindow("x.o", ".debug_info", sections[".debug_info"]!),
    types: absent,
    supplementInfo: absent,
    abbreviations: sections[".debug_abbrev"]!,
    supplementAbbreviations: absent,
    names,
    strings: absent,
    supplementStrings: absent,
    lineStrings: absent,
    supplementLineStrings: absent,
    stringOffsets: absent,
    addresses: absent,
    locationLists: absent,
    locations: absent,
  };
  const reader = new UnitReader(own, {
    machine: 62,
    floats: true,
    typeTags: true,
    declTags: true,
    enum64: true,
    nestedArrays: true,
    trueSignature: false,
    functionStatics: true,
    languages: undefined,
    excludedLanguages: [d.DW_LANG_Rust],
    excludedUnitPrefixes: [],
    kabiPrefix: undefined,
  });
  const encoder = new UnitEncoder(reader, IdSet.of([names.ofString("f")], 1));
  const headers = readUnitHeaders(own.info, own.littleEndian);
  return { encoder, placed: headers.map((header) => ({ header, place: "info" })) };
}

const units = [
  unit(die("pointer_type", { type: to("int") })),
  unit(
    die("variable", { name: "v", type: to("int"), location: atAddress(0x1_0000_1000n) }),
    die("subprogram", { name: "f", type: to("int"), low_pc: formed("addr", 0x2000) }, [
      die("formal_parameter", { name: "a", type: to("int") }),
    ]),
  ),
  { root: die("compile_unit", { name: "b.rs", language: d.DW_LANG_Rust }, [int]) },
  unit(
    die("array_type", { type: to("int") }, [die("subrange_type", { count: 3 })]),
    die("atomic_type", { type: to("int") }),
  ),
];

function columnsOf(
  answer: BatchAnswer,
): { words: number[]; functions: number[]; variables: number[]; byteSize: number }[] {
  if (!("batch" in answer)) throw new Error("no batch");
  const all: { words: number[]; functions: number[]; variables: number[]; byteSize: number }[] = [];
  forEachUnit(answer.batch, (each, byteSize) => {
    all.push({
      words: [...each.words.subarray(each.wordFrom, each.wordTo)],
      functions: [...each.functions.subarray(0, each.functionWords)],
      variables: [...each.variables.subarray(0, each.variableWords)],
      byteSize,
    });
  });
  return all;
}

describe("a batch of units", () => {
  it("hands on what each unit gives, in order", () => {
    const together = setUp(units);
    const answer = encodeBatch(together.encoder, new BatchBuilder(), together.placed);
    const apart = setUp(units);
    const one = apart.placed.flatMap((each) =>
      columnsOf(encodeBatch(apart.encoder, new BatchBuilder(), [each])),
    );
    expect(columnsOf(answer)).toEqual(one);
    expect(one.map(({ byteSize }) => byteSize)).toEqual(together.placed.map(({ header }) => header.byteSize));
    expect(one[1]!.variables.slice(2, 4)).toEqual([0x1000, 1]);
    expect(one[1]!.functions.length).toBeGreaterThan(0);
    expect(one[2]!.words).toEqual([]);
    if (!("batch" in answer)) throw new Error("no batch");
    expect([answer.unitsRead, answer.oddities]).toEqual([3, [["ATOMIC_AS_VOLATILE", 1]]]);
  });

  it("starts anew after it was taken", () => {
    const { encoder, placed } = setUp(units);
    const builder = new BatchBuilder();
    const first = columnsOf(encodeBatch(encoder, builder, placed));
    expect(columnsOf(encodeBatch(encoder, builder, placed))).toEqual(first);
    expect(columnsOf(encodeBatch(encoder, builder, []))).toEqual([]);
  });

  it("says that a unit refers to another, and forgets what came before", () => {
    const { encoder, placed } = setUp([units[0]!, unit(die("pointer_type", { type: toAny("int") }))]);
    const builder = new BatchBuilder();
    expect(encodeBatch(encoder, builder, placed)).toEqual({ leavesUnit: true });
    expect(columnsOf(encodeBatch(encoder, builder, placed.slice(0, 1))).length).toBe(1);
  });

  it("carries a typed error as data", () => {
    const { encoder, placed } = setUp([
      unit(die("typedef", { name: formed("strp", 0xffff), type: to("int") })),
    ]);
    const answer = encodeBatch(encoder, new BatchBuilder(), placed);
    if (!("error" in answer)) throw new Error("no error");
    expect(structuredClone(answer.error)).toEqual(answer.error);
    expect(answer.error.code).toBe("DWARF_STRING");
    expect(answer.error.location).toMatchObject({ file: "x.o", section: ".debug_info" });
  });
});
