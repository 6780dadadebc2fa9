import { closeSync, openSync, readSync } from "node:fs";
import { SectionWindow } from "../dwarf/section-window.ts";
import { loadDebugSection, type DebugSection, type ElfFile } from "../elf/index.ts";
import { FileError } from "../io/index.ts";
import type { NameTable } from "./name-table.ts";
import type { UnitSections } from "./unit-sections.ts";

/** The debug sections of a file in a form that can be sent to a worker: shared memory, or a place in the file. */
export interface SectionParts {
  file: string;
  littleEndian: boolean;
  info: DebugSection;
  types: DebugSection | undefined;
  abbreviations: DebugSection;
  strings: DebugSection | undefined;
  lineStrings: DebugSection | undefined;
  stringOffsets: DebugSection | undefined;
  addresses: DebugSection | undefined;
  locationLists: DebugSection | undefined;
  locations: DebugSection | undefined;
}

/** Bytes of .debug_info read at once; a larger unit is read whole. */
const infoWindow = 1 << 20;

/** Load what the units need; undefined when the file has no .debug_info or no .debug_abbrev. */
export async function loadSectionParts(elf: ElfFile): Promise<SectionParts | undefined> {
  const info = await loadDebugSection(elf, ".debug_info");
  const abbreviations = await loadDebugSection(elf, ".debug_abbrev", { inMemory: true });
  if (info === undefined || abbreviations === undefined || info.byteSize === 0) return undefined;
  const inMemory = (name: string): Promise<DebugSection | undefined> => loadDebugSection(elf, name, { inMemory: true });
  return {
    file: elf.source.name,
    littleEndian: elf.littleEndian,
    info,
    abbreviations,
    types: await loadDebugSection(elf, ".debug_types"),
    strings: await inMemory(".debug_str"),
    lineStrings: await inMemory(".debug_line_str"),
    stringOffsets: await inMemory(".debug_str_offsets"),
    addresses: await inMemory(".debug_addr"),
    locationLists: await loadDebugSection(elf, ".debug_loclists"),
    locations: await loadDebugSection(elf, ".debug_loc"),
  };
}

/** Keeps files open that sections are read from by ranges. */
export class SectionFiles {
  private readonly descriptors = new Map<string, number>();

  window(file: string, section: DebugSection | undefined, windowByteSize?: number): SectionWindow | undefined {
    if (section === undefined) return undefined;
    if (section.bytes !== undefined) return new SectionWindow(file, section.name, section.bytes);
    const { path, offset } = section.file!;
    let descriptor = this.descriptors.get(path);
    if (descriptor === undefined) {
      try {
        descriptor = openSync(path, "r");
      } catch (error) {
        throw new FileError(path, (error as NodeJS.ErrnoException).code ?? String(error), "open");
      }
      this.descriptors.set(path, descriptor);
    }
    const opened = descriptor;
    const readInto = (target: Uint8Array, sectionOffset: number): void => {
      for (let done = 0; done < target.length; ) {
        const count = readSync(opened, target, done, target.length - done, offset + sectionOffset + done);
        if (count === 0) throw new FileError(path, "file shrank while it was read", "read");
        done += count;
      }
    };
    return new SectionWindow(file, section.name, { byteSize: section.byteSize, readInto }, windowByteSize);
  }

  close(): void {
    for (const descriptor of this.descriptors.values()) closeSync(descriptor);
    this.descriptors.clear();
  }
}

/**
 * @param strings the file's .debug_str when `names` was not made over it.
 * @param supplement the sections of the supplementary file (dwz), if there is one.
 */
export function unitSections(
  parts: SectionParts,
  names: NameTable,
  files: SectionFiles,
  strings?: Uint8Array,
  supplement?: SectionParts,
): UnitSections {
  const { file } = parts;
  return {
    file,
    littleEndian: parts.littleEndian,
    info: files.window(file, parts.info, infoWindow)!,
    types: files.window(file, parts.types, infoWindow),
    supplementInfo: supplement === undefined ? undefined : files.window(supplement.file, supplement.info, infoWindow),
    abbreviations: parts.abbreviations.bytes!,
    supplementAbbreviations: supplement?.abbreviations.bytes,
    names,
    strings,
    supplementStrings: supplement?.strings?.bytes,
    lineStrings: parts.lineStrings?.bytes,
    stringOffsets: parts.stringOffsets?.bytes,
    addresses: parts.addresses?.bytes,
    locationLists: files.window(file, parts.locationLists),
    locations: files.window(file, parts.locations),
  };
}
