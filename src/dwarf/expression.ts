import * as c from "./constants.ts";
import type { UnitShape } from "./abbreviations.ts";

/** Longest expression that is looked at; a location says what it says well before that. */
const maximumOperations = 256;

/**
 * The operations of one DWARF expression (DWARF 5, 2.5 and 7.7.1), decoded into columns that are
 * refilled by each {@link decode}.
 */
export class Expression {
  count = 0;
  readonly atom: Uint8Array = new Uint8Array(maximumOperations);
  /** First operand where it is a number of up to 53 bits; 0 otherwise. */
  readonly number: Float64Array = new Float64Array(maximumOperations);
  /** Operand of DW_OP_addr as two halves. */
  addressLow = 0;
  addressHigh = 0;
  /** For DW_OP_entry_value: the only operation inside, 0 when there are more. */
  readonly inner: Uint8Array = new Uint8Array(maximumOperations);

  /**
   * Decode `bytes[from, to)`. Returns false when an operation is unknown or truncated: the
   * operations before it stand, and the expression as a whole says nothing sure.
   */
  decode(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
    little: boolean,
    shape: UnitShape,
  ): boolean {
    this.count = 0;
    let at = from;
    let number = 0;
    const uleb = (): boolean => {
      number = 0;
      for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
        if (at >= to) return false;
        const byte = bytes[at++]!;
        number += (byte & 0x7f) * scale;
        if (byte < 0x80) return true;
      }
      return false;
    };
    const block = (): boolean => {
      if (!uleb() || at + number > to) return false;
      at += number;
      return true;
    };
    while (at < to) {
      if (this.count === maximumOperations) return false;
      const op = bytes[at++]!;
      number = 0;
      let inner = 0;
      if (op >= c.DW_OP_lit0 && op <= c.DW_OP_reg31) {
        // no operand
      } else if (op >= c.DW_OP_breg0 && op <= c.DW_OP_breg31) {
        if (!uleb()) return false;
      } else {
        switch (op) {
          case c.DW_OP_addr: {
            const size = shape.addressByteSize;
            if (at + size > to) return false;
            if (size === 8) {
              this.addressLow = view.getUint32(little ? at : at + 4, little);
              this.addressHigh = view.getUint32(little ? at + 4 : at, little);
            } else if (size === 4) {
              this.addressLow = view.getUint32(at, little);
              this.addressHigh = 0;
            } else return false;
            at += size;
            break;
          }
          case 0x08: // const1u
          case 0x09: // const1s
          case c.DW_OP_pick:
          case c.DW_OP_deref_size:
          case c.DW_OP_xderef_size:
            at += 1;
            break;
          case 0x0a: // const2u
          case 0x0b: // const2s
          case c.DW_OP_bra:
          case c.DW_OP_skip:
          case c.DW_OP_call2:
            at += 2;
            break;
          case 0x0c: // const4u
          case 0x0d: // const4s
          case c.DW_OP_call4:
            at += 4;
            break;
          case 0x0e: // const8u
          case c.DW_OP_const8s:
            at += 8;
            break;
          case c.DW_OP_call_ref:
          case c.DW_OP_GNU_variable_value:
            at += shape.version <= 2 ? shape.addressByteSize : shape.offsetByteSize;
            break;
          case c.DW_OP_constu:
          case c.DW_OP_consts:
          case c.DW_OP_plus_uconst:
          case c.DW_OP_regx:
          case c.DW_OP_fbreg:
          case c.DW_OP_piece:
          case c.DW_OP_addrx:
          case c.DW_OP_constx:
          case c.DW_OP_convert:
          case c.DW_OP_reinterpret:
          case c.DW_OP_GNU_convert:
          case c.DW_OP_GNU_reinterpret:
          case c.DW_OP_GNU_addr_index:
          case c.DW_OP_GNU_const_index:
            if (!uleb()) return false;
            break;
          case c.DW_OP_bregx:
          case c.DW_OP_bit_piece:
          case c.DW_OP_regval_type:
          case c.DW_OP_GNU_regval_type:
            if (!uleb() || !uleb()) return false;
            break;
          case c.DW_OP_deref_type:
          case c.DW_OP_xderef_type:
          case c.DW_OP_GNU_deref_type:
            at += 1;
            if (!uleb()) return false;
            break;
          case c.DW_OP_const_type:
          case c.DW_OP_GNU_const_type:
            if (!uleb() || at >= to) return false;
            at += 1 + bytes[at]!;
            break;
          case c.DW_OP_implicit_value:
            if (!block()) return false;
            break;
          case c.DW_OP_implicit_pointer:
          case c.DW_OP_GNU_implicit_pointer:
            at += shape.version <= 2 ? shape.addressByteSize : shape.offsetByteSize;
            if (!uleb()) return false;
            break;
          case c.DW_OP_GNU_parameter_ref:
            at += 4;
            break;
          case c.DW_OP_entry_value:
          case c.DW_OP_GNU_entry_value: {
            if (!uleb() || at + number > to) return false;
            const first = bytes[at]!;
            if (number === 1 && first >= c.DW_OP_reg0 && first <= c.DW_OP_reg31) inner = first;
            at += number;
            number = 0;
            break;
          }
          default:
            // Operations without operand; everything undefined or vendor's own ends the decoding.
            if (
              op === 0x06 ||
              (op >= 0x12 && op <= 0x2e) ||
              op === 0x96 ||
              op === 0x97 ||
              op === 0x9b ||
              op === 0x9c ||
              op === 0x9f ||
              op === 0xe0 ||
              op === 0xf0
            )
              break;
            return false;
        }
      }
      if (at > to) return false;
      const i = this.count++;
      this.atom[i] = op;
      this.number[i] = number;
      this.inner[i] = inner;
    }
    return true;
  }
}
