import * as c from "./constants.ts";
import type { UnitShape } from "./abbreviations.ts";
import type { SectionWindow } from "./section-window.ts";

/** Longest list that is followed; compilers stay far below. */
const maximumEntries = 100_000;

/**
 * Visit the expressions of a location list: `.debug_loclists` (DWARF 5, 7.7.3) or `.debug_loc`
 * (DWARF 4, 2.6.2). `visit` gets the bytes and the range of the expression in them, and says
 * whether to go on. Address ranges are passed over.
 * @param isSplit the section is that of a .dwo file, which before DWARF 5 had a format of its own.
 */
export function forEachLocation(
  section: SectionWindow,
  offset: number,
  shape: UnitShape,
  little: boolean,
  visit: (bytes: Uint8Array, view: DataView, from: number, to: number) => boolean,
  isSplit: boolean = false,
): void {
  // One list rarely has more bytes than this; a longer one is brought in again where it is cut.
  let at = section.reach(offset, 4096);
  let place = offset;
  const refill = (wanted: number): void => {
    if (at + wanted > section.bytes.length && place < section.byteSize)
      at = section.reach(place, Math.max(4096, wanted));
  };
  const modern = shape.version >= 5;
  for (let entries = 0; entries < maximumEntries; entries++) {
    refill(48);
    const from = at;
    const bytes = section.bytes;
    const limit = bytes.length;
    const uleb = (): number => {
      let value = 0;
      for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
        if (at >= limit) throw section.bad("DWARF_TRUNCATED", "location list runs past the section", place);
        const byte = bytes[at++]!;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
      throw section.bad("DWARF_LEB128", "LEB128 number longer than 10 bytes", place);
    };
    let length = -1;
    if (modern) {
      if (at >= limit) throw section.bad("DWARF_TRUNCATED", "location list runs past the section", place);
      const kind = bytes[at++]!;
      switch (kind) {
        case c.DW_LLE_end_of_list:
          return;
        case c.DW_LLE_base_addressx:
          uleb();
          break;
        case c.DW_LLE_startx_endx:
        case c.DW_LLE_startx_length:
        case c.DW_LLE_offset_pair:
          uleb();
          uleb();
          length = uleb();
          break;
        case c.DW_LLE_GNU_view_pair:
          uleb();
          uleb();
          break;
        case c.DW_LLE_default_location:
          length = uleb();
          break;
        case c.DW_LLE_base_address:
          at += shape.addressByteSize;
          break;
        case c.DW_LLE_start_end:
          at += shape.addressByteSize * 2;
          length = uleb();
          break;
        case c.DW_LLE_start_length:
          at += shape.addressByteSize;
          uleb();
          length = uleb();
          break;
        default:
          throw section.bad(
            "DWARF_LOCATION_LIST",
            `unknown location list entry 0x${kind.toString(16)}`,
            place,
          );
      }
    } else if (isSplit) {
      // GNU's form for .debug_loc.dwo: a kind, indexes of addresses, then a 2-byte length.
      if (at >= limit) throw section.bad("DWARF_TRUNCATED", "location list runs past the section", place);
      const kind = bytes[at++]!;
      if (kind === 0) return;
      if (kind === 4) at += 8;
      else {
        uleb();
        if (kind === 2) uleb();
        else if (kind === 3) at += 4;
        else if (kind !== 1)
          throw section.bad(
            "DWARF_LOCATION_LIST",
            `unknown location list entry 0x${kind.toString(16)}`,
            place,
          );
      }
      if (kind !== 1) {
        if (at + 2 > limit)
          throw section.bad("DWARF_TRUNCATED", "location list runs past the section", place);
        length = section.view.getUint16(at, little);
        at += 2;
      }
    } else {
      const size = shape.addressByteSize;
      if (at + 2 * size > limit)
        throw section.bad("DWARF_TRUNCATED", "location list runs past the section", place);
      let allZero = true;
      let allOnes = true;
      for (let i = 0; i < 2 * size; i++) {
        if (bytes[at + i] !== 0) allZero = false;
        if (i < size && bytes[at + i] !== 0xff) allOnes = false;
      }
      if (allZero) return;
      at += 2 * size;
      if (!allOnes) {
        if (at + 2 > limit)
          throw section.bad("DWARF_TRUNCATED", "location list runs past the section", place);
        length = section.view.getUint16(at, little);
        at += 2;
      }
    }
    place += at - from;
    if (length < 0) continue;
    refill(length);
    if (at + length > section.bytes.length)
      throw section.bad("DWARF_TRUNCATED", "location expression runs past the section", place);
    if (!visit(section.bytes, section.view, at, at + length)) return;
    at += length;
    place += length;
  }
}
