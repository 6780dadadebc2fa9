/**
 * Unnamed bitfields that make a compiler leave a gap, as `long: 0` or `char: 3`. A gap that alignment alone
 * makes needs none. Positions in a struct are two: words of 64 bits, and bits beyond them.
 */
import { fail, WIDE_GAP } from "./host";
import { putLine } from "./lines";
import { putByte, putNumber, putText } from "./text";
import { pointerByteSize } from "./sizes";

declare const longText: i32;
declare const intText: i32;
declare const shortText: i32;
declare const charText: i32;

/** A gap of 8 MiB, in words; a struct of BTF may claim 4 GiB. */
const widestGap = 0x20_0000;
const mostFields = 0x10_0000;

/** Bits of a unit: 0 for long, then int, short, char. */
function unitBits(unit: i32): i32 {
  return unit == 0 ? pointerByteSize << 3 : 64 >> unit;
}

function putPadding(unit: i32, width: i32, level: i32): void {
  putLine(level);
  putText(unit == 0 ? longText : unit == 1 ? intText : unit == 2 ? shortText : charText);
  putByte(58);
  putByte(32);
  putNumber(width);
  putByte(59);
}

/** Whether a position in bytes is where bytes of an alignment after another would be. */
function isAligned(position: u32, alignment: u32): bool {
  return alignment != 0 && position % alignment == 0;
}

/**
 * @param alignment bytes that the next member, or at the end the struct, is aligned to; 1 in a packed struct
 * @param isBetween between two bitfields, where a compiler aligns nothing by itself
 */
export function pad(
  fromWord: i32,
  from: i32,
  toWord: i32,
  to: i32,
  alignment: i32,
  isBetween: bool,
  level: i32,
): void {
  toWord -= fromWord;
  if (toWord < 0) return;
  if (toWord > widestGap) fail(WIDE_GAP, toWord, to - from);
  let at = from;
  // From here on in bits from the word where the gap begins.
  to += toWord << 6;
  if (at >= to) return;
  // First to a boundary of the largest unit that has one in the gap.
  let unit = 0;
  let bits = 0;
  let boundary = 0;
  for (; unit < 4; unit++) {
    bits = unitBits(unit);
    boundary = (at + bits - 1) & -bits;
    if (boundary <= to) break;
  }
  if (unit < 4) {
    let fields = 0;
    if (boundary > at) {
      let mustSay = isBetween;
      if (boundary == to) {
        // Not where the next alignment leads by itself.
        if (!isAligned((fromWord << 3) + (boundary >> 3), alignment)) mustSay = true;
        if (boundary - at >= alignment << 3) mustSay = true;
      } else if (to - boundary <= boundary - at) mustSay = true;
      if (mustSay) {
        fields = 1;
        putPadding(unit, isBetween ? boundary - at : 0, level);
      }
      at = boundary;
    }
    while (at + bits <= to) {
      if (++fields > mostFields) fail(WIDE_GAP, toWord, to - (toWord << 6) - from);
      putPadding(unit, bits, level);
      at += bits;
    }
  }
  // What remains is less than that unit.
  while (at < to) {
    bits = to - at;
    unit = 3;
    while (unit > 0 && unitBits(unit) < bits) unit--;
    bits = min(bits, unitBits(unit));
    putPadding(unit, bits, level);
    at += bits;
  }
}
