import type { ElfFile } from "../elf/index.ts";
import { FormatError } from "../io/index.ts";
import type { Contribution } from "./unit-reader.ts";

/** DW_SECT_ codes (DWARF 5, 7.3.5.3); version 2, GNU's, has TYPES and LOC in the same places. */
const DW_SECT_INFO = 1;
const DW_SECT_TYPES = 2;
const DW_SECT_ABBREV = 3;
const DW_SECT_LOCLISTS = 5;
const DW_SECT_STR_OFFSETS = 6;

/** Where the parts of a unit begin, by the unit's offset in .debug_info (or .debug_types). */
export type PackageIndex = (inTypes: boolean, unitOffset: number) => Contribution | undefined;

/**
 * Read `.debug_cu_index` and `.debug_tu_index` of a DWARF package (DWARF 5, 7.3.5.3).
 * In a file that is none, no unit has contributions.
 */
export async function readPackageIndexes(elf: ElfFile): Promise<PackageIndex> {
  const info = new Map<number, Contribution>();
  const types = new Map<number, Contribution>();
  for (const name of [".debug_cu_index", ".debug_tu_index"]) {
    const section = elf.section(name);
    if (section === undefined) continue;
    readIndex(await elf.sectionBytes(section), elf.littleEndian, elf.source.name, name, info, types);
  }
  return (inTypes, unitOffset) => (inTypes ? types : info).get(unitOffset);
}

function readIndex(
  bytes: Uint8Array,
  little: boolean,
  file: string,
  section: string,
  info: Map<number, Contribution>,
  types: Map<number, Contribution>,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (problem: string): FormatError =>
    new FormatError("DWARF_PACKAGE_INDEX", problem, { file, section, offset: 0 });
  if (bytes.length < 16) throw bad("index shorter than its header");
  const columns = view.getUint32(4, little);
  const units = view.getUint32(8, little);
  const slots = view.getUint32(12, little);
  const codes = 16 + slots * 12;
  const rows = codes + columns * 4;
  const sizes = rows + units * columns * 4;
  if (columns === 0 || sizes + units * columns * 4 > bytes.length) throw bad("index runs past its section");
  for (let row = 0; row < units; row++) {
    const contribution: Contribution = { abbreviations: 0, stringOffsets: 0, locations: 0 };
    let place: [Map<number, Contribution>, number] | undefined;
    for (let column = 0; column < columns; column++) {
      const offset = view.getUint32(rows + (row * columns + column) * 4, little);
      const byteSize = view.getUint32(sizes + (row * columns + column) * 4, little);
      switch (view.getUint32(codes + column * 4, little)) {
        case DW_SECT_INFO:
          if (byteSize > 0) place = [info, offset];
          break;
        case DW_SECT_TYPES:
          if (byteSize > 0) place = [types, offset];
          break;
        case DW_SECT_ABBREV:
          contribution.abbreviations = offset;
          break;
        case DW_SECT_LOCLISTS:
          contribution.locations = offset;
          break;
        case DW_SECT_STR_OFFSETS:
          contribution.stringOffsets = offset;
          break;
      }
    }
    place?.[0].set(place[1], contribution);
  }
}
