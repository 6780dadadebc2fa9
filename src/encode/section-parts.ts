import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SectionWindow } from "../dwarf/section-window.ts";
import { ElfFile, loadDebugSection, type DebugSection } from "../elf/index.ts";
import { FileError, FileSource, FormatError } from "../io/index.ts";
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
  /** The sections of the file that dwz moved common parts to. */
  supplement: SectionParts | undefined;
}

/** Bytes of .debug_info read at once; a larger unit is read whole. */
const infoWindow = 1 << 20;

/**
 * Load what the units need; undefined when the file has no .debug_info or no .debug_abbrev.
 * @param role `supplement`: the file is itself what another's common parts were moved to; `split`: its
 * split units are wanted, which may stand in one file with their skeletons (`-gsplit-dwarf=single`).
 */
export async function loadSectionParts(
  elf: ElfFile,
  role: "main" | "supplement" | "split" = "main",
): Promise<SectionParts | undefined> {
  const suffix = role === "split" && elf.section(".debug_info.dwo") !== undefined ? ".dwo" : "";
  const load = (name: string): Promise<DebugSection | undefined> => loadDebugSection(elf, name + suffix);
  const inMemory = (name: string): Promise<DebugSection | undefined> =>
    loadDebugSection(elf, name + suffix, { inMemory: true });
  const abbreviations = await inMemory(".debug_abbrev");
  const types = await load(".debug_types");
  const info = await load(".debug_info");
  if (info === undefined || abbreviations === undefined || info.byteSize === 0) return undefined;
  const supplement = role === "main" ? await loadSupplement(elf) : undefined;
  return {
    file: elf.source.name,
    littleEndian: elf.littleEndian,
    info,
    abbreviations,
    types,
    strings: await inMemory(".debug_str"),
    lineStrings: await inMemory(".debug_line_str"),
    stringOffsets: await inMemory(".debug_str_offsets"),
    addresses: await inMemory(".debug_addr"),
    locationLists: await load(".debug_loclists"),
    locations: await load(".debug_loc"),
    supplement,
  };
}

/** The supplementary file that dwz made (`.gnu_debugaltlink`; DWARF 5, 7.3.6: `.debug_sup`), if the file names one. */
async function loadSupplement(elf: ElfFile): Promise<SectionParts | undefined> {
  const link = elf.section(".gnu_debugaltlink");
  const standard = elf.section(".debug_sup");
  let nameAt = 0;
  let section = link;
  if (section === undefined) {
    if (standard === undefined) return undefined;
    section = standard;
    nameAt = 3;
  }
  const bytes = await elf.sectionBytes(section);
  // is_supplementary: the file is the supplement, not one that has one.
  if (section === standard && bytes[2] !== 0) return undefined;
  const end = bytes.indexOf(0, nameAt);
  const name = Buffer.from(bytes.subarray(nameAt, end < 0 ? bytes.length : end)).toString();
  const id = Buffer.from(bytes.subarray(end + 1)).toString("hex");
  const places = [resolve(dirname(elf.source.name), name), resolve(name)];
  if (section === link && id.length > 2)
    places.push(`/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`);
  const path = places.find((place) => existsSync(place));
  const location = { file: elf.source.name, section: section.name, offset: nameAt };
  if (path === undefined) {
    throw new FormatError("DWARF_SUPPLEMENT", `the supplementary file "${name}" is not there`, location);
  }
  const source = new FileSource(path);
  try {
    const parts = await loadSectionParts(ElfFile.open(source), "supplement");
    if (parts === undefined) throw new FormatError("DWARF_SUPPLEMENT", `"${name}" holds no DWARF`, location);
    return parts;
  } finally {
    source.close();
  }
}

/** Keeps files open that sections are read from by ranges. */
export class SectionFiles {
  private readonly descriptors = new Map<string, number>();

  window(
    file: string,
    section: DebugSection | undefined,
    windowByteSize?: number,
  ): SectionWindow | undefined {
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
      for (let done = 0; done < target.length;) {
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
    supplementInfo:
      supplement === undefined ? undefined : files.window(supplement.file, supplement.info, infoWindow),
    abbreviations: parts.abbreviations.bytes!,
    supplementAbbreviations: supplement?.abbreviations.bytes,
    names,
    strings,
    supplementStrings: supplement?.strings?.bytes,
    supplementLineStrings: supplement?.lineStrings?.bytes,
    lineStrings: parts.lineStrings?.bytes,
    stringOffsets: parts.stringOffsets?.bytes,
    addresses: parts.addresses?.bytes,
    locationLists: files.window(file, parts.locationLists),
    locations: files.window(file, parts.locations),
  };
}
