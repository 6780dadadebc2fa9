/**
 * ELF files from data: sections, segments, symbols and relocations in, bytes out, for both classes
 * and byte orders. Deliberately naive, and apart from `src/elf`, so that one checks the other.
 */
import { ByteWriter } from "./bytes.ts";

export interface Format {
  is64: boolean;
  littleEndian: boolean;
}

/** Every class and byte order, for loops over cases. */
export const formats: readonly (Format & { name: string })[] = [
  { name: "ELF64 little-endian", is64: true, littleEndian: true },
  { name: "ELF64 big-endian", is64: true, littleEndian: false },
  { name: "ELF32 little-endian", is64: false, littleEndian: true },
  { name: "ELF32 big-endian", is64: false, littleEndian: false },
];

export interface SectionSpec {
  name: string;
  /** SHT_ constant, default SHT_PROGBITS. */
  type?: number;
  flags?: number;
  address?: number | bigint;
  bytes?: ArrayLike<number>;
  /** sh_size where it is not the length of `bytes` (SHT_NOBITS). */
  byteSize?: number | bigint;
  /** A section's name or number. */
  link?: number | string;
  info?: number | string;
  alignment?: number;
  entryByteSize?: number;
}

export interface SegmentSpec {
  /** PT_ constant. */
  type: number;
  flags?: number;
  address?: number | bigint;
  /** Sections the segment spans in the file, first and last name. */
  from: string;
  to: string;
  alignment?: number;
}

export interface SymbolSpec {
  name: string;
  value?: number | bigint;
  byteSize?: number | bigint;
  /** STT_ and STB_ constants. */
  type?: number;
  binding?: number;
  other?: number;
  /** A section's name, its number, or `{ reserved }` for SHN_ABS and the like; default SHN_UNDEF. */
  section?: string | number | { reserved: number };
}

export interface RelocationSpec {
  offset: number | bigint;
  type: number;
  symbol?: number;
  /** Present: SHT_RELA. Leave out in all for SHT_REL. */
  addend?: number | bigint;
}

export interface ElfSpec extends Partial<Format> {
  /** ET_ constant, default ET_REL. */
  type?: number;
  /** EM_ constant, default EM_X86_64. */
  machine?: number;
  flags?: number;
  sections: SectionSpec[];
  segments?: SegmentSpec[];
  /** Adds `.symtab` and `.strtab` (and `.symtab_shndx` when needed); the null symbol is added. */
  symbols?: SymbolSpec[];
  /** Adds `.rela.NAME` or `.rel.NAME` for each key. */
  relocations?: Record<string, RelocationSpec[]>;
  /** Keep the counts in section 0 even when they fit the header. */
  extendedNumbering?: boolean;
}

const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_RELA = 4;
const SHT_NOBITS = 8;
const SHT_REL = 9;
const SHT_SYMTAB_SHNDX = 18;
const SHN_LORESERVE = 0xff00;
const SHN_XINDEX = 0xffff;

export function buildElf(spec: ElfSpec): Uint8Array {
  const { is64 = true, littleEndian = true } = spec;
  const format = { is64, littleEndian };
  const sections: SectionSpec[] = [{ name: "", type: 0, alignment: 0 }, ...spec.sections];
  for (const [name, relocations] of Object.entries(spec.relocations ?? {})) {
    sections.push(relocationSection(format, name, relocations, spec.machine ?? 62));
  }
  if (spec.symbols !== undefined) sections.push(...symbolSections(format, sections, spec.symbols));
  sections.push({ name: ".shstrtab", type: SHT_STRTAB });

  const names = new StringTable();
  const nameOffsets = sections.map(({ name }) => names.add(name));
  sections.at(-1)!.bytes = names.finish();
  const numbers = new Map<string, number>();
  sections.forEach(({ name }, index) => {
    if (!numbers.has(name)) numbers.set(name, index);
  });
  const numberOf = (value: number | string | undefined): number =>
    typeof value === "string" ? numbers.get(value)! : (value ?? 0);

  const segments = spec.segments ?? [];
  const headerSize = is64 ? 64 : 52;
  const segmentSize = is64 ? 56 : 32;
  const body = new ByteWriter(littleEndian);
  const bodyStart = headerSize + segments.length * segmentSize;
  const offsets = sections.map(({ type, bytes, alignment }, index) => {
    if (index === 0) return 0;
    while ((bodyStart + body.length) % Math.max(alignment ?? 1, 1) !== 0) body.u8(0);
    const offset = bodyStart + body.length;
    if (type !== SHT_NOBITS && bytes !== undefined) body.bytes(bytes);
    return offset;
  });
  while ((bodyStart + body.length) % 8 !== 0) body.u8(0);
  const sectionTable = bodyStart + body.length;

  const extended = spec.extendedNumbering ?? sections.length >= SHN_LORESERVE;
  const out = new ByteWriter(littleEndian);
  const word = (value: number | bigint): ByteWriter => out.uint(is64 ? 8 : 4, value);
  out.bytes([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, littleEndian ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  out
    .u16(spec.type ?? 1)
    .u16(spec.machine ?? 62)
    .u32(1);
  word(0);
  word(segments.length > 0 ? headerSize : 0);
  word(sectionTable);
  out.u32(spec.flags ?? 0).u16(headerSize);
  out
    .u16(segments.length > 0 ? segmentSize : 0)
    .u16(extended && segments.length > 0 ? 0xffff : segments.length);
  out.u16(is64 ? 64 : 40);
  out.u16(extended ? 0 : sections.length).u16(extended ? SHN_XINDEX : sections.length - 1);

  for (const segment of segments) {
    const first = numberOf(segment.from);
    const last = numberOf(segment.to);
    const byteSize = offsets[last]! + (sections[last]!.bytes?.length ?? 0) - offsets[first]!;
    const address = segment.address ?? sections[first]!.address ?? 0;
    out.u32(segment.type);
    if (is64) out.u32(segment.flags ?? 0);
    word(offsets[first]!);
    word(address);
    word(address);
    word(byteSize);
    word(byteSize);
    if (!is64) out.u32(segment.flags ?? 0);
    word(segment.alignment ?? 1);
  }
  out.bytes(body.finish());
  sections.forEach((section, index) => {
    const isZero = index === 0 && extended;
    out.u32(nameOffsets[index]!).u32(section.type ?? 1);
    word(section.flags ?? 0);
    word(section.address ?? 0);
    word(offsets[index]!);
    word(isZero ? sections.length : (section.byteSize ?? section.bytes?.length ?? 0));
    out.u32(isZero ? sections.length - 1 : numberOf(section.link));
    out.u32(isZero && segments.length > 0 ? segments.length : numberOf(section.info));
    word(section.alignment ?? 1);
    word(section.entryByteSize ?? 0);
  });
  return out.finish();
}

/** Contents of a note section: one note. */
export function noteBytes(
  format: Format,
  name: string,
  type: number,
  descriptor: ArrayLike<number>,
): Uint8Array {
  return new ByteWriter(format.littleEndian)
    .u32(name.length + 1)
    .u32(descriptor.length)
    .u32(type)
    .cString(name)
    .align(4)
    .bytes(descriptor)
    .align(4)
    .finish();
}

function symbolSections(format: Format, sections: SectionSpec[], symbols: SymbolSpec[]): SectionSpec[] {
  const { is64, littleEndian } = format;
  const strings = new StringTable();
  const records = new ByteWriter(littleEndian);
  const extendedIndexes = new ByteWriter(littleEndian);
  const indexOf = new Map(sections.map(({ name }, index) => [name, index]).reverse() as [string, number][]);
  let needsExtended = false;
  for (const symbol of [{ name: "" } satisfies SymbolSpec as SymbolSpec, ...symbols]) {
    const { section = 0 } = symbol;
    const reserved = typeof section === "object" ? section.reserved : undefined;
    const real =
      typeof section === "string" ? indexOf.get(section)! : typeof section === "number" ? section : 0;
    const extended = real >= SHN_LORESERVE;
    needsExtended ||= extended;
    extendedIndexes.u32(extended ? real : 0);
    const index = reserved ?? (extended ? SHN_XINDEX : real);
    const info = ((symbol.binding ?? 0) << 4) | (symbol.type ?? 0);
    records.u32(strings.add(symbol.name));
    if (is64) {
      records
        .u8(info)
        .u8(symbol.other ?? 0)
        .u16(index);
      records.u64(symbol.value ?? 0).u64(symbol.byteSize ?? 0);
    } else {
      records.u32(symbol.value ?? 0).u32(symbol.byteSize ?? 0);
      records
        .u8(info)
        .u8(symbol.other ?? 0)
        .u16(index);
    }
  }
  const local = symbols.filter(({ binding }) => (binding ?? 0) === 0).length + 1;
  const result: SectionSpec[] = [
    {
      name: ".symtab",
      type: SHT_SYMTAB,
      bytes: records.finish(),
      link: ".strtab",
      info: local,
      alignment: is64 ? 8 : 4,
      entryByteSize: is64 ? 24 : 16,
    },
    { name: ".strtab", type: SHT_STRTAB, bytes: strings.finish() },
  ];
  if (needsExtended) {
    result.push({
      name: ".symtab_shndx",
      type: SHT_SYMTAB_SHNDX,
      bytes: extendedIndexes.finish(),
      link: ".symtab",
      alignment: 4,
      entryByteSize: 4,
    });
  }
  return result;
}

function relocationSection(
  format: Format,
  target: string,
  relocations: RelocationSpec[],
  machine: number,
): SectionSpec {
  const { is64, littleEndian } = format;
  const withAddend = relocations.some(({ addend }) => addend !== undefined);
  const out = new ByteWriter(littleEndian);
  for (const { offset, type, symbol = 0, addend = 0 } of relocations) {
    out.uint(is64 ? 8 : 4, offset);
    if (!is64) {
      out.u32((symbol << 8) | type);
    } else if (machine === 8) {
      // MIPS 64: symbol, second symbol, third, second and first type.
      out.u32(symbol).bytes([0, 0, 0, type]);
    } else {
      out.u64((BigInt(symbol) << 32n) | BigInt(type));
    }
    if (withAddend) out.uint(is64 ? 8 : 4, addend);
  }
  const recordSize = (is64 ? 16 : 8) + (withAddend ? (is64 ? 8 : 4) : 0);
  return {
    name: `${withAddend ? ".rela" : ".rel"}${target}`,
    type: withAddend ? SHT_RELA : SHT_REL,
    bytes: out.finish(),
    link: ".symtab",
    info: target,
    alignment: is64 ? 8 : 4,
    entryByteSize: recordSize,
  };
}

class StringTable {
  readonly #writer = new ByteWriter().u8(0);
  readonly #offsets = new Map([["", 0]]);

  add(text: string): number {
    let offset = this.#offsets.get(text);
    if (offset === undefined) {
      offset = this.#writer.length;
      this.#offsets.set(text, offset);
      this.#writer.cString(text);
    }
    return offset;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}
