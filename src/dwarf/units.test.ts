import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../test/build/bytes.ts";
import { assembleDwarf, die, dwarfShapes } from "../../test/build/dwarf.ts";
import * as d from "./constants.ts";
import { SectionWindow } from "./section-window.ts";
import { readUnitHeaders, type UnitHeader } from "./units.ts";

function headersOf(bytes: ArrayLike<number>, littleEndian = true, inTypes = false): UnitHeader[] {
  const window = new SectionWindow("x.o", ".debug_info", Uint8Array.from(bytes));
  return readUnitHeaders(window, littleEndian, inTypes);
}

const root = die("compile_unit", { name: "a.c" }, [die("base_type:int", { byte_size: 4 })]);

describe.each(dwarfShapes)("unit headers of $name", ({ name: _name, ...shape }) => {
  it("are found one after another", () => {
    const { sections } = assembleDwarf([{ root }, { root: die("compile_unit") }], shape);
    const info = sections[".debug_info"]!;
    const headers = headersOf(info, shape.littleEndian);
    const [first, second] = headers;
    expect(headers.length).toBe(2);
    expect(first).toMatchObject({
      offset: 0,
      version: shape.version,
      addressByteSize: 8,
      offsetByteSize: shape.wide ? 8 : 4,
      unitType: d.DW_UT_compile,
      abbreviationOffset: 0,
      dieOffset: (shape.wide ? 23 : 11) + (shape.version === 5 ? 1 : 0),
      signature: undefined,
      typeOffset: undefined,
    });
    expect(second!.offset).toBe(first!.byteSize);
    expect(first!.byteSize + second!.byteSize).toBe(info.length);
    expect(second!.abbreviationOffset).toBeGreaterThan(0);
  });

  it("give every cut a typed error or fewer units", () => {
    const { sections } = assembleDwarf([{ root }], shape);
    const info = sections[".debug_info"]!;
    for (let length = 1; length < info.length; length++) {
      // Zeros alone are padding.
      if (info.subarray(0, length).every((byte) => byte === 0)) continue;
      expect(() => headersOf(info.subarray(0, length), shape.littleEndian)).toThrowError(
        expect.objectContaining({ code: "DWARF_UNIT_HEADER" }),
      );
    }
  });
});

describe("readUnitHeaders", () => {
  it.each([4, 5])("reads a type unit of DWARF %i", (version) => {
    const { sections, offsetOf } = assembleDwarf(
      [
        {
          root: die("type_unit", {}, [die("structure_type:s", { byte_size: 4 })]),
          signature: 0x0123_4567_89ab_cdefn,
          typeLabel: "s",
          unitType: d.DW_UT_type,
          inTypes: version === 4,
        },
      ],
      { version },
    );
    const bytes = sections[version === 4 ? ".debug_types" : ".debug_info"]!;
    const [header] = headersOf(bytes, true, version === 4);
    expect(header).toMatchObject({
      unitType: d.DW_UT_type,
      signature: 0x0123_4567_89ab_cdefn,
      typeOffset: offsetOf("s"),
      dieOffset: version === 4 ? 23 : 24,
    });
  });

  it.each([d.DW_UT_skeleton, d.DW_UT_split_compile])("reads the id of a unit of type %i", (unitType) => {
    const { sections } = assembleDwarf([{ root, unitType, signature: 7n }]);
    expect(headersOf(sections[".debug_info"]!)[0]).toMatchObject({ unitType, signature: 7n, dieOffset: 20 });
  });

  it("passes over padding of zeros without a unit for each word", () => {
    const { sections } = assembleDwarf([{ root }]);
    const info = sections[".debug_info"]!;
    expect(headersOf([...info, ...new Array<number>(10).fill(0)]).length).toBe(1);
    const [first, second, ...rest] = headersOf([0, 0, 0, 0, ...info, 0, 0, 0, 0, ...info]);
    expect([first!.offset, second!.offset, rest.length]).toEqual([4, info.length + 8, 0]);
    expect(headersOf(new Uint8Array(4_000_003))).toEqual([]);
    const wide = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(headersOf([...wide, ...info, ...wide]).map(({ offset }) => offset)).toEqual([12]);
  });

  const header = (length: number, ...rest: number[]): number[] => [
    ...new ByteWriter().u32(length).finish(),
    ...rest,
  ];
  it.each([
    ["a reserved length", "DWARF_UNIT_HEADER", header(0xffff_fff0, 5, 0, 1, 8, 0, 0, 0, 0)],
    ["a length past the section", "DWARF_UNIT_HEADER", header(9, 5, 0, 1, 8, 0, 0, 0, 0)],
    ["a 64-bit length past the section", "DWARF_UNIT_HEADER", header(0xffff_ffff, 9, 0, 0, 0, 0, 0, 0, 0)],
    ["a 64-bit length of 2^63", "DWARF_UNIT_HEADER", header(0xffff_ffff, 0, 0, 0, 0, 0, 0, 0, 0x80)],
    ["a unit too short for its header", "DWARF_UNIT_HEADER", header(3, 5, 0, 1)],
    ["bytes too few for a header", "DWARF_UNIT_HEADER", [1, 0, 0]],
    ["version 1", "DWARF_VERSION", header(8, 1, 0, 0, 0, 0, 0, 8, 0)],
    ["version 6", "DWARF_VERSION", header(8, 6, 0, 1, 8, 0, 0, 0, 0)],
  ])("refuses %s", (_name, code, bytes) => {
    expect(() => headersOf(bytes)).toThrowError(
      expect.objectContaining({ code, location: { file: "x.o", section: ".debug_info", offset: 0 } }),
    );
  });

  it("reads the same through a window that moves", () => {
    const { sections } = assembleDwarf(Array.from({ length: 20 }, () => ({ root })));
    const info = sections[".debug_info"]!;
    const window = new SectionWindow(
      "x.o",
      ".debug_info",
      {
        byteSize: info.length,
        readInto: (target, offset) => target.set(info.subarray(offset, offset + target.length)),
      },
      50,
    );
    expect(readUnitHeaders(window, true)).toEqual(headersOf(info));
  });
});
