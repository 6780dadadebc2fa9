/**
 * A relocatable ELF file of 64 bits from sections and symbols: header, contents, section headers.
 * Layout: gABI chapter 4. No relocations: nothing that is written here needs one.
 */

/** One section; headers and tables of names are added. */
export interface SectionInput {
  name: string;
  /** SHF_ flags. */
  flags: number;
  /** Bytes, a power of two. */
  alignment: number;
  bytes: Uint8Array;
}

/** A global object. */
export interface SymbolInput {
  name: string;
  /** Name of the section that it is the whole of. */
  section: string;
}

/** What a file is for. */
export interface RelocatableInput {
  /** ELF e_machine. */
  machine: number;
  littleEndian: boolean;
  sections: readonly SectionInput[];
  symbols: readonly SymbolInput[];
}

const headerByteSize = 64;
const sectionByteSize = 64;
const symbolByteSize = 24;

const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const ET_REL = 1;
const STB_GLOBAL_OBJECT = (1 << 4) | 1;

interface Placed extends SectionInput {
  type: number;
  link: number;
  info: number;
  entryByteSize: number;
  offset: number;
}

/** The whole file. */
export function writeRelocatable(input: RelocatableInput): Uint8Array {
  const { littleEndian } = input;
  const sections: Placed[] = input.sections.map((section) => place(section, SHT_PROGBITS));
  const numbers = new Map(sections.map(({ name }, index) => [name, index + 1]));
  const symbolNames = new Names();
  const symbols = symbolTable(input, numbers, symbolNames);
  const symtab = place({ name: ".symtab", flags: 0, alignment: 8, bytes: symbols }, SHT_SYMTAB);
  symtab.link = sections.length + 2;
  // The first symbol that is not local: only the null symbol is.
  symtab.info = 1;
  symtab.entryByteSize = symbolByteSize;
  sections.push(symtab);
  const strtab = { name: ".strtab", flags: 0, alignment: 1, bytes: symbolNames.bytes() };
  sections.push(place(strtab, SHT_STRTAB));
  const names = new Names();
  const nameOffsets = [...sections.map(({ name }) => names.add(name)), names.add(".shstrtab")];
  sections.push(place({ name: ".shstrtab", flags: 0, alignment: 1, bytes: names.bytes() }, SHT_STRTAB));

  let end = headerByteSize;
  for (const section of sections) {
    section.offset = roundUp(end, section.alignment);
    end = section.offset + section.bytes.length;
  }
  const tableOffset = roundUp(end, 8);
  const file = new Uint8Array(tableOffset + (sections.length + 1) * sectionByteSize);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1]);
  view.setUint16(16, ET_REL, littleEndian);
  view.setUint16(18, input.machine, littleEndian);
  view.setUint32(20, 1, littleEndian);
  view.setBigUint64(40, BigInt(tableOffset), littleEndian);
  view.setUint16(52, headerByteSize, littleEndian);
  view.setUint16(58, sectionByteSize, littleEndian);
  view.setUint16(60, sections.length + 1, littleEndian);
  view.setUint16(62, sections.length, littleEndian);
  sections.forEach((section, index) => {
    file.set(section.bytes, section.offset);
    const at = tableOffset + (index + 1) * sectionByteSize;
    view.setUint32(at, nameOffsets[index]!, littleEndian);
    view.setUint32(at + 4, section.type, littleEndian);
    view.setBigUint64(at + 8, BigInt(section.flags), littleEndian);
    view.setBigUint64(at + 24, BigInt(section.offset), littleEndian);
    view.setBigUint64(at + 32, BigInt(section.bytes.length), littleEndian);
    view.setUint32(at + 40, section.link, littleEndian);
    view.setUint32(at + 44, section.info, littleEndian);
    view.setBigUint64(at + 48, BigInt(section.alignment), littleEndian);
    view.setBigUint64(at + 56, BigInt(section.entryByteSize), littleEndian);
  });
  return file;
}

function symbolTable(
  { symbols, sections, littleEndian }: RelocatableInput,
  numbers: ReadonlyMap<string, number>,
  names: Names,
): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * symbolByteSize);
  const view = new DataView(bytes.buffer);
  symbols.forEach(({ name, section }, index) => {
    const at = (index + 1) * symbolByteSize;
    view.setUint32(at, names.add(name), littleEndian);
    view.setUint8(at + 4, STB_GLOBAL_OBJECT);
    view.setUint16(at + 6, numbers.get(section)!, littleEndian);
    const byteSize = sections.find((each) => each.name === section)!.bytes.length;
    view.setBigUint64(at + 16, BigInt(byteSize), littleEndian);
  });
  return bytes;
}

function place(section: SectionInput, type: number): Placed {
  return { ...section, type, link: 0, info: 0, entryByteSize: 0, offset: 0 };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** A string table; begins and ends with a NUL, as kernels check since v5.14. */
class Names {
  #text = "\0";

  add(name: string): number {
    const offset = this.#text.length;
    this.#text += `${name}\0`;
    return offset;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#text, "latin1");
  }
}
