import { type FormatError, UnsupportedError } from "../io/index.ts";
import * as c from "./constants.ts";
import type { UnitShape } from "./abbreviations.ts";
import type { SectionWindow } from "./section-window.ts";

/** A unit header (DWARF 5, 7.5.1; DWARF 2 to 4, 7.5.1.1; .debug_types of DWARF 4, 7.5.1.2). Offsets are section offsets, bytes. */
export interface UnitHeader extends UnitShape {
  offset: number;
  /** Of the whole unit, header and length field included. */
  byteSize: number;
  /** DW_UT_ code; DW_UT_compile before version 5, DW_UT_type in .debug_types. */
  unitType: number;
  abbreviationOffset: number;
  /** Offset of the unit DIE. */
  dieOffset: number;
  /** Signature of a type unit, or the id of a skeleton or split unit of version 5. */
  signature: bigint | undefined;
  /** Offset of the type's DIE from the unit's start, for type units. */
  typeOffset: number | undefined;
}

/** Longest unit header: 64-bit DWARF 5 type unit. */
const headerReach = 40;
/** Bytes of padding to read at once. */
const paddingReach = 1 << 16;

/**
 * All unit headers of a section, in order. A header that makes no sense ends the list with an
 * error: what follows cannot be found without its length.
 * @throws {FormatError} {@link UnsupportedError} for a version that is not 2 to 5.
 */
export function readUnitHeaders(
  section: SectionWindow,
  littleEndian: boolean,
  typesSection = false,
): UnitHeader[] {
  const headers: UnitHeader[] = [];
  for (let offset = 0; offset < section.byteSize;) {
    const header = readUnitHeader(section, offset, littleEndian, typesSection);
    if (header === undefined) break;
    if (typeof header === "number") offset = skipZeros(section, offset + header);
    else {
      headers.push(header);
      offset += header.byteSize;
    }
  }
  return headers;
}

/** From padding on, over the words of zeros that follow: it may be a hole as large as the file. */
function skipZeros(section: SectionWindow, from: number): number {
  let offset = from;
  while (offset + 4 <= section.byteSize) {
    const at = section.reach(offset, Math.min(paddingReach, section.byteSize - offset), paddingReach);
    const end = Math.min(section.bytes.length, at + paddingReach) - 3;
    let next = at;
    while (next < end && section.view.getUint32(next) === 0) next += 4;
    offset += next - at;
    if (next < end) break;
  }
  return offset;
}

/** The header at `offset`, the bytes of padding there, or undefined where only zeros are left. */
function readUnitHeader(
  section: SectionWindow,
  offset: number,
  little: boolean,
  typesSection: boolean,
): UnitHeader | number | undefined {
  const at = section.reach(offset, headerReach, headerReach);
  const view = section.view;
  const left = view.byteLength - at;
  const bad = (problem: string): FormatError => section.bad("DWARF_UNIT_HEADER", problem, offset);
  if (left < 4) {
    for (let i = 0; i < left; i++)
      if (view.getUint8(at + i) !== 0) throw bad("unit header runs past the section");
    return undefined;
  }
  let length = view.getUint32(at, little);
  let offsetByteSize = 4;
  let lengthByteSize = 4;
  if (length === 0xffff_ffff) {
    if (left < 12) throw bad("unit header runs past the section");
    const wide = view.getBigUint64(at + 4, little);
    if (wide > BigInt(section.byteSize))
      throw bad(`unit of 0x${wide.toString(16)} bytes runs past the section`);
    length = Number(wide);
    offsetByteSize = 8;
    lengthByteSize = 12;
  } else if (length >= 0xffff_fff0) {
    throw bad(`reserved unit length 0x${length.toString(16)}`);
  }
  const byteSize = length + lengthByteSize;
  if (offset + byteSize > section.byteSize) {
    throw bad(
      `unit of 0x${byteSize.toString(16)} bytes runs past the section's 0x${section.byteSize.toString(16)}`,
    );
  }
  if (length === 0) {
    // Padding between units, as some linkers leave it.
    return byteSize;
  }
  const end = at + Math.min(left, byteSize);
  let p = at + lengthByteSize;
  const need = (count: number): void => {
    if (p + count > end) throw bad("unit too short for its header");
  };
  const readOffset = (): number => {
    need(offsetByteSize);
    const value = offsetByteSize === 4 ? view.getUint32(p, little) : Number(view.getBigUint64(p, little));
    p += offsetByteSize;
    return value;
  };
  need(2);
  const version = view.getUint16(p, little);
  p += 2;
  if (version < 2 || version > 5) {
    throw new UnsupportedError("DWARF_VERSION", `DWARF version ${version}: 2 to 5 are supported`, {
      file: section.file,
      section: section.name,
      offset,
    });
  }
  let unitType: number = typesSection ? c.DW_UT_type : c.DW_UT_compile;
  let abbreviationOffset: number;
  let addressByteSize: number;
  if (version >= 5) {
    need(2);
    unitType = view.getUint8(p++);
    addressByteSize = view.getUint8(p++);
    abbreviationOffset = readOffset();
  } else {
    abbreviationOffset = readOffset();
    need(1);
    addressByteSize = view.getUint8(p++);
  }
  let signature: bigint | undefined;
  let typeOffset: number | undefined;
  const isType = unitType === c.DW_UT_type || unitType === c.DW_UT_split_type;
  if (isType || unitType === c.DW_UT_skeleton || unitType === c.DW_UT_split_compile) {
    need(8);
    signature = view.getBigUint64(p, little);
    p += 8;
  }
  if (isType) typeOffset = readOffset();
  return {
    offset,
    byteSize,
    version,
    unitType,
    addressByteSize,
    offsetByteSize,
    abbreviationOffset,
    dieOffset: offset + (p - at),
    signature,
    typeOffset,
  };
}
