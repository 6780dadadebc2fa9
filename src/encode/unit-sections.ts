import type { SectionWindow } from "../dwarf/section-window.ts";
import type { NameTable } from "./name-table.ts";

/** The debug sections that the units of one file are read with. */
export interface UnitSections {
  /** For messages. */
  file: string;
  littleEndian: boolean;
  info: SectionWindow;
  /** `.debug_types` (DWARF 4). */
  types: SectionWindow | undefined;
  /** `.debug_info` of the supplementary file (dwz). */
  supplementInfo: SectionWindow | undefined;
  abbreviations: Uint8Array;
  supplementAbbreviations: Uint8Array | undefined;
  names: NameTable;
  /** `.debug_str`, where it is not the section that `names` was made over. */
  strings: Uint8Array | undefined;
  supplementStrings: Uint8Array | undefined;
  lineStrings: Uint8Array | undefined;
  supplementLineStrings: Uint8Array | undefined;
  stringOffsets: Uint8Array | undefined;
  addresses: Uint8Array | undefined;
  /** `.debug_loclists` (DWARF 5). */
  locationLists: SectionWindow | undefined;
  /** `.debug_loc` (DWARF 2 to 4). */
  locations: SectionWindow | undefined;
}

/** What the reading of units depends on, beside the sections; plain data, so that it can be sent to a worker. */
export interface UnitSettings {
  /** ELF machine, for parameters in registers. */
  machine: number;
  floats: boolean;
  typeTags: boolean;
  declTags: boolean;
  enum64: boolean;
  nestedArrays: boolean;
  trueSignature: boolean;
  /** Look for static variables inside functions too. */
  functionStatics: boolean;
  languages: number[] | undefined;
  excludedLanguages: number[];
  excludedUnitPrefixes: string[];
  kabiPrefix: string | undefined;
}
