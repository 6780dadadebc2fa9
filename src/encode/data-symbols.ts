import type { ElfFile, SymbolTable } from "../elf/index.ts";
import { NameBudget } from "./name-budget.ts";
import { SectionMap } from "./section-map.ts";

const STT_OBJECT = 1;
const STB_LOCAL = 0;
const ET_REL = 1;
const SHT_PROGBITS = 1;
const SHT_NOBITS = 8;
const SHF_ALLOC = 2;

/** An allocated section that can hold variables. Offsets and sizes in bytes. */
export interface DataSection {
  index: number;
  name: string;
  address: bigint;
  byteSize: number;
}

/** A data symbol: offset within its section. */
export interface DataSymbol {
  name: string;
  section: DataSection;
  offset: number;
  byteSize: number;
  isLocal: boolean;
}

/** The sections and data symbols of a file, looked up by address. */
export class DataSymbols {
  readonly sections: DataSection[] = [];
  private readonly byAddress: SectionMap;
  private readonly byPlace = new Map<number, Map<number, DataSymbol[]>>();
  count = 0;

  constructor(elf: ElfFile, symbols: SymbolTable | undefined) {
    for (const section of elf.sections) {
      if ((section.flags & SHF_ALLOC) === 0 || section.byteSize === 0) continue;
      if (section.type !== SHT_PROGBITS && section.type !== SHT_NOBITS) continue;
      // Loaded where it is encoded, and gone from the final image (scripts/Makefile.vmlinux, Linux 7.2).
      if (section.name === ".modinfo" && elf.type !== ET_REL) continue;
      this.sections.push({
        index: section.index,
        name: section.name,
        address: elf.sectionAddress(section.index),
        byteSize: section.byteSize,
      });
    }
    this.byAddress = new SectionMap(this.sections);
    if (symbols === undefined) return;
    const budget = new NameBudget(symbols.strings.length);
    const byIndex = new Map(this.sections.map((section) => [section.index, section]));
    for (let i = 1; i < symbols.length; i++) {
      if ((symbols.info[i]! & 0xf) !== STT_OBJECT) continue;
      const section = byIndex.get(symbols.sectionIndex[i]!);
      if (section === undefined) continue;
      // In a relocatable file st_value counts from the section, else from 0.
      const offset = Number(elf.type === ET_REL ? symbols.value(i) : symbols.value(i) - section.address);
      if (offset < 0 || offset >= section.byteSize) continue;
      let places = this.byPlace.get(section.index);
      if (places === undefined) this.byPlace.set(section.index, (places = new Map()));
      const name = symbols.name(i);
      budget.spend(name.length);
      const symbol: DataSymbol = {
        name,
        section,
        offset,
        byteSize: symbols.sizeHigh[i] !== 0 ? Number.MAX_SAFE_INTEGER : symbols.sizeLow[i]!,
        isLocal: symbols.info[i]! >> 4 === STB_LOCAL,
      };
      const known = places.get(offset);
      if (known === undefined) places.set(offset, [symbol]);
      else known.push(symbol);
      this.count++;
    }
  }

  /** The section an address lies in; where sections overlap (per-CPU data linked at 0), the first. */
  sectionAt(address: bigint): DataSection | undefined {
    const index = this.byAddress.indexAt(address);
    return index < 0 ? undefined : this.sections[index];
  }

  /** Data symbols that start at an offset of a section. */
  at(section: DataSection, offset: number): readonly DataSymbol[] {
    return this.byPlace.get(section.index)?.get(offset) ?? [];
  }

  *all(): Iterable<DataSymbol> {
    for (const places of this.byPlace.values()) for (const symbols of places.values()) yield* symbols;
  }
}
