import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { atAddress, unsignedLeb } from "../../test/build/dwarf.ts";
import * as d from "./constants.ts";
import { Expression } from "./expression.ts";

const shape = { version: 5, addressByteSize: 8, offsetByteSize: 4 };

function decode(
  bytes: ArrayLike<number>,
  own = shape,
  littleEndian = true,
): { whole: boolean; e: Expression } {
  const e = new Expression();
  const array = Uint8Array.from(bytes);
  const whole = e.decode(array, new DataView(array.buffer), 0, array.length, littleEndian, own);
  return { whole, e };
}

const operations = ({ count, atom, number }: Expression): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, i) => [atom[i]!, number[i]!] as const);

describe("Expression", () => {
  it.each([true, false])("reads an address of 8 bytes (little-endian: %s)", (littleEndian) => {
    const { whole, e } = decode(atAddress(0xffff_ffff_8123_4567n, { littleEndian }), shape, littleEndian);
    expect([whole, e.addressHigh, e.addressLow]).toEqual([true, 0xffff_ffff, 0x8123_4567]);
  });

  it("reads an address of 4 bytes", () => {
    const own = { ...shape, addressByteSize: 4 };
    const { whole, e } = decode(atAddress(0x8123_4567, { addressByteSize: 4 }), own);
    expect([whole, e.addressHigh, e.addressLow]).toEqual([true, 0, 0x8123_4567]);
  });

  it("reads operations one after another", () => {
    const bytes = [
      ...atAddress(16),
      d.DW_OP_plus_uconst,
      ...unsignedLeb(300),
      d.DW_OP_lit0 + 3,
      d.DW_OP_breg0 + 7,
      0x70,
      d.DW_OP_stack_value,
    ];
    const { whole, e } = decode(bytes);
    expect(whole).toBe(true);
    expect(operations(e)).toEqual([
      [d.DW_OP_addr, 0],
      [d.DW_OP_plus_uconst, 300],
      [d.DW_OP_lit0 + 3, 0],
      [d.DW_OP_breg0 + 7, 0x70],
      [d.DW_OP_stack_value, 0],
    ]);
  });

  it.each([
    ["const1u", [0x08, 1]],
    ["const2u", [0x0a, 1, 2]],
    ["const4u", [0x0c, 1, 2, 3, 4]],
    ["const8s", [0x0f, 1, 2, 3, 4, 5, 6, 7, 8]],
    ["constu", [d.DW_OP_constu, 0x80, 1]],
    ["bregx", [d.DW_OP_bregx, 0x81, 1, 2]],
    ["bit_piece", [d.DW_OP_bit_piece, 3, 4]],
    ["deref_size", [d.DW_OP_deref_size, 4]],
    ["deref_type", [d.DW_OP_deref_type, 4, 0x90, 1]],
    ["regval_type", [d.DW_OP_regval_type, 4, 9]],
    ["const_type", [d.DW_OP_const_type, 9, 2, 1, 1]],
    ["implicit_value", [d.DW_OP_implicit_value, 2, 1, 1]],
    ["implicit_pointer", [d.DW_OP_implicit_pointer, 0, 0, 0, 0, 9]],
    ["skip", [d.DW_OP_skip, 0, 0]],
    ["call_ref", [d.DW_OP_call_ref, 0, 0, 0, 0]],
    ["call4", [d.DW_OP_call4, 0, 0, 0, 0]],
    ["piece", [d.DW_OP_piece, 8]],
    ["convert", [d.DW_OP_convert, 8]],
    ["GNU_parameter_ref", [d.DW_OP_GNU_parameter_ref, 0, 0, 0, 0]],
    ["dup", [0x12]],
    ["push_object_address", [0x97]],
    ["GNU_push_tls_address", [0xe0]],
  ])("passes over %s exactly", (_name, bytes) => {
    const { whole, e } = decode([...bytes, d.DW_OP_lit0]);
    expect([whole, e.count, e.atom[1]]).toEqual([true, 2, d.DW_OP_lit0]);
    for (let length = 1; length < bytes.length; length++)
      expect(decode(bytes.slice(0, length)).whole, `cut at ${length}`).toBe(false);
  });

  it("says which register an entry value is of, when it is of one", () => {
    for (const op of [d.DW_OP_entry_value, d.DW_OP_GNU_entry_value]) {
      expect(decode([op, 1, d.DW_OP_reg0 + 5]).e.inner[0]).toBe(d.DW_OP_reg0 + 5);
      expect(decode([op, 2, d.DW_OP_breg0, 0]).e.inner[0]).toBe(0);
      expect(decode([op, 2, d.DW_OP_reg0]).whole).toBe(false);
    }
  });

  it("stops at what it does not know, keeping what came before", () => {
    const { whole, e } = decode([d.DW_OP_lit0, 0xff, d.DW_OP_lit0]);
    expect([whole, e.count]).toEqual([false, 1]);
    expect(decode(new Array<number>(257).fill(d.DW_OP_lit0)).whole).toBe(false);
    expect(decode(new Array<number>(256).fill(d.DW_OP_lit0)).whole).toBe(true);
  });

  it("reads no byte behind its end and throws for no bytes at all", () => {
    const sizes = fc.constantFrom(0, 1, 2, 4, 8, 255);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), sizes, fc.boolean(), (bytes, addressByteSize, little) => {
        const own = { version: 5, addressByteSize, offsetByteSize: 4 };
        const exact = decode(bytes, own, little);
        const e = new Expression();
        const longer = Uint8Array.from([...bytes, 0x70, 0x01, 0x01, 0x01, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
        const whole = e.decode(longer, new DataView(longer.buffer), 0, bytes.length, little, own);
        expect(whole).toBe(exact.whole);
        expect(operations(e)).toEqual(operations(exact.e));
      }),
      { numRuns: 2000 },
    );
  });
});
