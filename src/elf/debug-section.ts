import { FileSource } from "../io/index.ts";
import { SHT_NOBITS } from "./constants.ts";
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
  const byteSize = elf.contentSize(section);
  const relocated = relocationSectionsOf(elf, section).length > 0;
  if (!relocated && !elf.isCompressed(section) && !options.inMemory && elf.source instanceof FileSource) {
    return { name: section.name, byteSize, file: { path: elf.source.name, offset: section.offset } };
  }
  const bytes = await elf.sharedSectionBytes(section);
  if (relocated) relocate(elf, section, bytes);
  return { name: section.name, byteSize, bytes };
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
