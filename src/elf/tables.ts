import { FormatError, LimitError, type ByteSource } from "../io/index.ts";
import { SHN_XINDEX, SHT_NOBITS } from "./constants.ts";
import type { ElfHeader } from "./header.ts";
import { readAddress, readLowWord, readWord, sectionFields, segmentFields, viewOf } from "./layout.ts";
import { stringAt } from "./strings.ts";

/** A section header. Sizes and offsets in bytes; `link` and `info` as the type defines them. */
export interface ElfSection {
  index: number;
  name: string;
  /** SHT_ constant. */
  type: number;
  /** SHF_ bits, the lower 32. */
  flags: number;
  address: bigint;
  /** Position in the file. */
  offset: number;
  /** sh_size: bytes in the file, compressed ones if the section is; memory size of SHT_NOBITS. */
  byteSize: number;
  link: number;
  info: number;
  alignment: number;
  entryByteSize: number;
}

/** A program header. Sizes and offsets in bytes. */
export interface ElfSegment {
  /** PT_ constant. */
  type: number;
  /** PF_ bits. */
  flags: number;
  offset: number;
  virtualAddress: bigint;
  physicalAddress: bigint;
  fileSize: number;
  memorySize: number;
  alignment: number;
}

/** Far beyond any linker's output (a kernel has about 100); each costs an object. */
const maximumSections = 1 << 20;
const maximumSegments = 1 << 20;
/** All section names together, in bytes; each is a string. */
const maximumNameBytes = 1 << 26;

/** Section headers, and the counts that section 0 holds when they do not fit the ELF header (gABI, "Section Header"). */
export interface SectionTable {
  sections: ElfSection[];
  /** Index of the section-name string table, 0 for none. */
  namesIndex: number;
  /** Program headers, from section 0 when e_phnum is PN_XNUM. */
  segmentCount: number;
}

/** @throws {FormatError} when the table is not wholly in the file or a name not in the name table. */
export function readSections(source: ByteSource, header: ElfHeader): SectionTable {
  const { sectionTableOffset, littleEndian } = header;
  const none = { sections: [], namesIndex: 0, segmentCount: header.segmentCount };
  if (sectionTableOffset === 0) return none;
  const fields = sectionFields(header.is64);
  if (header.sectionEntrySize !== fields.byteSize) {
    throw bad(source, "ELF_SECTION_SIZE", `section headers of ${header.sectionEntrySize} bytes`);
  }
  checkTable(source, sectionTableOffset, fields.byteSize, 1, "section header");
  const zero = viewOf(source.read(sectionTableOffset, fields.byteSize));
  const count = header.sectionCount || readWord(zero, fields.sh_size, header);
  const namesIndex =
    header.sectionNamesIndex === SHN_XINDEX
      ? zero.getUint32(fields.sh_link, littleEndian)
      : header.sectionNamesIndex;
  const segmentCount =
    header.segmentCount === 0xffff ? zero.getUint32(fields.sh_info, littleEndian) : header.segmentCount;
  if (count === 0) return none;
  checkTable(source, sectionTableOffset, fields.byteSize, count, "section header");
  if (count > maximumSections) {
    throw new LimitError("ELF_SECTIONS", `${count} sections, at most ${maximumSections} are read`, {
      file: source.name,
    });
  }
  const view = viewOf(source.read(sectionTableOffset, count * fields.byteSize));
  const sections: ElfSection[] = [];
  for (let index = 0, at = 0; index < count; index++, at += fields.byteSize) {
    sections.push({
      index,
      name: "",
      type: view.getUint32(at + fields.sh_type, littleEndian),
      flags: readLowWord(view, at + fields.sh_flags, header),
      address: readAddress(view, at + fields.sh_addr, header),
      offset: readWord(view, at + fields.sh_offset, header),
      byteSize: readWord(view, at + fields.sh_size, header),
      link: view.getUint32(at + fields.sh_link, littleEndian),
      info: view.getUint32(at + fields.sh_info, littleEndian),
      alignment: readWord(view, at + fields.sh_addralign, header),
      entryByteSize: readWord(view, at + fields.sh_entsize, header),
    });
  }
  nameSections(source, sections, namesIndex, (index) =>
    view.getUint32(index * fields.byteSize + fields.sh_name, littleEndian),
  );
  return { sections, namesIndex, segmentCount };
}

function nameSections(
  source: ByteSource,
  sections: ElfSection[],
  namesIndex: number,
  nameOffset: (index: number) => number,
): void {
  if (namesIndex === 0) return;
  const table = sections[namesIndex];
  if (table === undefined || table.type === SHT_NOBITS) {
    throw bad(source, "ELF_NAMES", `section names in section ${namesIndex}, which has none`);
  }
  const bytes = source.read(table.offset, table.byteSize);
  let total = 0;
  for (const section of sections) {
    const name = stringAt(bytes, nameOffset(section.index));
    if (name === undefined) {
      throw new FormatError("ELF_NAME", `section ${section.index} has no name that ends in the name table`, {
        file: source.name,
        offset: table.offset,
      });
    }
    total += name.length;
    if (total > maximumNameBytes) {
      throw new LimitError("ELF_NAMES", `section names of more than ${maximumNameBytes} bytes`, {
        file: source.name,
      });
    }
    section.name = name;
  }
}

/** @throws {FormatError} when the table is not wholly in the file. */
export function readSegments(source: ByteSource, header: ElfHeader, count: number): ElfSegment[] {
  const { segmentTableOffset, littleEndian } = header;
  if (segmentTableOffset === 0 || count === 0) return [];
  const fields = segmentFields(header.is64);
  if (header.segmentEntrySize !== fields.byteSize) {
    throw bad(source, "ELF_SEGMENT_SIZE", `program headers of ${header.segmentEntrySize} bytes`);
  }
  checkTable(source, segmentTableOffset, fields.byteSize, count, "program header");
  if (count > maximumSegments) {
    throw new LimitError("ELF_SEGMENTS", `${count} program headers, at most ${maximumSegments} are read`, {
      file: source.name,
    });
  }
  const view = viewOf(source.read(segmentTableOffset, count * fields.byteSize));
  const segments: ElfSegment[] = [];
  for (let at = 0; at < view.byteLength; at += fields.byteSize) {
    segments.push({
      type: view.getUint32(at + fields.p_type, littleEndian),
      flags: view.getUint32(at + fields.p_flags, littleEndian),
      offset: readWord(view, at + fields.p_offset, header),
      virtualAddress: readAddress(view, at + fields.p_vaddr, header),
      physicalAddress: readAddress(view, at + fields.p_paddr, header),
      fileSize: readWord(view, at + fields.p_filesz, header),
      memorySize: readWord(view, at + fields.p_memsz, header),
      alignment: readWord(view, at + fields.p_align, header),
    });
  }
  return segments;
}

function checkTable(
  source: ByteSource,
  offset: number,
  entrySize: number,
  count: number,
  what: string,
): void {
  if (offset + entrySize * count > source.byteSize) {
    throw new FormatError(
      "ELF_TRUNCATED",
      `${count} ${what}s of ${entrySize} bytes do not fit, the file ends at 0x${source.byteSize.toString(16)}`,
      { file: source.name, offset },
    );
  }
}

function bad(source: ByteSource, code: string, problem: string): FormatError {
  return new FormatError(code, problem, { file: source.name });
}
