import { DW_UT_split_type, DW_UT_type } from "../dwarf/constants.ts";
import { readUnitHeaders } from "../dwarf/units.ts";
import type { Diagnostic } from "../io/index.ts";
import type { IdSet } from "../util/id-set.ts";
import type { Assembly } from "./assembly.ts";
import type { NameTable } from "./name-table.ts";
import type { SectionParts } from "./section-parts.ts";
import type { UnitOutput } from "./unit-encoder.ts";
import type { PlacedUnit } from "./unit-reader.ts";
import type { UnitSections, UnitSettings } from "./unit-sections.ts";

/** What a run over the units of a file works with. */
export interface RunSetup {
  parts: SectionParts;
  names: NameTable;
  functionNames: IdSet;
  settings: UnitSettings;
  jobs: number;
  diagnostics: Diagnostic[];
  onProgress: ((done: number, total: number) => void) | undefined;
  /** Where the units' output goes. */
  assembly: () => Assembly;
  /** Forget what was taken in so far. */
  restart: () => void;
}

/** The units of all sections, in the order of their keys in a group. */
export function placeUnits(sections: UnitSections): PlacedUnit[] {
  const little = sections.littleEndian;
  const place = (window: UnitSections["types"], name: PlacedUnit["place"], isTypes: boolean): PlacedUnit[] =>
    window === undefined
      ? []
      : readUnitHeaders(window, little, isTypes).map((header) => ({ header, place: name }));
  return [
    ...place(sections.info, "info", false),
    ...place(sections.types, "types", true),
    ...place(sections.supplementInfo, "supplement", false),
  ];
}

/** Whether some units hold types that others refer to by signature. */
export function hasTypeUnits(units: readonly PlacedUnit[]): boolean {
  return units.some(
    ({ place, header: { unitType } }) =>
      place === "types" || unitType === DW_UT_type || unitType === DW_UT_split_type,
  );
}

/** Give one unit's (or group's) output to the assembly. */
export function addOutput(assembly: Assembly, output: UnitOutput): void {
  const { types } = output;
  assembly.add({
    words: types.words,
    wordFrom: 0,
    wordTo: types.wordCount,
    typeCount: types.typeCount,
    functions: output.functions,
    functionWords: output.functionWords,
    variables: output.variables,
    variableWords: output.variableWords,
  });
}
