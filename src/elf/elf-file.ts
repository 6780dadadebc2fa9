import { FormatError, LimitError, type ByteSource } from "../io/index.ts";
import { largestResult, loadCodec } from "../compress/index.ts";
import {
  largestCompressionHeader,
  readCompressionHeader,
  readOldCompressionHeader,
} from "./compressed-section.ts";
import type { CompressionHeader } from "./compressed-section.ts";
import {
  ET_REL,
  PT_NOTE,
  SHF_COMPRESSED,
  SHT_DYNSYM,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_STRTAB,
  SHT_SYMTAB,
} from "./constants.ts";
import { SHT_SYMTAB_SHNDX } from "./constants.ts";
import { readHeader, type ElfHeader } from "./header.ts";
import { symbolFields } from "./layout.ts";
import { findBuildId } from "./notes.ts";
import { assignAddresses } from "./section-addresses.ts";
import { stringAt } from "./strings.ts";
import { SymbolTable } from "./symbol-table.ts";
import { readSections, readSegments, type ElfSection, type ElfSegment } from "./tables.ts";
import { viewOf } from "./layout.ts";

/** Bytes of notes searched for a build id; core files hold more. */
const maximumNoteBytes = 1 << 24;
/** Decompressed sections beyond this are refused: no DWARF 32-bit offset reaches further. */
const maximumSectionBytes = 0xffff_ffff;

/**
 * An ELF file over a {@link ByteSource}. Opening reads the header, the section and program headers
 * and the section names; contents are read when asked for.
 */
export class ElfFile {
  readonly source: ByteSource;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** ET_ constant. */
  readonly type: number;
  /** EM_ constant. */
  readonly machine: number;
  /** e_flags */
  readonly flags: number;
  /** Index is the section's number; the null section is the first. Empty when there is no section header table. */
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
  /** Number of the section with the section names, 0 for none. */
  readonly sectionNamesIndex: number;
  /** @internal */
  readonly header: ElfHeader;
  readonly #symbolTables = new Map<number, SymbolTable>();
  #addresses: Float64Array | undefined;

  /** @throws {FormatError} when it is not ELF, or its tables are not wholly in the file. */
  static open(source: ByteSource): ElfFile {
    return new ElfFile(source);
  }

  private constructor(source: ByteSource) {
    const header = readHeader(source);
    const { sections, namesIndex, segmentCount } = readSections(source, header);
    this.source = source;
    this.header = header;
    this.is64 = header.is64;
    this.littleEndian = header.littleEndian;
    this.type = header.type;
    this.machine = header.machine;
    this.flags = header.flags;
    this.sections = sections;
    this.sectionNamesIndex = namesIndex;
    this.segments = readSegments(source, header, segmentCount);
  }

  /** The first section of that name. */
  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** Whether its contents are compressed: SHF_COMPRESSED, or the older `.zdebug_*`. */
  isCompressed(section: ElfSection): boolean {
    return (section.flags & SHF_COMPRESSED) !== 0 || isOldCompressed(section);
  }

  /**
   * Size of the contents once decompressed; 0 for SHT_NOBITS.
   * @throws {FormatError} when the compression header is broken.
   */
  contentSize(section: ElfSection): number {
    if (section.type === SHT_NOBITS) return 0;
    if (this.isCompressed(section)) return this.#compressionHeader(section).byteSize;
    this.#checkInFile(section);
    return section.byteSize;
  }

  /**
   * A section's contents, decompressed but not relocated; empty for SHT_NOBITS. May be a view of the
   * source's memory, so never write to it.
   * @throws {FormatError} when they are not wholly in the file, or the compressed data is broken.
   */
  async sectionBytes(section: ElfSection): Promise<Uint8Array> {
    if (!this.isCompressed(section)) return this.rawBytes(section);
    const bytes = allocate(this, section, (byteSize) => new Uint8Array(byteSize));
    await this.#readContents(section, bytes);
    return bytes;
  }

  /**
   * A section's contents, decompressed but not relocated, over a SharedArrayBuffer of their own.
   * @throws {FormatError} as {@link ElfFile.sectionBytes}.
   */
  async sharedSectionBytes(section: ElfSection): Promise<Uint8Array> {
    const bytes = allocate(this, section, (byteSize) => new Uint8Array(new SharedArrayBuffer(byteSize)));
    await this.#readContents(section, bytes);
    return bytes;
  }

  /** Fill `target`, of {@link ElfFile.contentSize} bytes, with the section's contents. */
  async #readContents(section: ElfSection, target: Uint8Array): Promise<void> {
    if (section.type === SHT_NOBITS) return;
    if (!this.isCompressed(section)) {
      this.#checkInFile(section);
      this.source.readInto(target, section.offset);
      return;
    }
    const { codec, headerSize } = this.#compressionHeader(section);
    const compressed = this.source.read(section.offset + headerSize, section.byteSize - headerSize);
    const { decompressInto } = await loadCodec(codec);
    try {
      decompressInto(compressed, target);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(error.code, error.problem, { file: this.source.name, section: section.name });
    }
  }

  /** A section's bytes as they stand in the file; empty for SHT_NOBITS. Never write to them. */
  rawBytes(section: ElfSection): Uint8Array {
    if (section.type === SHT_NOBITS) return new Uint8Array(0);
    this.#checkInFile(section);
    return this.source.read(section.offset, section.byteSize);
  }

  /** The symbol table `.symtab`, or the one asked for by name; undefined when there is none. */
  symbolTable(name: ".symtab" | ".dynsym" = ".symtab"): SymbolTable | undefined {
    const wanted = name === ".symtab" ? SHT_SYMTAB : SHT_DYNSYM;
    const section = this.sections.find(({ type }) => type === wanted);
    return section === undefined ? undefined : this.symbolTableOf(section);
  }

  /** The symbols in an SHT_SYMTAB or SHT_DYNSYM section; kept, so asking again costs nothing. */
  symbolTableOf(section: ElfSection): SymbolTable {
    let table = this.#symbolTables.get(section.index);
    if (table === undefined) {
      table = this.#readSymbolTable(section);
      this.#symbolTables.set(section.index, table);
    }
    return table;
  }

  /** The build id from the note sections or segments. */
  buildId(): Uint8Array | undefined {
    const places = [
      ...this.sections.filter(({ type }) => type === SHT_NOTE),
      ...this.segments
        .filter(({ type }) => type === PT_NOTE)
        .map(({ offset, fileSize, alignment }) => ({ offset, byteSize: fileSize, alignment })),
    ];
    let searched = 0;
    for (const { offset, byteSize, alignment } of places) {
      if (offset + byteSize > this.source.byteSize) continue;
      searched += byteSize;
      if (searched > maximumNoteBytes) break;
      const id = findBuildId(this.source.read(offset, byteSize), this.littleEndian, alignment);
      if (id !== undefined) return id;
    }
    return undefined;
  }

  /** Name and CRC-32 of the separate debug file, from `.gnu_debuglink`. */
  debugLink(): { name: string; crc: number } | undefined {
    const link = this.#linkSection(".gnu_debuglink");
    if (link === undefined) return undefined;
    const crcOffset = Math.ceil((link.afterName + 1) / 4) * 4;
    if (crcOffset + 4 > link.bytes.length) return undefined;
    return { name: link.name, crc: viewOf(link.bytes).getUint32(crcOffset, this.littleEndian) };
  }

  /** Name and build id of the supplementary file that dwz made, from `.gnu_debugaltlink`. */
  debugAltLink(): { name: string; buildId: Uint8Array } | undefined {
    const link = this.#linkSection(".gnu_debugaltlink");
    return link && { name: link.name, buildId: link.bytes.slice(link.afterName + 1) };
  }

  /**
   * Address of a section: sh_addr, or in ET_REL a synthetic one (see `section-addresses.ts`); 0 for
   * sections that are not allocated there. Every address names at most one section in ET_REL.
   */
  sectionAddress(index: number): bigint {
    const section = this.sections[index];
    if (section === undefined) return 0n;
    return this.type === ET_REL ? BigInt(this.syntheticAddresses()[index]!) : section.address;
  }

  /** @internal Synthetic addresses of an ET_REL file, one per section. */
  syntheticAddresses(): Float64Array {
    this.#addresses ??= assignAddresses(this.sections, this.is64, this.source.name);
    return this.#addresses;
  }

  #readSymbolTable(section: ElfSection): SymbolTable {
    const location = { file: this.source.name, section: section.name };
    const recordSize = symbolFields(this.is64).byteSize;
    if (
      (section.type !== SHT_SYMTAB && section.type !== SHT_DYNSYM) ||
      section.entryByteSize !== recordSize
    ) {
      throw new FormatError(
        "ELF_SYMBOLS",
        `section ${section.index} is no table of ${recordSize}-byte symbols`,
        location,
      );
    }
    const strings = this.sections[section.link];
    if (strings === undefined || (strings.type !== SHT_STRTAB && strings.type !== SHT_NOBITS)) {
      throw new FormatError("ELF_SYMBOLS", `its string table, section ${section.link}, is none`, location);
    }
    const extended = this.sections.find(
      ({ type, link }) => type === SHT_SYMTAB_SHNDX && link === section.index,
    );
    return new SymbolTable({
      layout: this,
      records: this.rawBytes(section),
      strings: this.rawBytes(strings),
      extendedIndexes: extended && this.rawBytes(extended),
      sectionCount: this.sections.length,
      file: this.source.name,
      section: section.name,
    });
  }

  #compressionHeader(section: ElfSection): CompressionHeader {
    this.#checkInFile(section);
    const location = { file: this.source.name, section: section.name };
    const start = this.source.read(section.offset, Math.min(section.byteSize, largestCompressionHeader));
    const header =
      (section.flags & SHF_COMPRESSED) !== 0
        ? readCompressionHeader(start, this, location)
        : readOldCompressionHeader(start, location);
    const compressedSize = section.byteSize - header.headerSize;
    if (header.byteSize > largestResult(header.codec, compressedSize)) {
      const problem = `0x${compressedSize.toString(16)} compressed bytes cannot hold 0x${header.byteSize.toString(16)}`;
      throw new FormatError("ELF_COMPRESSION", problem, location);
    }
    if (header.byteSize > maximumSectionBytes) {
      const problem = `0x${header.byteSize.toString(16)} bytes decompressed, at most 0x${maximumSectionBytes.toString(16)}`;
      throw new LimitError("ELF_SECTION_BYTES", problem, location);
    }
    return header;
  }

  #linkSection(name: string): { bytes: Uint8Array; name: string; afterName: number } | undefined {
    const section = this.section(name);
    if (section === undefined) return undefined;
    const bytes = this.rawBytes(section);
    const target = stringAt(bytes, 0);
    return target ? { bytes, name: target, afterName: bytes.indexOf(0) } : undefined;
  }

  #checkInFile(section: ElfSection): void {
    if (section.offset + section.byteSize > this.source.byteSize) {
      throw new FormatError(
        "ELF_TRUNCATED",
        `0x${section.byteSize.toString(16)} bytes at 0x${section.offset.toString(16)} of the file, which ends at 0x${this.source.byteSize.toString(16)}`,
        { file: this.source.name, section: section.name },
      );
    }
  }
}

function allocate(elf: ElfFile, section: ElfSection, make: (byteSize: number) => Uint8Array): Uint8Array {
  const byteSize = elf.contentSize(section);
  try {
    return make(byteSize);
  } catch {
    throw new LimitError("ELF_SECTION_BYTES", `0x${byteSize.toString(16)} bytes do not fit the memory`, {
      file: elf.source.name,
      section: section.name,
    });
  }
}

function isOldCompressed(section: ElfSection): boolean {
  return section.name.startsWith(".zdebug_");
}
