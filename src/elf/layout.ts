/**
 * Where the fields of the ELF records lie, for both classes, and how to read them.
 * Sources: gABI chapter 4, "ELF Header", "Section Header", "Symbol Table"; chapter 5, "Program Header".
 */

/** Byte order and class of a file: all that is needed to read any record. */
export interface ElfLayout {
  readonly is64: boolean;
  readonly littleEndian: boolean;
}

/** Offset in bytes of each field; `word` fields are 4 or 8 bytes wide by class. */
export interface HeaderFields {
  byteSize: number;
  /** word fields */
  e_entry: number;
  e_phoff: number;
  e_shoff: number;
  /** 32 bits */
  e_flags: number;
  /** 16 bits each */
  e_phentsize: number;
  e_phnum: number;
  e_shentsize: number;
  e_shnum: number;
  e_shstrndx: number;
}

export interface SectionFields {
  byteSize: number;
  /** 32 bits each */
  sh_name: number;
  sh_type: number;
  sh_link: number;
  sh_info: number;
  /** word fields */
  sh_flags: number;
  sh_addr: number;
  sh_offset: number;
  sh_size: number;
  sh_addralign: number;
  sh_entsize: number;
}

export interface SegmentFields {
  byteSize: number;
  /** 32 bits each */
  p_type: number;
  p_flags: number;
  /** word fields */
  p_offset: number;
  p_vaddr: number;
  p_paddr: number;
  p_filesz: number;
  p_memsz: number;
  p_align: number;
}

export interface SymbolFields {
  byteSize: number;
  /** 32 bits */
  st_name: number;
  /** 8 bits each */
  st_info: number;
  st_other: number;
  /** 16 bits */
  st_shndx: number;
  /** word fields */
  st_value: number;
  st_size: number;
}

const header32: HeaderFields = {
  byteSize: 52,
  e_entry: 24,
  e_phoff: 28,
  e_shoff: 32,
  e_flags: 36,
  e_phentsize: 42,
  e_phnum: 44,
  e_shentsize: 46,
  e_shnum: 48,
  e_shstrndx: 50,
};

const header64: HeaderFields = {
  byteSize: 64,
  e_entry: 24,
  e_phoff: 32,
  e_shoff: 40,
  e_flags: 48,
  e_phentsize: 54,
  e_phnum: 56,
  e_shentsize: 58,
  e_shnum: 60,
  e_shstrndx: 62,
};

const section32: SectionFields = {
  byteSize: 40,
  sh_name: 0,
  sh_type: 4,
  sh_flags: 8,
  sh_addr: 12,
  sh_offset: 16,
  sh_size: 20,
  sh_link: 24,
  sh_info: 28,
  sh_addralign: 32,
  sh_entsize: 36,
};

const section64: SectionFields = {
  byteSize: 64,
  sh_name: 0,
  sh_type: 4,
  sh_flags: 8,
  sh_addr: 16,
  sh_offset: 24,
  sh_size: 32,
  sh_link: 40,
  sh_info: 44,
  sh_addralign: 48,
  sh_entsize: 56,
};

const segment32: SegmentFields = {
  byteSize: 32,
  p_type: 0,
  p_offset: 4,
  p_vaddr: 8,
  p_paddr: 12,
  p_filesz: 16,
  p_memsz: 20,
  p_flags: 24,
  p_align: 28,
};

const segment64: SegmentFields = {
  byteSize: 56,
  p_type: 0,
  p_flags: 4,
  p_offset: 8,
  p_vaddr: 16,
  p_paddr: 24,
  p_filesz: 32,
  p_memsz: 40,
  p_align: 48,
};

const symbol32: SymbolFields = {
  byteSize: 16,
  st_name: 0,
  st_value: 4,
  st_size: 8,
  st_info: 12,
  st_other: 13,
  st_shndx: 14,
};

const symbol64: SymbolFields = {
  byteSize: 24,
  st_name: 0,
  st_info: 4,
  st_other: 5,
  st_shndx: 6,
  st_value: 8,
  st_size: 16,
};

export function headerFields(is64: boolean): HeaderFields {
  return is64 ? header64 : header32;
}

export function sectionFields(is64: boolean): SectionFields {
  return is64 ? section64 : section32;
}

export function segmentFields(is64: boolean): SegmentFields {
  return is64 ? segment64 : segment32;
}

export function symbolFields(is64: boolean): SymbolFields {
  return is64 ? symbol64 : symbol32;
}

/** A view over exactly `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * A word field as a number. Beyond 2^53 it is rounded, which no file offset or size survives: every
 * user compares it with the size of the file.
 */
export function readWord(view: DataView, offset: number, layout: ElfLayout): number {
  const { is64, littleEndian } = layout;
  if (!is64) return view.getUint32(offset, littleEndian);
  const high = view.getUint32(littleEndian ? offset + 4 : offset, littleEndian);
  return high * 0x1_0000_0000 + view.getUint32(littleEndian ? offset : offset + 4, littleEndian);
}

/** A word field exactly. */
export function readAddress(view: DataView, offset: number, layout: ElfLayout): bigint {
  return layout.is64
    ? view.getBigUint64(offset, layout.littleEndian)
    : BigInt(view.getUint32(offset, layout.littleEndian));
}

/** Low 32 bits of a word field. */
export function readLowWord(view: DataView, offset: number, layout: ElfLayout): number {
  return view.getUint32(layout.is64 && !layout.littleEndian ? offset + 4 : offset, layout.littleEndian);
}

/** Write a word field; `value` is a whole number below 2^53 (2^32 in a 32-bit file). */
export function writeWord(view: DataView, offset: number, value: number, layout: ElfLayout): void {
  const { is64, littleEndian } = layout;
  const low = value % 0x1_0000_0000;
  if (!is64) {
    view.setUint32(offset, low, littleEndian);
    return;
  }
  view.setUint32(littleEndian ? offset : offset + 4, low, littleEndian);
  view.setUint32(littleEndian ? offset + 4 : offset, (value - low) / 0x1_0000_0000, littleEndian);
}
