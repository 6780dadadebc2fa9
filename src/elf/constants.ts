/**
 * ELF constants, spelled as in the System V ABI ("gABI", chapters 4 and 5) and the GNU extensions.
 * Relocation types stand in `relocation-types.ts`.
 */

export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;

export const EM_386 = 3;
export const EM_MIPS = 8;
export const EM_PPC = 20;
export const EM_PPC64 = 21;
export const EM_S390 = 22;
export const EM_ARM = 40;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;
export const EM_RISCV = 243;
export const EM_LOONGARCH = 258;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_SYMTAB_SHNDX = 18;
/** Compact relocations, which LLVM 20 can write. */
export const SHT_CREL = 0x4000_0014;

export const SHF_WRITE = 0x1;
export const SHF_ALLOC = 0x2;
export const SHF_EXECINSTR = 0x4;
export const SHF_TLS = 0x400;
export const SHF_COMPRESSED = 0x800;

export const SHN_UNDEF = 0;
/** First reserved index in a 16-bit field. */
export const SHN_LORESERVE = 0xff00;
export const SHN_XINDEX = 0xffff;

/**
 * Reserved section indexes as {@link SymbolTable.sectionIndex} holds them: the 16-bit value with the
 * upper half set, so that they cannot be taken for real sections from 0xff00 up.
 */
export const SYMBOL_ABS = 0xffff_fff1;
/** A common symbol: no address yet. See {@link SYMBOL_ABS}. */
export const SYMBOL_COMMON = 0xffff_fff2;
/** The symbol's extended index is absent or names no section. See {@link SYMBOL_ABS}. */
export const SYMBOL_NO_SECTION = 0xffff_ffff;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_COMMON = 5;
export const STT_TLS = 6;
export const STT_GNU_IFUNC = 10;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;
export const STB_GNU_UNIQUE = 10;

export const PT_LOAD = 1;
export const PT_NOTE = 4;

export const NT_GNU_BUILD_ID = 3;

export const ELFCOMPRESS_ZLIB = 1;
export const ELFCOMPRESS_ZSTD = 2;
