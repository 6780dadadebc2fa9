import { LimitError } from "../io/index.ts";
import {
  ET_REL,
  PT_LOAD,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_LORESERVE,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
  STB_LOCAL,
  SYMBOL_ABS,
} from "./constants.ts";
import {
  type ElfLayout,
  headerFields,
  sectionFields,
  segmentFields,
  symbolFields,
  viewOf,
  writeWord,
} from "./layout.ts";

/** One section; headers and tables of names are added. */
export interface ElfSectionInput {
  name: string;
  /** SHT_; by default SHT_PROGBITS, or SHT_NOBITS without contents. */
  type?: number;
  /** SHF_ flags. */
  flags: number;
  /** Bytes, a power of two. */
  alignment: number;
  /** Where it is in memory; 0 by default. */
  address?: bigint;
  /** Contents, or how many bytes there would be. */
  bytes: Uint8Array | number;
}

export interface ElfSymbolInput {
  name: string;
  value: bigint;
  /** 0 where it is not known. */
  byteSize: number;
  /** STB_ */
  binding: number;
  /** STT_ */
  type: number;
  /** Index into the sections; undefined for SHN_ABS. */
  section: number | undefined;
}

/** What a file is for. */
export interface ElfInput extends ElfLayout {
  /** ET_; ET_REL by default. */
  type?: number;
  /** EM_ */
  machine: number;
  /** e_flags; 0 by default. */
  flags?: number;
  /** Fewer than 0xff00 with the four that are added. */
  sections: readonly ElfSectionInput[];
  symbols: readonly ElfSymbolInput[];
}

interface Placed {
  input: ElfSectionInput;
  link: number;
  info: number;
  entryByteSize: number;
  offset: number;
}

/**
 * A whole ELF file from sections and symbols: header, contents, section headers; if it is linked, with a segment
 * for each section in memory. It has no relocations. Layout: gABI chapters 4 and 5.
 * @throws {LimitError} `ELF_SECTIONS` for more sections than its header can count
 */
export function writeElf(input: ElfInput): Uint8Array {
  const { is64, littleEndian } = input;
  const wordByteSize = is64 ? 8 : 4;
  // Local ones come first.
  const locals = input.symbols.filter(({ binding }) => binding === STB_LOCAL);
  const ordered = [...locals, ...input.symbols.filter(({ binding }) => binding !== STB_LOCAL)];
  const symbolNames = new Names();
  const symbols = symbolTable(ordered, input, symbolNames);
  const added = [
    table(".symtab", SHT_SYMTAB, wordByteSize, symbols),
    table(".strtab", SHT_STRTAB, 1, symbolNames.bytes()),
  ];
  const names = new Names();
  const nameOffsets = [...input.sections, ...added].map(({ name }) => names.add(name));
  nameOffsets.push(names.add(".shstrtab"));
  added.push(table(".shstrtab", SHT_STRTAB, 1, names.bytes()));
  const sections = [...input.sections, ...added].map((each) => placed(each));
  const symtab = sections[input.sections.length]!;
  symtab.link = input.sections.length + 2;
  symtab.info = locals.length + 1;
  symtab.entryByteSize = symbolFields(is64).byteSize;

  if (sections.length + 1 >= SHN_LORESERVE)
    throw new LimitError("ELF_SECTIONS", `${sections.length} sections are too many`);

  const header = headerFields(is64);
  const { type: fileType = ET_REL } = input;
  const loaded =
    fileType === ET_REL ? [] : sections.filter(({ input: { flags } }) => (flags & SHF_ALLOC) !== 0);
  const segment = segmentFields(is64);
  let end = header.byteSize + loaded.length * segment.byteSize;
  for (const section of sections) {
    section.offset = roundUp(end, section.input.alignment);
    end = section.offset + fileByteSize(section.input);
  }
  const tableOffset = roundUp(end, wordByteSize);
  const record = sectionFields(is64);
  const file = new Uint8Array(tableOffset + (sections.length + 1) * record.byteSize);
  const view = viewOf(file);
  file.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, littleEndian ? 1 : 2, 1]);
  view.setUint16(16, fileType, littleEndian);
  view.setUint16(18, input.machine, littleEndian);
  view.setUint32(20, 1, littleEndian);
  writeWord(view, header.e_shoff, tableOffset, input);
  view.setUint32(header.e_flags, input.flags ?? 0, littleEndian);
  // e_ehsize is before e_phentsize.
  view.setUint16(header.e_phentsize - 2, header.byteSize, littleEndian);
  if (loaded.length > 0) {
    writeWord(view, header.e_phoff, header.byteSize, input);
    view.setUint16(header.e_phentsize, segment.byteSize, littleEndian);
    view.setUint16(header.e_phnum, loaded.length, littleEndian);
  }
  loaded.forEach(({ input: { flags, address = 0n, bytes }, offset }, index) => {
    const at = header.byteSize + index * segment.byteSize;
    view.setUint32(at + segment.p_type, PT_LOAD, littleEndian);
    view.setUint32(at + segment.p_flags, segmentFlags(flags), littleEndian);
    writeWord(view, at + segment.p_offset, offset, input);
    writeAddress(view, at + segment.p_vaddr, address, input);
    writeAddress(view, at + segment.p_paddr, address, input);
    writeWord(view, at + segment.p_filesz, typeof bytes === "number" ? 0 : bytes.length, input);
    writeWord(view, at + segment.p_memsz, typeof bytes === "number" ? bytes : bytes.length, input);
    writeWord(view, at + segment.p_align, 1, input);
  });
  view.setUint16(header.e_shentsize, record.byteSize, littleEndian);
  view.setUint16(header.e_shnum, sections.length + 1, littleEndian);
  view.setUint16(header.e_shstrndx, sections.length, littleEndian);
  sections.forEach((section, index) => {
    const { flags, alignment, address = 0n, bytes } = section.input;
    const { type = typeof bytes === "number" ? SHT_NOBITS : SHT_PROGBITS } = section.input;
    if (typeof bytes !== "number") file.set(bytes, section.offset);
    const at = tableOffset + (index + 1) * record.byteSize;
    view.setUint32(at + record.sh_name, nameOffsets[index]!, littleEndian);
    view.setUint32(at + record.sh_type, type, littleEndian);
    writeWord(view, at + record.sh_flags, flags, input);
    writeAddress(view, at + record.sh_addr, address, input);
    writeWord(view, at + record.sh_offset, section.offset, input);
    writeWord(view, at + record.sh_size, typeof bytes === "number" ? bytes : bytes.length, input);
    view.setUint32(at + record.sh_link, section.link, littleEndian);
    view.setUint32(at + record.sh_info, section.info, littleEndian);
    writeWord(view, at + record.sh_addralign, alignment, input);
    writeWord(view, at + record.sh_entsize, section.entryByteSize, input);
  });
  return file;
}

function symbolTable(symbols: readonly ElfSymbolInput[], layout: ElfLayout, names: Names): Uint8Array {
  const { is64, littleEndian } = layout;
  const fields = symbolFields(is64);
  const bytes = new Uint8Array((symbols.length + 1) * fields.byteSize);
  const view = viewOf(bytes);
  symbols.forEach(({ name, value, byteSize, binding, type, section }, index) => {
    const at = (index + 1) * fields.byteSize;
    view.setUint32(at + fields.st_name, names.add(name), littleEndian);
    view.setUint8(at + fields.st_info, (binding << 4) | type);
    const number = section === undefined ? SYMBOL_ABS & 0xffff : section + 1;
    view.setUint16(at + fields.st_shndx, number, littleEndian);
    writeAddress(view, at + fields.st_value, value, layout);
    writeWord(view, at + fields.st_size, byteSize, layout);
  });
  return bytes;
}

function writeAddress(
  view: DataView,
  offset: number,
  value: bigint,
  { is64, littleEndian }: ElfLayout,
): void {
  if (is64) view.setBigUint64(offset, value, littleEndian);
  else view.setUint32(offset, Number(value & 0xffff_ffffn), littleEndian);
}

function table(name: string, type: number, alignment: number, bytes: Uint8Array): ElfSectionInput {
  return { name, type, flags: 0, alignment, bytes };
}

function placed(input: ElfSectionInput): Placed {
  return { input, link: 0, info: 0, entryByteSize: 0, offset: 0 };
}

function fileByteSize({ bytes }: ElfSectionInput): number {
  return typeof bytes === "number" ? 0 : bytes.length;
}

/** PF_R, and PF_W and PF_X where the section has them. */
function segmentFlags(flags: number): number {
  return 4 | ((flags & SHF_WRITE) === 0 ? 0 : 2) | ((flags & SHF_EXECINSTR) === 0 ? 0 : 1);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** A string table; begins and ends with a NUL, as kernels check since v5.14. */
class Names {
  #byteSize = 1;
  readonly #parts: string[] = ["\0"];

  add(name: string): number {
    const offset = this.#byteSize;
    this.#parts.push(`${name}\0`);
    this.#byteSize += name.length + 1;
    return offset;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#parts.join(""), "latin1");
  }
}
