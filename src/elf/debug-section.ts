import { FileSource, FormatError } from "../io/index.ts";
import { ET_REL, SHT_NOBITS } from "./constants.ts";
import type { ElfFile } from "./elf-file.ts";
import { relocate, relocationSectionsOf } from "./relocate.ts";
import type { ElfSection } from "./tables.ts";

/** A debug section ready to parse: either `bytes` or `file` is present. */
export interface DebugSection {
  /** Its own name in the file, such as `.debug_info.dwo`. */
  name: string;
  /** Bytes, decompressed. */
  byteSize: number;
  /** Contents over a SharedArrayBuffer, decompressed and relocated. */
  bytes?: Uint8Array;
  /** Where the contents stand as they are, to be read by ranges. */
  file?: { path: string; offset: number };
}

/**
 * Find a debug section by its plain name such as `.debug_info` and make it ready: also found are
 * `.zdebug_info`, `.debug_info.dwo` and `.zdebug_info.dwo`, in this order. Relocations are applied in
 * a relocatable file only; a linked file that still carries some (`ld --emit-relocs`) has them
 * applied already.
 *
 * Undefined when there is none, or only one without contents (SHT_NOBITS).
 *
 * @param options `inMemory` asks for `bytes` even when the file could be read by ranges.
 * @throws {FormatError} {@link UnsupportedError}
 */
export async function loadDebugSection(
  elf: ElfFile,
  name: string,
  options: { inMemory?: boolean } = {},
): Promise<DebugSection | undefined> {
  const section = findDebugSection(elf, name);
  if (section === undefined) return undefined;
  // A relocatable file has one .debug_info or .debug_types per COMDAT group beside the main one.
  const parts =
    elf.type === ET_REL
      ? elf.sections.filter((each) => each.name === section.name && each.type !== SHT_NOBITS)
      : [section];
  const byteSize = parts.reduce((sum, part) => sum + elf.contentSize(part), 0);
  if (parts.length > 1 && byteSize > elf.source.byteSize) {
    throw new FormatError("ELF_SECTION_OVERLAP", `sections of this name add up to more than the file`, {
      file: elf.source.name,
      section: section.name,
    });
  }
  const relocated = parts.some((part) => relocationSectionsOf(elf, part).length > 0);
  const asItIs = parts.length === 1 && !relocated && !elf.isCompressed(section);
  if (asItIs && !options.inMemory && elf.source instanceof FileSource) {
    return { name: section.name, byteSize, file: { path: elf.source.name, offset: section.offset } };
  }
  const contents = parts.length === 1 ? undefined : new Uint8Array(new SharedArrayBuffer(byteSize));
  let at = 0;
  for (const part of parts) {
    const bytes = await elf.sharedSectionBytes(part);
    relocate(elf, part, bytes);
    if (contents === undefined) return { name: section.name, byteSize, bytes };
    contents.set(bytes, at);
    at += bytes.length;
  }
  return { name: section.name, byteSize, bytes: contents! };
}

/** The section that {@link loadDebugSection} takes for a plain name. */
export function findDebugSection(elf: ElfFile, name: string): ElfSection | undefined {
  const old = name.replace(/^\.debug_/, ".zdebug_");
  for (const candidate of [name, old, `${name}.dwo`, `${old}.dwo`]) {
    const section = elf.sections.find((each) => each.name === candidate && each.type !== SHT_NOBITS);
    if (section !== undefined) return section;
  }
  return undefined;
}
