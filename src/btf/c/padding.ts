import { LimitError } from "../../io/index.ts";
import { btfSectionName } from "../header.ts";

/** Where padding goes: bit positions counted from the start of the struct. */
export interface PaddingGap {
  /** End of what is declared so far. */
  from: number;
  /** Start of what comes next. */
  to: number;
  /** Bytes that the next member, or at the end the struct, is aligned to; 1 in a packed struct. */
  nextAlignment: number;
  /** Between two bitfields, where a compiler aligns nothing by itself. */
  isBetweenBitfields: boolean;
}

/**
 * Unnamed bitfields that make a compiler leave a gap, as `long: 0` or `char: 3`. A gap that
 * alignment alone makes needs none.
 */
export function paddingFields(gap: PaddingGap, pointerByteSize: number): string[] {
  const { to, nextAlignment, isBetweenBitfields } = gap;
  const units: readonly [name: string, bits: number][] = [
    ["long", pointerByteSize * 8],
    ["int", 32],
    ["short", 16],
    ["char", 8],
  ];
  const fields: string[] = [];
  let at = gap.from;
  if (at >= to) return fields;

  // First to a boundary of the largest unit that has one in the gap.
  const unit = units.find(([, bits]) => roundUp(at, bits) <= to);
  if (unit !== undefined) {
    const [name, bits] = unit;
    const boundary = roundUp(at, bits);
    if (boundary > at) {
      const mustSay =
        isBetweenBitfields ||
        (boundary === to && roundUp(at, nextAlignment * 8) !== boundary) ||
        (boundary !== to && to - boundary <= boundary - at);
      if (mustSay) fields.push(`${name}: ${isBetweenBitfields ? boundary - at : 0}`);
      at = boundary;
    }
    for (; at + bits <= to; at += bits) {
      fields.push(`${name}: ${bits}`);
      if (fields.length > maximumFields) throw tooMany(gap);
    }
  }
  // What remains is less than that unit.
  while (at < to) {
    const rest = to - at;
    const [name, bits] = units.findLast((candidate) => candidate[1] >= rest) ?? units[0]!;
    const width = Math.min(rest, bits);
    fields.push(`${name}: ${width}`);
    at += width;
    if (fields.length > maximumFields) throw tooMany(gap);
  }
  return fields;
}

/** A gap of 8 MiB; a struct of BTF may claim 4 GiB. */
const maximumFields = 1 << 20;

function roundUp(bits: number, unit: number): number {
  return unit === 0 ? bits : Math.ceil(bits / unit) * unit;
}

function tooMany(gap: PaddingGap): LimitError {
  return new LimitError("BTF_PADDING", `gap of ${gap.to - gap.from} bits`, { section: btfSectionName });
}
