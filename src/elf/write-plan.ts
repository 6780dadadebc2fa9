/**
 * Where new sections go in an existing ELF file, decided before anything is written.
 *
 * ```
 *  | header, segments, kept sections ... | new contents | names | section headers |
 *  0                                   keep                                       end
 * ```
 *
 * What lies before `keep` stays where it is; only single ranges are overwritten. What lies behind
 * (the old section headers and names as a rule, what an earlier run wrote, a module's signature,
 * which no longer holds) makes room, so that files do not grow from run to run.
 */
import { FormatError, LimitError, UnsupportedError } from "../io/index.ts";
import { ET_REL, SHF_ALLOC, SHF_COMPRESSED, SHN_LORESERVE, SHN_XINDEX, SHT_NOBITS } from "./constants.ts";
import { SHT_NULL, SHT_PROGBITS, SHT_STRTAB } from "./constants.ts";
import type { ElfFile } from "./elf-file.ts";
import { headerFields, readWord, sectionFields, segmentFields, viewOf, writeWord } from "./layout.ts";
import { relocationSectionsOf } from "./relocate.ts";
import type { ElfSection } from "./tables.ts";

/** A section to write. `bytes` undefined takes the section of that name away. */
export interface SectionReplacement {
  name: string;
  bytes: Uint8Array | undefined;
  /** Bytes; default 4, or the alignment the section has. */
  alignment?: number;
}

/**
 * What became of a section.
 * `added`: new; `replaced`: contents exchanged; `removed`; `absent`: there was none to remove;
 * `overwritten`: part of the program image, and the new contents have its size;
 * `set-aside`: part of the program image, and the new contents have another size. The old ones stay
 * in the image under {@link asideSuffix}, the new ones are a section outside of it.
 */
export type SectionOutcome = "added" | "replaced" | "removed" | "absent" | "overwritten" | "set-aside";

/** Appended to the name of a section that stays in the program image beside its replacement. */
export const asideSuffix = ".image";

/** @internal The changes to make: keep the first `keep` bytes, then write the ranges. */
export interface WritePlan {
  outcomes: SectionOutcome[];
  keep: number;
  writes: { offset: number; bytes: Uint8Array }[];
}

/** @internal @throws {FormatError} {@link UnsupportedError} {@link LimitError} */
export function planReplacements(elf: ElfFile, replacements: readonly SectionReplacement[]): WritePlan {
  const planner = new Planner(elf);
  for (const replacement of replacements) planner.take(replacement);
  return planner.finish();
}

/** A section header in the making; `raw` is its record in the file. */
interface Slot {
  raw: Uint8Array;
  section: ElfSection | undefined;
  /** Contents to put at the end of the file. */
  appended?: Uint8Array;
  alignment: number;
}

class Planner {
  readonly #elf: ElfFile;
  readonly #slots: Slot[];
  readonly #outcomes: SectionOutcome[] = [];
  readonly #writes: { offset: number; bytes: Uint8Array }[] = [];
  #names: NameTable;
  #namesIndex: number;

  constructor(elf: ElfFile) {
    this.#elf = elf;
    const recordSize = sectionFields(elf.is64).byteSize;
    const { sections, source } = elf;
    const table = source.read(elf.header.sectionTableOffset, sections.length * recordSize).slice();
    this.#slots = sections.map((section, index) => ({
      raw: table.subarray(index * recordSize, (index + 1) * recordSize),
      section,
      alignment: section.alignment,
    }));
    // Section 0 is reserved: a file without a table begins with it.
    if (sections.length === 0) this.#slots.push(newSlot(recordSize));
    this.#namesIndex = elf.sectionNamesIndex;
    const names = sections[this.#namesIndex];
    this.#names = new NameTable(
      names === undefined || this.#namesIndex === 0 ? undefined : elf.rawBytes(names),
    );
  }

  take({ name, bytes, alignment }: SectionReplacement): void {
    const named = this.#slots.filter(({ section }) => section?.name === name && section.type !== SHT_NULL);
    // One is what readers by name find first, the other what they would find once that is set aside.
    if (named.length > 1) throw this.#unsupported(name, `${named.length} sections have this name`);
    const slot = named[0];
    if (slot?.section === undefined) {
      this.#outcomes.push(bytes === undefined ? "absent" : "added");
      if (bytes !== undefined) this.#append(name, bytes, alignment ?? 4);
      return;
    }
    if (relocationSectionsOf(this.#elf, slot.section).length > 0) {
      throw this.#unsupported(name, "a section with relocations cannot be replaced");
    }
    this.#outcomes.push(
      this.#isInImage(slot.section)
        ? this.#replaceInImage(slot, slot.section, bytes, alignment)
        : this.#replace(slot, slot.section, bytes, alignment),
    );
  }

  #unsupported(section: string, message: string): UnsupportedError {
    return new UnsupportedError("ELF_REPLACE", message, { file: this.#elf.source.name, section });
  }

  finish(): WritePlan {
    const { is64, littleEndian, source } = this.#elf;
    const fields = sectionFields(is64);
    this.#placeNames();
    const keep = this.#endOfKept();
    let end = keep;
    for (const slot of this.#slots) {
      if (slot.appended === undefined) continue;
      end = roundUp(end, slot.alignment);
      const view = viewOf(slot.raw);
      writeWord(view, fields.sh_offset, end, this.#elf);
      writeWord(view, fields.sh_size, slot.appended.length, this.#elf);
      writeWord(view, fields.sh_addralign, slot.alignment, this.#elf);
      this.#writes.push({ offset: end, bytes: slot.appended });
      end += slot.appended.length;
    }
    end = roundUp(end, is64 ? 8 : 4);
    const count = this.#slots.length;
    const extended = count >= SHN_LORESERVE;
    const zero = viewOf(this.#slots[0]!.raw);
    writeWord(zero, fields.sh_size, extended ? count : 0, this.#elf);
    zero.setUint32(fields.sh_link, this.#namesIndex >= SHN_LORESERVE ? this.#namesIndex : 0, littleEndian);
    this.#writes.push({ offset: end, bytes: Buffer.concat(this.#slots.map(({ raw }) => raw)) });
    if (!is64 && end + count * fields.byteSize > 0xffff_ffff) {
      throw new LimitError("ELF_FILE_SIZE", "the result would be beyond 4 GiB in a 32-bit file", {
        file: source.name,
      });
    }

    const header = source.read(0, headerFields(is64).byteSize).slice();
    const view = viewOf(header);
    const { e_shoff, e_shentsize, e_shnum, e_shstrndx } = headerFields(is64);
    writeWord(view, e_shoff, end, this.#elf);
    view.setUint16(e_shentsize, fields.byteSize, littleEndian);
    view.setUint16(e_shnum, extended ? 0 : count, littleEndian);
    view.setUint16(
      e_shstrndx,
      this.#namesIndex >= SHN_LORESERVE ? SHN_XINDEX : this.#namesIndex,
      littleEndian,
    );
    this.#writes.push({ offset: 0, bytes: header });
    return { outcomes: this.#outcomes, keep, writes: this.#writes };
  }

  /** Whether its place is fixed by the segments of a linked file. */
  #isInImage(section: ElfSection): boolean {
    const { type, segments } = this.#elf;
    if (type === ET_REL) return false;
    if ((section.flags & SHF_ALLOC) !== 0) return true;
    const end = section.offset + section.byteSize;
    return (
      section.type !== SHT_NOBITS &&
      segments.some((each) => overlaps(section.offset, end, each.offset, each.offset + each.fileSize))
    );
  }

  #replaceInImage(
    slot: Slot,
    section: ElfSection,
    bytes: Uint8Array | undefined,
    alignment = 4,
  ): SectionOutcome {
    if (bytes?.length === section.byteSize && section.type !== SHT_NOBITS) {
      this.#elf.rawBytes(section);
      this.#writes.push({ offset: section.offset, bytes });
      return "overwritten";
    }
    // Symbols such as __start_BTF and code that knows the place and size still find what they expect.
    this.#rename(slot, section.name + asideSuffix);
    slot.section = { ...section, name: section.name + asideSuffix };
    if (bytes !== undefined) this.#append(section.name, bytes, alignment);
    return "set-aside";
  }

  #replace(
    slot: Slot,
    section: ElfSection,
    bytes: Uint8Array | undefined,
    alignment = section.alignment,
  ): SectionOutcome {
    const { is64, littleEndian } = this.#elf;
    const fields = sectionFields(is64);
    const view = viewOf(slot.raw);
    if (bytes === undefined) {
      // An inactive header, since removing it would renumber all that follow.
      slot.raw.fill(0);
      slot.section = undefined;
      return "removed";
    }
    view.setUint32(fields.sh_type, SHT_PROGBITS, littleEndian);
    const flagsLow = fields.sh_flags + (is64 && !littleEndian ? 4 : 0);
    view.setUint32(flagsLow, view.getUint32(flagsLow, littleEndian) & ~SHF_COMPRESSED, littleEndian);
    slot.appended = bytes;
    slot.alignment = usableAlignment(alignment);
    slot.section = { ...section, type: SHT_PROGBITS };
    return "replaced";
  }

  #append(name: string, bytes: Uint8Array, alignment: number): void {
    const { is64, littleEndian } = this.#elf;
    const slot = newSlot(sectionFields(is64).byteSize);
    viewOf(slot.raw).setUint32(sectionFields(is64).sh_type, SHT_PROGBITS, littleEndian);
    slot.appended = bytes;
    slot.alignment = usableAlignment(alignment);
    this.#slots.push(slot);
    slot.section = { ...describeNew(name), index: this.#slots.length - 1 };
    this.#rename(slot, name);
  }

  #rename(slot: Slot, name: string): void {
    const { is64, littleEndian } = this.#elf;
    viewOf(slot.raw).setUint32(sectionFields(is64).sh_name, this.#names.offsetOf(name), littleEndian);
  }

  /**
   * Put the name table at the end when it has grown, or lies behind all that stays and so would only
   * keep earlier contents from making room. Where its old place is in the image, a new one is made.
   */
  #placeNames(): void {
    let slot = this.#namesIndex === 0 ? undefined : this.#slots[this.#namesIndex];
    const movable = slot?.section !== undefined && !this.#isInImage(slot.section);
    if (!this.#names.grown && !(movable && slot!.section!.offset >= this.#endOfKept(slot))) return;
    if (!movable) {
      this.#append(".shstrtab", new Uint8Array(0), 1);
      this.#namesIndex = this.#slots.length - 1;
      slot = this.#slots[this.#namesIndex]!;
      const { is64, littleEndian } = this.#elf;
      viewOf(slot.raw).setUint32(sectionFields(is64).sh_type, SHT_STRTAB, littleEndian);
    }
    slot!.appended = this.#names.bytes();
    slot!.alignment = usableAlignment(slot!.alignment);
  }

  /** End of the bytes that must stay in place, those of `except` aside. */
  #endOfKept(except?: Slot): number {
    const { header, is64, segments, source } = this.#elf;
    let end = headerFields(is64).byteSize;
    if (segments.length > 0) {
      end = Math.max(end, header.segmentTableOffset + segments.length * segmentFields(is64).byteSize);
    }
    // A debug file made by `objcopy --only-keep-debug` may have segments that end behind it.
    for (const { offset, fileSize } of segments)
      end = Math.max(end, Math.min(offset + fileSize, source.byteSize));
    const fields = sectionFields(is64);
    for (const slot of this.#slots) {
      const { raw, section } = slot;
      if (section === undefined || slot.appended !== undefined || slot === except) continue;
      if (section.type === SHT_NOBITS || section.type === SHT_NULL) continue;
      const view = viewOf(raw);
      end = Math.max(
        end,
        readWord(view, fields.sh_offset, this.#elf) + readWord(view, fields.sh_size, this.#elf),
      );
    }
    if (end > source.byteSize) {
      throw new FormatError(
        "ELF_TRUNCATED",
        `its contents reach to 0x${end.toString(16)}, the file ends at 0x${source.byteSize.toString(16)}`,
        { file: source.name },
      );
    }
    return end;
  }
}

/** The section-name string table, growing at its end only: others may point into it too. */
class NameTable {
  #bytes: Buffer;
  readonly #oldLength: number;

  constructor(old: Uint8Array | undefined) {
    this.#bytes = Buffer.from(old ?? Uint8Array.of(0));
    this.#oldLength = old?.length ?? 0;
  }

  get grown(): boolean {
    return this.#bytes.length > this.#oldLength;
  }

  offsetOf(name: string): number {
    const wanted = Buffer.from(`${name}\0`);
    const found = this.#bytes.indexOf(wanted);
    if (found >= 0) return found;
    const offset = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, wanted]);
    return offset;
  }

  bytes(): Uint8Array {
    return this.#bytes;
  }
}

function newSlot(recordSize: number): Slot {
  return { raw: new Uint8Array(recordSize), section: undefined, alignment: 1 };
}

/** Only a broken file asks for more than the largest page; it would make the result as large. */
function usableAlignment(alignment: number): number {
  return alignment >= 1 && alignment <= 0x1_0000 ? alignment : 1;
}

function describeNew(name: string): ElfSection {
  return {
    index: 0,
    name,
    type: SHT_PROGBITS,
    flags: 0,
    address: 0n,
    offset: 0,
    byteSize: 0,
    link: 0,
    info: 0,
    alignment: 1,
    entryByteSize: 0,
  };
}

function overlaps(from: number, to: number, otherFrom: number, otherTo: number): boolean {
  return from < otherTo && otherFrom < to;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
