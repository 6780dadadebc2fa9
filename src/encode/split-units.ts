import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DW_UT_skeleton } from "../dwarf/constants.ts";
import { ReferenceLeavesUnit } from "../dwarf/die-cursor.ts";
import { ElfFile } from "../elf/index.ts";
import { FileSource } from "../io/index.ts";
import { loadSectionParts, SectionFiles, unitSections } from "./section-parts.ts";
import { readPackageIndexes } from "./package-index.ts";
import { UnitEncoder } from "./unit-encoder.ts";
import { UnitReader, type PlacedUnit, type UnitRoot } from "./unit-reader.ts";
import { addOutput, hasTypeUnits, placeUnits, type RunSetup } from "./run-setup.ts";
import type { UnitSections, UnitSettings } from "./unit-sections.ts";

/** A skeleton has a handful of attributes and no children. Bytes. */
const largestSkeleton = 1024;

/** Whether any unit is only the skeleton of one in a .dwo file (DWARF 5, 3.1.2; GNU's form in DWARF 4). */
export function hasSkeletons(
  sections: UnitSections,
  settings: UnitSettings,
  units: readonly PlacedUnit[],
): boolean {
  return skeletonsOf(sections, settings, units).length > 0;
}

function skeletonsOf(
  sections: UnitSections,
  settings: UnitSettings,
  units: readonly PlacedUnit[],
): UnitRoot[] {
  const candidates = units.filter(
    ({ header, place }) =>
      place === "info" &&
      (header.unitType === DW_UT_skeleton || (header.version === 4 && header.byteSize < largestSkeleton)),
  );
  if (candidates.length === 0) return [];
  const reader = new UnitReader(sections, settings);
  const roots: UnitRoot[] = [];
  for (const unit of candidates) {
    // As a group, so that a reference in its attributes is no reason to stop.
    reader.setGroup([unit], true);
    const root = reader.enter(0);
    if (root.splitName !== 0) roots.push(root);
  }
  return roots;
}

/**
 * Encode the units that skeletons stand for, from `FILE.dwp` or the .dwo files they name, in
 * skeleton order. A .dwo file that is not there is a warning: its types are missing.
 * @returns the number of units read.
 */
export async function encodeSplitUnits(
  setup: RunSetup,
  sections: UnitSections,
  units: readonly PlacedUnit[],
  onOddity: (code: string, count: number) => void,
): Promise<number> {
  const skeletons = skeletonsOf(sections, setup.settings, units);
  const addressBases = new Map<bigint, number>();
  for (const root of skeletons) addressBases.set(root.splitId ?? 0n, root.addressBase);
  const text = (id: number): string => setup.names.text(id);
  const file = setup.parts.file;
  const splitFiles = new Set<string>();
  if (existsSync(`${file}.dwp`)) splitFiles.add(`${file}.dwp`);
  else {
    for (const root of skeletons) {
      const name = text(root.splitName);
      const places = [resolve(text(root.splitDirectory), name), resolve(dirname(file), name)];
      const found = places.find((place) => existsSync(place));
      if (found !== undefined) splitFiles.add(found);
      else {
        setup.diagnostics.push({
          severity: "warning",
          code: "SPLIT_UNIT_MISSING",
          text: `the split unit "${name}" is not there: its types are missing`,
          location: { file },
        });
      }
    }
  }
  let unitsRead = 0;
  for (const path of splitFiles)
    unitsRead += await encodeSplitFile(setup, path, sections, addressBases, onOddity);
  return unitsRead;
}

async function encodeSplitFile(
  setup: RunSetup,
  path: string,
  main: UnitSections,
  addressBases: ReadonlyMap<bigint, number>,
  onOddity: (code: string, count: number) => void,
): Promise<number> {
  const source = new FileSource(path);
  const files = new SectionFiles();
  try {
    const elf = ElfFile.open(source);
    const parts = await loadSectionParts(elf, "split");
    if (parts === undefined) return 0;
    const sections = unitSections(parts, setup.names, files, parts.strings?.bytes ?? new Uint8Array(1));
    // Addresses stay in the main file.
    sections.addresses = main.addresses;
    const reader = new UnitReader(sections, setup.settings);
    reader.isSplit = true;
    reader.addressBases = addressBases;
    const units = placeUnits(sections);
    const contributions = await readPackageIndexes(elf);
    for (const unit of units) {
      const contribution = contributions(unit.place === "types", unit.header.offset);
      if (contribution !== undefined) unit.contribution = contribution;
    }
    const encoder = new UnitEncoder(reader, setup.functionNames);
    const separate = (): boolean => {
      if (hasTypeUnits(units)) return false;
      try {
        for (const unit of units) addOutput(setup.assembly(), encoder.encode([unit], false));
        return true;
      } catch (error) {
        if (error instanceof ReferenceLeavesUnit) return false;
        throw error;
      }
    };
    // Units that were added before such a reference come again in the group: the same types.
    if (!separate()) addOutput(setup.assembly(), encoder.encode(units, true));
    encoder.converter.oddities.forEach((count, code) => onOddity(code, count));
    return encoder.unitsRead;
  } finally {
    files.close();
    source.close();
  }
}
