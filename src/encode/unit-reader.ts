import { Slot, Step, compileAbbreviations, type AbbreviationTable } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import { DieCursor } from "../dwarf/die-cursor.ts";
import type { SectionWindow } from "../dwarf/section-window.ts";
import type { UnitHeader } from "../dwarf/units.ts";
import { FormatError } from "../io/index.ts";
import type { UnitSections, UnitSettings } from "./unit-sections.ts";

/** Which section a unit is in. */
export type UnitPlace = "info" | "types" | "supplement";

export interface PlacedUnit {
  header: UnitHeader;
  place: UnitPlace;
  /** In a package of split units: where the unit's parts of other sections begin. */
  contribution?: Contribution;
}

/** Section offsets, bytes. */
export interface Contribution {
  abbreviations: number;
  stringOffsets: number;
  locations: number;
}

/** What the unit DIE says, with the bases that indexed forms count from. */
export interface UnitRoot {
  tag: number;
  language: number;
  /** Name ids, 0 for none. */
  name: number;
  producerIsClang: boolean;
  hasChildren: boolean;
  stringOffsetsBase: number;
  addressBase: number;
  locationListsBase: number;
  /** Of a skeleton: the file with the rest, and the id that both carry. */
  splitName: number;
  splitDirectory: number;
  splitId: bigint | undefined;
}

/**
 * Puts the cursor on units: window, abbreviations, bases of indexed forms; turns slots into name
 * ids; jumps to other DIEs and back. Knows DWARF sections, nothing of BTF.
 */
export class UnitReader {
  readonly cursor: DieCursor = new DieCursor();
  readonly sections: UnitSections;
  readonly settings: UnitSettings;
  /** All units of the file are one group: keys are offsets over all sections. */
  merged = false;
  /** The units of the group at work, in key order. */
  private units: readonly PlacedUnit[] = [];
  private unitIndex = -1;
  private tables = new Map<string, AbbreviationTable>();
  private roots: (UnitRoot | undefined)[] = [];
  root: UnitRoot = emptyRoot();
  private typesBase = 0;
  private supplementBase = 0;
  private signatures: Map<bigint, number> | undefined;
  private readonly lineNames = new Map<number, number>();
  private readonly otherNames = new Map<number, number>();
  private readonly supplementNames = new Map<number, number>();
  private readonly supplementLineNames = new Map<number, number>();
  private readonly kabiPrefix: number;
  /** DW_FORM_strp of the unit at hand leads straight to the name table. */
  plainNames: boolean;
  /** The same of all units but a supplementary file's, whose .debug_str is another. */
  private readonly namesOfTable: boolean;
  private inSupplement = false;

  constructor(sections: UnitSections, settings: UnitSettings) {
    this.sections = sections;
    this.settings = settings;
    this.cursor.littleEndian = sections.littleEndian;
    this.typesBase = sections.info.byteSize;
    this.supplementBase = this.typesBase + (sections.types?.byteSize ?? 0);
    this.kabiPrefix = settings.kabiPrefix ? sections.names.ofString(settings.kabiPrefix) : 0;
    this.namesOfTable = this.kabiPrefix === 0 && sections.strings === undefined;
    this.plainNames = this.namesOfTable;
  }

  /** Keys of a merged group are below this; of a single unit below its size. */
  keyLimit(units: readonly PlacedUnit[]): number {
    if (!this.merged) return units[0]!.header.byteSize + 1;
    return this.supplementBase + (this.sections.supplementInfo?.byteSize ?? 0) + 1;
  }

  /** Start a group. Merged groups hold every unit of the file. */
  setGroup(units: readonly PlacedUnit[], merged: boolean): void {
    this.units = units;
    this.merged = merged;
    this.unitIndex = -1;
    this.roots = [];
    this.signatures = undefined;
    this.cursor.merged = merged;
    this.cursor.signatureKey = merged ? (low, high) => this.keyOfSignature(low, high) : undefined;
  }

  /** Enter a unit of the group and read its unit DIE; the cursor stands on the first child. */
  enter(index: number): UnitRoot {
    this.place(index);
    const root = this.readRoot();
    this.roots[index] = root;
    this.root = root;
    return root;
  }

  private place(index: number): void {
    const { header, place } = this.units[index]!;
    const cursor = this.cursor;
    const section = this.sectionOf(place);
    const at = section.reach(header.offset, header.byteSize);
    if (cursor.bytes !== section.bytes) cursor.setWindow(section.bytes, section.start);
    cursor.file = section.file;
    cursor.section = section.name;
    cursor.shape = header;
    this.inSupplement = place === "supplement";
    this.plainNames = this.namesOfTable && !this.inSupplement;
    cursor.unitPosition = at;
    cursor.position = at + (header.dieOffset - header.offset);
    cursor.end = at + header.byteSize;
    const base = place === "info" ? 0 : place === "types" ? this.typesBase : this.supplementBase;
    cursor.referenceBase = this.merged ? base + header.offset : 0;
    cursor.sectionReferenceBase = base;
    cursor.supplementReferenceBase = this.supplementBase;
    cursor.table = this.tableOf(this.units[index]!);
    this.unitIndex = index;
  }

  private sectionOf(place: UnitPlace): SectionWindow {
    const { info, types, supplementInfo } = this.sections;
    return place === "info" ? info : (place === "types" ? types : supplementInfo)!;
  }

  private tableOf({ header, place, contribution }: PlacedUnit): AbbreviationTable {
    const offset = header.abbreviationOffset + (contribution?.abbreviations ?? 0);
    const key = `${place === "supplement" ? 1 : 0}:${offset}:${header.version}:${header.addressByteSize}:${header.offsetByteSize}`;
    let table = this.tables.get(key);
    if (table === undefined) {
      const bytes =
        place === "supplement" ? this.sections.supplementAbbreviations! : this.sections.abbreviations;
      table = compileAbbreviations(bytes, offset, header, this.sections.file);
      // Most producers give every unit a table of its own; a few to remember are enough.
      if (!this.merged && this.tables.size >= 4) this.tables.clear();
      this.tables.set(key, table);
    }
    return table;
  }

  private readRoot(): UnitRoot {
    const cursor = this.cursor;
    const root = emptyRoot();
    const from = cursor.position;
    root.tag = cursor.next();
    root.hasChildren = cursor.hasChildren !== 0;
    if (root.tag === 0) return root;
    const after = cursor.position;
    let at = cursor.readValue(Step.udata, from);
    const list = cursor.table.unitAttributes.get(cursor.low[Slot.none]! >>> 0) ?? [];
    let name: [number, number, number] | undefined;
    let producer: [number, number, number] | undefined;
    let split: [number, number, number] | undefined;
    let directory: [number, number, number] | undefined;
    const { offsetByteSize, version } = cursor.shape;
    // Where DWARF 5 puts the first entry when no base is given: behind the section's header.
    root.stringOffsetsBase = version >= 5 && this.isSplit ? (offsetByteSize === 8 ? 16 : 8) : 0;
    root.locationListsBase = version >= 5 && this.isSplit ? (offsetByteSize === 8 ? 20 : 12) : 0;
    for (let i = 0; i < list.length; i += 4) {
      const step = list[i + 1]!;
      let low: number;
      let high: number;
      let filled = step;
      if (step === Step.implicitConst) {
        low = list[i + 2]!;
        high = list[i + 3]!;
      } else {
        at = cursor.readValue(step, at);
        low = cursor.low[Slot.none]!;
        high = cursor.high[Slot.none]!;
        filled = cursor.step[Slot.none]!;
      }
      switch (list[i]) {
        case d.DW_AT_name:
          name = [filled, low, high];
          break;
        case d.DW_AT_producer:
          producer = [filled, low, high];
          break;
        case d.DW_AT_comp_dir:
          directory = [filled, low, high];
          break;
        case d.DW_AT_dwo_name:
        case d.DW_AT_GNU_dwo_name:
          split = [filled, low, high];
          break;
        case d.DW_AT_GNU_dwo_id:
          root.splitId = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
          break;
        case d.DW_AT_language:
          root.language = low >>> 0;
          break;
        case d.DW_AT_str_offsets_base:
          root.stringOffsetsBase = low >>> 0;
          break;
        case d.DW_AT_addr_base:
        case d.DW_AT_GNU_addr_base:
          root.addressBase = low >>> 0;
          break;
        case d.DW_AT_loclists_base:
          root.locationListsBase = low >>> 0;
          break;
      }
    }
    const { contribution, header } = this.units[this.unitIndex]!;
    root.stringOffsetsBase += contribution?.stringOffsets ?? 0;
    root.locationListsBase += contribution?.locations ?? 0;
    root.splitId ??= header.signature;
    if (this.isSplit) root.addressBase = this.addressBases?.get(root.splitId ?? 0n) ?? 0;
    this.root = root;
    const idOf = (value: [number, number, number] | undefined): number =>
      value === undefined ? 0 : this.stringId(value[0], value[1], value[2]);
    root.name = idOf(name);
    root.splitName = idOf(split);
    root.splitDirectory = idOf(directory);
    const maker = idOf(producer);
    root.producerIsClang = maker !== 0 && this.sections.names.text(maker).includes("clang");
    cursor.position = after;
    return root;
  }

  /** Set for the units of a .dwo file: their bases count differently and addresses are the skeleton's. */
  isSplit = false;
  /** Of each skeleton, by the id that its split unit carries too. */
  addressBases: ReadonlyMap<bigint, number> | undefined;

  /** Name id of a slot; 0 when the DIE has none or it is empty. */
  name(slot: number): number {
    const cursor = this.cursor;
    if ((cursor.present & (1 << slot)) === 0) return 0;
    // Nearly all names: hot.
    if (cursor.step[slot] === Step.strp4 && this.plainNames) {
      const id = this.sections.names.atOffset(cursor.low[slot]! >>> 0);
      if (id >= 0) return id;
    }
    const id = this.stringId(cursor.step[slot]!, cursor.low[slot]!, cursor.high[slot]!);
    return this.kabiPrefix === 0 ? id : this.withoutKabiSuffix(id);
  }

  private withoutKabiSuffix(id: number): number {
    return this.sections.names.text(id).startsWith(this.settings.kabiPrefix!) ? this.kabiPrefix : id;
  }

  private stringId(step: number, low: number, high: number): number {
    const { sections } = this;
    const { names } = sections;
    switch (step) {
      case Step.strp4:
      case Step.strp8: {
        if (this.inSupplement) return this.supplementName(low >>> 0);
        if (sections.strings !== undefined)
          return this.sectionString(sections.strings, ".debug_str", low >>> 0, this.otherNames);
        const id = names.atOffset(low >>> 0);
        if (id < 0)
          throw this.cursor.bad(
            "DWARF_STRING",
            `string offset 0x${(low >>> 0).toString(16)} is outside .debug_str`,
          );
        return id;
      }
      case Step.string:
        return names.ofBytes(this.cursor.bytes, low, low + high);
      case Step.lineStrp4:
      case Step.lineStrp8:
        if (this.inSupplement) {
          const lines = sections.supplementLineStrings;
          return this.sectionString(lines, ".debug_line_str", low >>> 0, this.supplementLineNames);
        }
        return this.sectionString(sections.lineStrings, ".debug_line_str", low >>> 0, this.lineNames);
      case Step.strpSup4:
      case Step.strpSup8:
        return this.supplementName(low >>> 0);
      case Step.strx:
      case Step.strx1:
      case Step.strx2:
      case Step.strx3:
      case Step.strx4: {
        const width = this.cursor.shape.offsetByteSize;
        const offset = this.tableValue(
          sections.stringOffsets,
          ".debug_str_offsets",
          this.root.stringOffsetsBase + (low >>> 0) * width,
          width,
        );
        return this.stringId(Step.strp4, offset, 0);
      }
      default:
        return 0;
    }
  }

  /** Name at an offset of the supplementary file's .debug_str. */
  private supplementName(offset: number): number {
    const { supplementStrings } = this.sections;
    return this.sectionString(supplementStrings, "supplementary .debug_str", offset, this.supplementNames);
  }

  private sectionString(
    bytes: Uint8Array | undefined,
    what: string,
    offset: number,
    cache: Map<number, number>,
  ): number {
    const known = cache.get(offset);
    if (known !== undefined) return known;
    const end = bytes === undefined || offset >= bytes.length ? -1 : bytes.indexOf(0, offset);
    if (end < 0)
      throw this.cursor.bad("DWARF_STRING", `string offset 0x${offset.toString(16)} is outside ${what}`);
    const id = this.sections.names.ofBytes(bytes!, offset, end);
    cache.set(offset, id);
    return id;
  }

  private tableValue(bytes: Uint8Array | undefined, what: string, offset: number, width: number): number {
    if (bytes === undefined || offset + width > bytes.length) {
      throw this.cursor.bad("DWARF_INDEX", `index leads to 0x${offset.toString(16)}, outside ${what}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, width);
    const little = this.sections.littleEndian;
    return width === 8 ? Number(view.getBigUint64(0, little)) : view.getUint32(0, little);
  }

  /** Address number `index` of .debug_addr as a 64-bit number. */
  addressAt(index: number): bigint {
    const width = this.cursor.shape.addressByteSize;
    const bytes = this.sections.addresses;
    const offset = this.root.addressBase + index * width;
    if (bytes === undefined || offset + width > bytes.length || (width !== 4 && width !== 8)) {
      throw this.cursor.bad("DWARF_INDEX", `address index ${index} is outside .debug_addr`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, width);
    const little = this.sections.littleEndian;
    return width === 8 ? view.getBigUint64(0, little) : BigInt(view.getUint32(0, little));
  }

  /** Value of an address slot. */
  address(slot: number): bigint {
    const cursor = this.cursor;
    switch (cursor.step[slot]) {
      case Step.address4:
      case Step.address8:
        return (BigInt(cursor.high[slot]! >>> 0) << 32n) | BigInt(cursor.low[slot]! >>> 0);
      case Step.addrx:
      case Step.addrx1:
      case Step.addrx2:
      case Step.addrx3:
      case Step.addrx4:
        return this.addressAt(cursor.low[slot]! >>> 0);
      default:
        return 0n;
    }
  }

  /**
   * Read the DIE with this key (the definition, where that one only stands for a type unit's), run
   * `look` on the slots it fills, and return to where the cursor was. Undefined when there is no such DIE.
   */
  at<T>(key: number, look: () => T, followSignature = true): T | undefined {
    const cursor = this.cursor;
    const index = this.unitIndex;
    const root = this.root;
    const { position, tag, hasChildren, diePosition, present } = cursor;
    try {
      if (this.merged) {
        const other = this.unitOfKey(key);
        if (other < 0) return undefined;
        if (other !== index) {
          this.place(other);
          this.root = this.roots[other] ?? (this.roots[other] = this.readRoot());
        }
      }
      const target = cursor.positionOfKey(key);
      if (!(target > cursor.unitPosition && target < cursor.end)) return undefined;
      cursor.position = target;
      if (cursor.next() === 0) return undefined;
      if (followSignature && cursor.present & (1 << Slot.signature) && cursor.low[Slot.signature]! >= 0)
        return this.at(cursor.low[Slot.signature]!, look, false);
      return look();
    } catch (error) {
      // A reference into the middle of something: as good as none.
      if (error instanceof FormatError) return undefined;
      throw error;
    } finally {
      if (this.unitIndex !== index) this.place(index);
      this.root = root;
      cursor.position = position;
      cursor.tag = tag;
      cursor.hasChildren = hasChildren;
      cursor.diePosition = diePosition;
      cursor.present = present;
    }
  }

  private unitOfKey(key: number): number {
    let low = 0;
    let high = this.units.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { header, place } = this.units[middle]!;
      const start =
        header.offset + (place === "info" ? 0 : place === "types" ? this.typesBase : this.supplementBase);
      if (key < start) high = middle - 1;
      else if (key >= start + header.byteSize) low = middle + 1;
      else return middle;
    }
    return -1;
  }

  /** Key of the type that a type unit with this signature describes; -1 for none. */
  private keyOfSignature(low: number, high: number): number {
    if (this.signatures === undefined) {
      this.signatures = new Map();
      for (const { header, place } of this.units) {
        if (header.typeOffset === undefined || header.signature === undefined) continue;
        const base = place === "info" ? 0 : place === "types" ? this.typesBase : this.supplementBase;
        this.signatures.set(header.signature, base + header.offset + header.typeOffset);
      }
    }
    return this.signatures.get((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) ?? -1;
  }
}

function emptyRoot(): UnitRoot {
  return {
    tag: 0,
    language: 0,
    name: 0,
    producerIsClang: false,
    hasChildren: false,
    stringOffsetsBase: 0,
    addressBase: 0,
    locationListsBase: 0,
    splitName: 0,
    splitDirectory: 0,
    splitId: undefined,
  };
}
