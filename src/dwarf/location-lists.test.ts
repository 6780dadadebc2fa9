import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../test/build/bytes.ts";
import { unsignedLeb } from "../../test/build/dwarf.ts";
import { isDwarflessError } from "../io/index.ts";
import * as d from "./constants.ts";
import { forEachLocation } from "./location-lists.ts";
import { SectionWindow } from "./section-window.ts";

interface Case {
  version?: number;
  addressByteSize?: number;
  littleEndian?: boolean;
  isSplit?: boolean;
  offset?: number;
  /** Bytes of a window, for a section that is read by ranges. */
  window?: number;
  most?: number;
}

function expressionsOf(bytes: ArrayLike<number>, options: Case = {}): number[][] {
  const all = Uint8Array.from(bytes);
  const source = {
    byteSize: all.length,
    readInto: (target: Uint8Array, offset: number): void =>
      target.set(all.subarray(offset, offset + target.length)),
  };
  const section =
    options.window === undefined
      ? new SectionWindow("x.o", ".debug_loclists", all)
      : new SectionWindow("x.o", ".debug_loclists", source, options.window);
  const shape = {
    version: options.version ?? 5,
    addressByteSize: options.addressByteSize ?? 8,
    offsetByteSize: 4,
  };
  const found: number[][] = [];
  forEachLocation(
    section,
    options.offset ?? 0,
    shape,
    options.littleEndian ?? true,
    (own, _view, from, to) => {
      found.push([...own.subarray(from, to)]);
      return found.length < (options.most ?? Infinity);
    },
    options.isSplit,
  );
  return found;
}

const expression = (...bytes: number[]): number[] => [...unsignedLeb(bytes.length), ...bytes];
const address = new Array<number>(8).fill(0x11);

describe("forEachLocation", () => {
  it("visits every kind of entry of DWARF 5", () => {
    const list = [
      [d.DW_LLE_base_addressx, 0x81, 1],
      [d.DW_LLE_startx_endx, 1, 2, ...expression(0x50)],
      [d.DW_LLE_startx_length, 1, 0x82, 1, ...expression(0x51)],
      [d.DW_LLE_GNU_view_pair, 1, 2],
      [d.DW_LLE_offset_pair, 1, 2, ...expression(0x52, 0x9f)],
      [d.DW_LLE_default_location, ...expression(0x53)],
      [d.DW_LLE_base_address, ...address],
      [d.DW_LLE_start_end, ...address, ...address, ...expression(0x54)],
      [d.DW_LLE_start_length, ...address, 5, ...expression()],
      [d.DW_LLE_end_of_list],
      [d.DW_LLE_default_location, ...expression(0x55)],
    ].flat();
    const wanted = [[0x50], [0x51], [0x52, 0x9f], [0x53], [0x54], []];
    expect(expressionsOf(list)).toEqual(wanted);
    expect(expressionsOf([9, 9, 9, ...list], { offset: 3 })).toEqual(wanted);
    expect(expressionsOf(list, { most: 2 })).toEqual(wanted.slice(0, 2));
    for (const window of [1, 7, 50]) expect(expressionsOf(list, { window })).toEqual(wanted);
  });

  it.each([
    [8, true],
    [8, false],
    [4, true],
    [4, false],
  ])(
    "visits the entries of DWARF 4 (addresses of %i bytes, little-endian: %s)",
    (addressByteSize, little) => {
      const writer = new ByteWriter(little);
      const pair = (from: number | bigint, to: number | bigint): ByteWriter =>
        writer.uint(addressByteSize, from).uint(addressByteSize, to);
      pair(1, 2).u16(1).bytes([0x50]);
      pair(addressByteSize === 8 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffff, 0x1000);
      pair(0, 3).u16(2).bytes([0x51, 0x9f]);
      pair(0, 0);
      pair(4, 5).u16(1).bytes([0x52]);
      const options = { version: 4, addressByteSize, littleEndian: little };
      expect(expressionsOf(writer.finish(), options)).toEqual([[0x50], [0x51, 0x9f]]);
    },
  );

  it("visits the entries of GNU's split form", () => {
    const list = [
      [3, 0x81, 1, 9, 0, 0, 0, 1, 0, 0x50],
      [1, 5],
      [2, 5, 6, 1, 0, 0x51],
      [4, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x52, 0x9f],
      [0],
      [3],
    ].flat();
    expect(expressionsOf(list, { version: 4, isSplit: true })).toEqual([[0x50], [0x51], [0x52, 0x9f]]);
  });

  it("brings in an expression longer than the window", () => {
    const long = new Array<number>(10_000).fill(0x30);
    const list = [d.DW_LLE_default_location, ...expression(...long), d.DW_LLE_default_location, 1, 0x50, 0];
    expect(expressionsOf(list, { window: 64 })).toEqual([long, [0x50]]);
  });

  it.each([
    ["no end", "DWARF_TRUNCATED", [d.DW_LLE_default_location, 1, 0x50], {}],
    ["an expression past the section", "DWARF_TRUNCATED", [d.DW_LLE_default_location, 9, 0x50, 0], {}],
    ["a number past the section", "DWARF_TRUNCATED", [d.DW_LLE_offset_pair, 0x80], {}],
    ["an address past the section", "DWARF_TRUNCATED", [d.DW_LLE_base_address, 1, 2], {}],
    [
      "a number without end",
      "DWARF_LEB128",
      [d.DW_LLE_base_addressx, ...new Array<number>(20).fill(0x80)],
      {},
    ],
    ["an unknown entry", "DWARF_LOCATION_LIST", [0x77, 0, 0], {}],
    ["an unknown entry of the split form", "DWARF_LOCATION_LIST", [9, 0, 0], { version: 4, isSplit: true }],
    ["half an entry of the split form", "DWARF_TRUNCATED", [2, 0, 0, 1], { version: 4, isSplit: true }],
    ["half a pair", "DWARF_TRUNCATED", new Array<number>(15).fill(1), { version: 4 }],
    ["no length", "DWARF_TRUNCATED", new Array<number>(17).fill(1), { version: 4 }],
    ["an offset past the section", "DWARF_OFFSET", [0], { offset: 1 }],
  ] as [string, string, number[], Case][])("refuses %s", (_name, code, bytes, options) => {
    for (const window of [undefined, 8]) {
      expect(() =>
        expressionsOf(bytes, { ...options, ...(window === undefined ? {} : { window }) }),
      ).toThrowError(expect.objectContaining({ code }));
    }
  });

  it("gives a typed error or a list for any bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(2, 4, 5),
        fc.constantFrom(0, 1, 2, 4, 8, 255),
        fc.boolean(),
        fc.constantFrom(undefined, 5, 16),
        (bytes, version, addressByteSize, isSplit, window) => {
          try {
            expressionsOf(bytes, {
              version,
              addressByteSize,
              isSplit,
              ...(window === undefined ? {} : { window }),
            });
          } catch (error) {
            if (!isDwarflessError(error)) throw error;
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
