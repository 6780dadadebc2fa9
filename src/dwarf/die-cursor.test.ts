import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signedLeb, unsignedLeb } from "../../test/build/dwarf.ts";
import { ByteWriter } from "../../test/build/bytes.ts";
import { isDwarflessError } from "../io/index.ts";
import { compileAbbreviations, Slot, Step } from "./abbreviations.ts";
import * as d from "./constants.ts";
import { DieCursor, ReferenceLeavesUnit } from "./die-cursor.ts";

interface Setup {
  littleEndian?: boolean;
  wide?: boolean;
  version?: number;
  addressByteSize?: number;
}

/** Abbreviation n (from 1) has the n-th list of attribute and form pairs. */
function cursorOver(
  lists: readonly (readonly (readonly [number, number, number?])[])[],
  bytes: readonly number[],
  setup: Setup = {},
  tags: readonly number[] = [],
  children: readonly number[] = [],
): DieCursor {
  const table: number[] = [];
  lists.forEach((list, i) => {
    table.push(...unsignedLeb(i + 1), ...unsignedLeb(tags[i] ?? d.DW_TAG_variable), children[i] ?? 0);
    for (const [attribute, form, constant] of list) {
      table.push(...unsignedLeb(attribute), ...unsignedLeb(form));
      if (constant !== undefined) table.push(...signedLeb(constant));
    }
    table.push(0, 0);
  });
  table.push(0);
  const cursor = new DieCursor();
  cursor.shape = {
    version: setup.version ?? 5,
    addressByteSize: setup.addressByteSize ?? 8,
    offsetByteSize: setup.wide === true ? 8 : 4,
  };
  cursor.littleEndian = setup.littleEndian ?? true;
  cursor.table = compileAbbreviations(Uint8Array.from(table), 0, cursor.shape, "x.o");
  cursor.setWindow(Uint8Array.from(bytes), 0x1000);
  cursor.end = bytes.length;
  return cursor;
}

/** One entry with one attribute; the slot's value. */
function read(form: number, bytes: readonly number[], setup: Setup = {}, prepare?: (c: DieCursor) => void) {
  const cursor = cursorOver([[[d.DW_AT_const_value, form]]], [1, ...bytes], setup);
  prepare?.(cursor);
  cursor.next();
  const slot = Slot.constValue;
  return {
    present: (cursor.present & (1 << slot)) !== 0,
    low: cursor.low[slot],
    high: cursor.high[slot],
    step: cursor.step[slot],
    unsigned: cursor.unsigned(slot),
    position: cursor.position,
  };
}

const little = { littleEndian: true };
const big = { littleEndian: false };

describe("DieCursor", () => {
  it.each([
    ["data1", d.DW_FORM_data1, [0xfe], little, 0xfe],
    ["data2", d.DW_FORM_data2, [0x34, 0x12], little, 0x1234],
    ["data2 big-endian", d.DW_FORM_data2, [0x12, 0x34], big, 0x1234],
    ["data4", d.DW_FORM_data4, [4, 3, 2, 0xff], little, 0xff020304],
    ["data4 big-endian", d.DW_FORM_data4, [0xff, 2, 3, 4], big, 0xff020304],
    ["data8", d.DW_FORM_data8, [8, 7, 6, 5, 4, 3, 2, 0], little, 0x2030405060708],
    ["data8 big-endian", d.DW_FORM_data8, [0, 2, 3, 4, 5, 6, 7, 8], big, 0x2030405060708],
    ["strx3", d.DW_FORM_strx3, [1, 2, 3], little, 0x030201],
    ["strx3 big-endian", d.DW_FORM_strx3, [1, 2, 3], big, 0x010203],
    ["addrx3", d.DW_FORM_addrx3, [1, 2, 0x83], little, 0x830201],
    ["strx1", d.DW_FORM_strx1, [0x80], little, 0x80],
    ["strx2", d.DW_FORM_strx2, [1, 0x80], little, 0x8001],
    ["strx4", d.DW_FORM_strx4, [1, 0, 0, 0x80], little, 0x80000001],
    ["addrx", d.DW_FORM_addrx, [0x81, 1], little, 129],
    ["strp", d.DW_FORM_strp, [1, 0, 0, 0x80], little, 0x80000001],
    [
      "strp in 64-bit format",
      d.DW_FORM_strp,
      [1, 0, 0, 0, 2, 0, 0, 0],
      { ...little, wide: true },
      0x200000001,
    ],
    ["sec_offset", d.DW_FORM_sec_offset, [1, 2, 0, 0], little, 0x201],
    ["addr", d.DW_FORM_addr, [0, 0, 0, 0x81, 1, 0, 0, 0], little, 0x181000000],
    ["addr of 4 bytes", d.DW_FORM_addr, [0, 0, 0, 0x81], { ...little, addressByteSize: 4 }, 0x81000000],
    ["udata", d.DW_FORM_udata, [0x7f], little, 127],
    ["udata padded", d.DW_FORM_udata, [0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], little, 5],
    ["udata of 35 bits", d.DW_FORM_udata, [0xff, 0xff, 0xff, 0xff, 0x7f], little, 2 ** 35 - 1],
    ["implicit_const is none of the entry", d.DW_FORM_flag_present, [], little, 1],
  ] as const)("reads %s", (_name, form, bytes, setup, value) => {
    const result = read(form, bytes, setup);
    expect(result.unsigned).toBe(value);
    expect(result.position).toBe(1 + bytes.length);
    expect(result.present).toBe(true);
  });

  it("reads LEB128 numbers of any length as they were written", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.integer({ min: 1, max: 10 }), (value, padded) => {
        const { low, high } = read(d.DW_FORM_udata, unsignedLeb(value, padded));
        expect([low! >>> 0, high! >>> 0]).toEqual([Number(value & 0xffff_ffffn), Number(value >> 32n)]);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        const { low, high } = read(d.DW_FORM_sdata, signedLeb(value));
        expect((BigInt(high!) << 32n) | BigInt(low! >>> 0)).toBe(value);
      }),
    );
    for (const value of [0, -1, 63, 64, -64, -65, 2 ** 31, -(2 ** 31), 2 ** 34, -(2 ** 34), 2 ** 41]) {
      const { low, high } = read(d.DW_FORM_sdata, signedLeb(value));
      expect(Number((BigInt(high!) << 32n) | BigInt(low! >>> 0))).toBe(value);
    }
  });

  it("refuses a LEB128 number longer than 64 bits", () => {
    expect(() => read(d.DW_FORM_udata, new Array<number>(11).fill(0x80))).toThrowError(
      expect.objectContaining({ code: "DWARF_LEB128" }),
    );
  });

  it.each([
    ["block1", d.DW_FORM_block1, [3]],
    ["block2", d.DW_FORM_block2, [3, 0]],
    ["block4", d.DW_FORM_block4, [3, 0, 0, 0]],
    ["block", d.DW_FORM_block, [3]],
    ["exprloc", d.DW_FORM_exprloc, [0x83, 0]],
  ] as const)("says where the bytes of %s are", (_name, form, length) => {
    const { low, high, position } = read(form, [...length, 7, 8, 9]);
    expect([low, high, position]).toEqual([1 + length.length, 3, 4 + length.length]);
  });

  it("says where an inline string is", () => {
    const { low, high, position, step } = read(d.DW_FORM_string, [...Buffer.from("abc"), 0]);
    expect([low, high, position, step]).toEqual([1, 3, 5, Step.string]);
  });

  it.each([
    ["ref1", d.DW_FORM_ref1, [0x21]],
    ["ref2", d.DW_FORM_ref2, [0x21, 0]],
    ["ref4", d.DW_FORM_ref4, [0x21, 0, 0, 0]],
    ["ref8", d.DW_FORM_ref8, [0x21, 0, 0, 0, 0, 0, 0, 0]],
    ["ref_udata", d.DW_FORM_ref_udata, [0xa1, 0x80, 0]],
  ] as const)("counts %s from the unit's place in a merged group", (_name, form, bytes) => {
    expect(read(form, bytes).low).toBe(0x21);
    expect(read(form, bytes, {}, (cursor) => (cursor.referenceBase = 0x500)).low).toBe(0x521);
  });

  it.each([
    ["ref_addr", d.DW_FORM_ref_addr, 4],
    ["ref_sup4", d.DW_FORM_ref_sup4, 4],
    ["ref_sup8", d.DW_FORM_ref_sup8, 8],
    ["GNU_ref_alt", d.DW_FORM_GNU_ref_alt, 4],
    ["ref_sig8", d.DW_FORM_ref_sig8, 8],
  ] as const)("%s asks for the units to be read as a group", (_name, form, byteSize) => {
    expect(() => read(form, new Array<number>(byteSize).fill(0))).toThrow(ReferenceLeavesUnit);
  });

  it("counts references into other sections from where their keys begin", () => {
    const prepare = (cursor: DieCursor): void => {
      cursor.merged = true;
      cursor.sectionReferenceBase = 0x100;
      cursor.supplementReferenceBase = 0x200;
      cursor.signatureKey = (low, high) => (low === 2 && high === 1 ? 77 : -1);
    };
    expect(read(d.DW_FORM_ref_addr, [5, 0, 0, 0], little, prepare).low).toBe(0x105);
    expect(read(d.DW_FORM_ref_sup4, [5, 0, 0, 0], little, prepare).low).toBe(0x205);
    expect(read(d.DW_FORM_ref_sup8, [5, 0, 0, 0, 0, 0, 0, 0], little, prepare).low).toBe(0x205);
    expect(read(d.DW_FORM_ref_sig8, [2, 0, 0, 0, 1, 0, 0, 0], little, prepare).low).toBe(77);
    expect(read(d.DW_FORM_ref_sig8, [0, 0, 0, 1, 0, 0, 0, 2], big, prepare).low).toBe(77);
  });

  it("refuses a reference beyond 2 GiB", () => {
    expect(() => read(d.DW_FORM_ref8, [0, 0, 0, 0, 1, 0, 0, 0])).toThrowError(
      expect.objectContaining({ code: "DWARF_REFERENCE" }),
    );
  });

  it("takes a false flag for none, and 16 bytes for no value", () => {
    expect(read(d.DW_FORM_flag, [0]).present).toBe(false);
    expect(read(d.DW_FORM_flag, [1]).present).toBe(true);
    expect(read(d.DW_FORM_data16, new Array<number>(16).fill(1)).present).toBe(false);
  });

  it("reads implicit constants from the plan", () => {
    const cursor = cursorOver([[[d.DW_AT_const_value, d.DW_FORM_implicit_const, -3]]], [1]);
    expect(cursor.next()).toBe(d.DW_TAG_variable);
    expect([cursor.low[Slot.constValue], cursor.high[Slot.constValue], cursor.position]).toEqual([-3, -1, 1]);
  });

  it("reads a form that stands before its value", () => {
    expect(read(d.DW_FORM_indirect, [d.DW_FORM_data2, 1, 2]).unsigned).toBe(0x201);
    expect(read(d.DW_FORM_indirect, [d.DW_FORM_data2, 1, 2]).position).toBe(4);
    for (const form of [d.DW_FORM_indirect, d.DW_FORM_implicit_const, 0x7f, 0]) {
      expect(() => read(d.DW_FORM_indirect, [form, 1, 2, 3])).toThrowError(
        expect.objectContaining({ code: "DWARF_UNKNOWN_FORM" }),
      );
    }
  });

  it("reads codes of several bytes, and finds unknown ones out", () => {
    const lists = Array.from({ length: 200 }, () => []);
    const cursor = cursorOver(lists, [0x80 | 72, 1, 0x80, 0x80, 0, 0xff, 0x7f]);
    expect(cursor.next()).toBe(d.DW_TAG_variable);
    expect(cursor.next()).toBe(0);
    expect(() => cursor.next()).toThrowError(
      expect.objectContaining({
        code: "DWARF_ABBREVIATION_CODE",
        location: { file: "", section: ".debug_info", offset: 0x1005 },
      }),
    );
  });

  it("refuses to go past the unit's end", () => {
    expect(() => cursorOver([[]], []).next()).toThrowError(
      expect.objectContaining({ code: "DWARF_TRUNCATED" }),
    );
  });

  it("moves behind children with and without a sibling reference", () => {
    const bytes = [1, 2, 2, 0, 0, 3];
    const plain = cursorOver([[], [], []], bytes, {}, [], [1, 0, 0]);
    plain.next();
    plain.skipChildren();
    expect(plain.position).toBe(4);
    const withSibling = cursorOver([[[d.DW_AT_sibling, d.DW_FORM_ref1]]], [1, 6, 9, 9, 9, 9, 0], {}, [], [1]);
    withSibling.next();
    withSibling.skipChildren();
    expect(withSibling.position).toBe(6);
  });

  it.each([0, 1, 2, 200])("refuses a sibling reference to %i", (target) => {
    const cursor = cursorOver([[[d.DW_AT_sibling, d.DW_FORM_ref1]]], [1, target, 0], {}, [], [1]);
    cursor.next();
    expect(() => cursor.skipChildren()).toThrowError(expect.objectContaining({ code: "DWARF_SIBLING" }));
  });

  const everyForm = Object.entries(d)
    .filter(([name]) => name.startsWith("DW_FORM_"))
    .map(([name, form]) => [name, form] as const);
  it.each(everyForm)("ends %s in a typed error wherever it is cut", (_name, form) => {
    const pair: readonly [number, number, number?] =
      form === d.DW_FORM_implicit_const ? [d.DW_AT_name, form, 1] : [d.DW_AT_name, form];
    for (const after of [d.DW_FORM_string, d.DW_FORM_block1, d.DW_FORM_udata, d.DW_FORM_data4]) {
      for (let length = 1; length < 6; length++) {
        const bytes = [1, ...new Array<number>(length - 1).fill(form === d.DW_FORM_indirect ? 8 : 0x81)];
        const cursor = cursorOver([[pair, [d.DW_AT_type, after]]], bytes);
        cursor.merged = true;
        cursor.signatureKey = () => 1;
        try {
          cursor.next();
          expect(cursor.position).toBeLessThanOrEqual(cursor.end);
        } catch (error) {
          if (!isDwarflessError(error)) throw error;
        }
      }
    }
  });

  it("survives random plans over random bytes", () => {
    const forms = everyForm.map(([, form]) => form);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...forms), { maxLength: 5 }),
        fc.uint8Array({ maxLength: 30 }),
        fc.boolean(),
        (list, bytes, littleEndian) => {
          const pairs = list.map((form, i): readonly [number, number, number?] =>
            form === d.DW_FORM_implicit_const
              ? [d.DW_AT_name + i, form, 1]
              : [i % 2 === 0 ? d.DW_AT_name : 0x3a, form],
          );
          const cursor = cursorOver([pairs], [1, ...bytes], { littleEndian });
          cursor.merged = true;
          cursor.signatureKey = () => 1;
          try {
            cursor.next();
          } catch (error) {
            if (!isDwarflessError(error)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("keeps bytes in the order of the file", () => {
    for (const littleEndian of [true, false]) {
      const bytes = [...new ByteWriter(littleEndian).u64(0x0123_4567_89ab_cdefn).finish()];
      const { low, high } = read(d.DW_FORM_data8, bytes, { littleEndian });
      expect([low! >>> 0, high! >>> 0]).toEqual([0x89ab_cdef, 0x0123_4567]);
    }
  });
});
