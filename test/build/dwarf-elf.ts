/** ELF files with assembled DWARF. */
import { assembleDwarf, defaultShape, type DwarfSections, type DwarfShape, type Unit } from "./dwarf.ts";
import { buildElf, type ElfSpec, type SectionSpec, type SymbolSpec } from "./elf.ts";

export interface DwarfElfSpec extends Partial<Omit<ElfSpec, "sections" | "symbols">> {
  units: readonly Unit[];
  shape?: Partial<DwarfShape>;
  /** Sections beside the debug sections. */
  sections?: readonly SectionSpec[];
  symbols?: readonly SymbolSpec[];
  /** Debug sections that the assembler does not make, or that take the place of what it made. */
  debugSections?: DwarfSections;
}

const ET_EXEC = 2;

/** A linked file (so that addresses are addresses) with the units' debug sections behind the others. */
export function dwarfElf(spec: DwarfElfSpec): Uint8Array {
  const shape = { ...defaultShape, ...spec.shape };
  const debug = { ...assembleDwarf(spec.units, shape).sections, ...spec.debugSections };
  const { units: _units, debugSections: _debugSections, symbols, ...rest } = spec;
  return buildElf({
    type: ET_EXEC,
    ...rest,
    is64: shape.addressByteSize === 8,
    littleEndian: shape.littleEndian,
    sections: [
      ...(spec.sections ?? []),
      ...Object.entries(debug).map(([name, bytes]): SectionSpec => ({ name, bytes })),
    ],
    ...(symbols === undefined ? {} : { symbols: [...symbols] }),
  });
}
