import { UsageError } from "../io/index.ts";
import { ObjectRangeError, ObjectTypeError } from "./errors.ts";
import type { Type } from "./type.ts";

/** A part of a type, as `a.b[2].c` names it. */
export interface DesignatedPart {
  readonly type: Type;
  /** From the start of the outer type. */
  readonly bitOffset: number;
  /** Width of a bit field, 0 otherwise. */
  readonly bitFieldSize: number;
}

/**
 * Finds what a member designator (C's `offsetof` takes them) names in a type: members, also of
 * anonymous members, and elements of arrays. An index beyond an array's end is allowed, as in C.
 * @throws {UsageError} `DESIGNATOR` for text that is none
 * @throws {LookupError} for a member that is not there
 * @throws {ObjectTypeError} for a part that has no members or elements
 */
export function resolveDesignator(type: Type, designator: string): DesignatedPart {
  const token = /(?:(\.?)\s*([A-Za-z_][A-Za-z0-9_]*)|\[\s*(0[xX][0-9a-fA-F]+|[0-9]+)\s*\])\s*/y;
  let part: DesignatedPart = { type, bitOffset: 0, bitFieldSize: 0 };
  for (let at = 0; at < designator.length || at === 0; at = token.lastIndex) {
    const match = token.exec(designator);
    // A member needs its dot unless it begins the text, and an index something to begin with.
    if (match === null || (match[2] === undefined ? at === 0 : (match[1] === ".") === (at === 0))) {
      throw new UsageError(`not a member designator: "${designator}"`, "DESIGNATOR");
    }
    part = match[2] === undefined ? element(part, Number(match[3])) : member(part, match[2]);
  }
  return part;
}

/** Byte offset of what a designator names. @throws {ObjectTypeError} for a bit field */
export function offsetOf(type: Type, designator: string): number {
  const { bitOffset, bitFieldSize } = resolveDesignator(type, designator);
  if (bitFieldSize !== 0 || bitOffset % 8 !== 0) throw new ObjectTypeError(`"${designator}" is a bit field`);
  return bitOffset / 8;
}

function member(outer: DesignatedPart, name: string): DesignatedPart {
  const { type, bitOffset, bitFieldSize } = outer.type.member(name);
  return { type, bitOffset: outer.bitOffset + bitOffset, bitFieldSize };
}

function element(outer: DesignatedPart, index: number): DesignatedPart {
  const array = outer.type.underlying;
  if (array.kind !== "array") throw new ObjectTypeError(`"${outer.type.typeName()}" is not an array`);
  const type = array.target!;
  if (!Number.isSafeInteger(outer.bitOffset + index * type.byteSize * 8)) {
    throw new ObjectRangeError(`element ${index} lies beyond all memory`);
  }
  return { type, bitOffset: outer.bitOffset + index * type.byteSize * 8, bitFieldSize: 0 };
}
