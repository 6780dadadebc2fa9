/**
 * A small DWARF assembler: trees of entries written as data in, debug sections out. Labels resolve
 * forward; options choose version, 32- or 64-bit format, address size and byte order. Deliberately
 * naive, and apart from `src/dwarf` except for the numbers of its constants.
 */
import * as d from "../../src/dwarf/constants.ts";
import { ByteWriter } from "./bytes.ts";

export interface DwarfShape {
  version: number;
  /** The 64-bit format: offsets of 8 bytes. */
  wide: boolean;
  addressByteSize: number;
  littleEndian: boolean;
}

export const defaultShape: DwarfShape = { version: 5, wide: false, addressByteSize: 8, littleEndian: true };

/** Every version in either format, for loops over cases. */
export const dwarfShapes: readonly (DwarfShape & { name: string })[] = [2, 3, 4, 5].flatMap((version) =>
  [false, true]
    .filter((wide) => !wide || version > 2)
    .flatMap((wide) =>
      [true, false].map((littleEndian) => ({
        version,
        wide,
        addressByteSize: 8,
        littleEndian,
        name: `DWARF ${version}${wide ? " in 64-bit format" : ""}, ${littleEndian ? "little" : "big"}-endian`,
      })),
    ),
);

/** A value with the form it is to be written in. */
export interface Formed {
  form: number;
  value: number | bigint | string | ArrayLike<number> | Label;
  /** Wrap in DW_FORM_indirect. */
  indirect?: boolean;
}

export interface Label {
  label: string;
}

/**
 * Without a form: text is DW_FORM_strp, a number the shortest constant, `true` a flag, bytes an
 * expression, a label a reference within the unit.
 */
export type Value = string | number | bigint | boolean | readonly number[] | Uint8Array | Label | Formed;

export interface Die {
  tag: number;
  label: string | undefined;
  /** By attribute: the name without `DW_AT_`, or its number. */
  attributes: readonly (readonly [attribute: number, value: Value])[];
  children: readonly Die[] | undefined;
}

export interface Unit {
  root: Die;
  shape?: Partial<DwarfShape>;
  /** DW_UT_ code; DW_UT_compile by default. */
  unitType?: number;
  /** Goes to .debug_types (DWARF 4). */
  inTypes?: boolean;
  /** Of a type unit, or the id of a skeleton or split unit. */
  signature?: bigint;
  /** Label of a type unit's type. */
  typeLabel?: string;
  /** Number of the n-th abbreviation (from 0); n + 1 by default. */
  abbreviationCode?: (index: number) => number;
}

export type DwarfSections = Record<string, Uint8Array>;

const attributeNumbers = d as unknown as Readonly<Record<string, number>>;

/** An entry. `name` before `:` of a tag is the label: `die("structure_type:list", ...)`. */
export function die(
  tag: string | number,
  attributes: Readonly<Record<string, Value>> = {},
  children?: readonly Die[],
): Die {
  let label: string | undefined;
  let number: number | undefined;
  if (typeof tag === "number") number = tag;
  else {
    const [name, own] = tag.split(":");
    label = own;
    number = attributeNumbers[`DW_TAG_${name}`];
  }
  if (number === undefined) throw new Error(`no tag "${tag}"`);
  const pairs = Object.entries(attributes).map(([name, value]): readonly [number, Value] => {
    const attribute = /^\d/.test(name) ? Number(name) : attributeNumbers[`DW_AT_${name}`];
    if (attribute === undefined) throw new Error(`no attribute "${name}"`);
    return [attribute, value];
  });
  return { tag: number, label, attributes: pairs, children };
}

/** A reference within the unit. */
export function to(label: string): Label {
  return { label };
}

/** A value in a form of its own: `formed("data4", 7)`. */
export function formed(form: string | number, value: Formed["value"]): Formed {
  const number = typeof form === "number" ? form : attributeNumbers[`DW_FORM_${form}`];
  if (number === undefined) throw new Error(`no form "${form}"`);
  return { form: number, value };
}

/** A reference into any unit of the section. */
export function toAny(label: string): Formed {
  return { form: d.DW_FORM_ref_addr, value: { label } };
}

export function indirect(form: string | number, value: Formed["value"]): Formed {
  return { ...formed(form, value), indirect: true };
}

/** Bytes of DW_OP_addr. */
export function atAddress(address: number | bigint, shape: Partial<DwarfShape> = {}): Uint8Array {
  const { littleEndian, addressByteSize } = { ...defaultShape, ...shape };
  return new ByteWriter(littleEndian).u8(d.DW_OP_addr).uint(addressByteSize, address).finish();
}

export function unsignedLeb(value: number | bigint, minimumBytes = 1): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < minimumBytes);
  bytes[bytes.length - 1]! &= 0x7f;
  return bytes;
}

export function signedLeb(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** What units became, and where their labels are. */
export interface AssembledDwarf {
  sections: DwarfSections;
  /** Section offset of a labelled entry. */
  offsetOf: (label: string) => number;
}

export function assembleDwarf(units: readonly Unit[], shape: Partial<DwarfShape> = {}): AssembledDwarf {
  return new Assembler({ ...defaultShape, ...shape }).assemble(units);
}

interface Fixup {
  section: Output;
  at: number;
  form: number;
  byteSize: number;
  label: string;
  unitStart: number;
  unitLabels: ReadonlyMap<string, number>;
}

/** Bytes that may be changed again after they were written. */
class Output {
  bytes: number[] = [];
  readonly littleEndian: boolean;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  uint(byteSize: number, value: number | bigint): void {
    this.bytes.push(...new ByteWriter(this.littleEndian).uint(byteSize, value).finish());
  }

  put(at: number, byteSize: number, value: number | bigint): void {
    const bytes = new ByteWriter(this.littleEndian).uint(byteSize, value).finish();
    bytes.forEach((byte, i) => (this.bytes[at + i] = byte));
  }
}

class Strings {
  readonly output: Output;
  readonly offsets = new Map<string, number>();

  constructor(output: Output) {
    this.output = output;
  }

  add(text: string): number {
    let offset = this.offsets.get(text);
    if (offset === undefined) {
      offset = this.output.bytes.length;
      this.output.bytes.push(...Buffer.from(text), 0);
      this.offsets.set(text, offset);
    }
    return offset;
  }
}

class Assembler {
  readonly #shape: DwarfShape;
  readonly #info: Output;
  readonly #types: Output;
  readonly #abbreviations: Output;
  readonly #strings: Strings;
  readonly #lineStrings: Strings;
  readonly #stringOffsets: Output;
  readonly #addresses: Output;
  /** First of each name; a unit's own come before those of others. */
  readonly #labels = new Map<string, number>();
  #unitLabels = new Map<string, number>();
  readonly #fixups: Fixup[] = [];

  constructor(shape: DwarfShape) {
    this.#shape = shape;
    const { littleEndian } = shape;
    this.#info = new Output(littleEndian);
    this.#types = new Output(littleEndian);
    this.#abbreviations = new Output(littleEndian);
    this.#strings = new Strings(new Output(littleEndian));
    // The empty string is where an offset of 0 leads.
    this.#strings.add("");
    this.#lineStrings = new Strings(new Output(littleEndian));
    this.#stringOffsets = new Output(littleEndian);
    this.#addresses = new Output(littleEndian);
  }

  assemble(units: readonly Unit[]): AssembledDwarf {
    for (const unit of units) this.#unit(unit);
    for (const fixup of this.#fixups) this.#resolve(fixup);
    const sections: DwarfSections = {};
    const add = (name: string, output: Output): void => {
      if (output.bytes.length > 0) sections[name] = Uint8Array.from(output.bytes);
    };
    add(".debug_info", this.#info);
    add(".debug_types", this.#types);
    add(".debug_abbrev", this.#abbreviations);
    add(".debug_str", this.#strings.output);
    add(".debug_line_str", this.#lineStrings.output);
    add(".debug_str_offsets", this.#stringOffsets);
    add(".debug_addr", this.#addresses);
    return {
      sections,
      offsetOf: (label) => {
        const offset = this.#labels.get(label);
        if (offset === undefined) throw new Error(`no label "${label}"`);
        return offset;
      },
    };
  }

  #unit(unit: Unit): void {
    const shape = { ...this.#shape, ...unit.shape };
    const section = unit.inTypes === true ? this.#types : this.#info;
    this.#unitLabels = new Map();
    const start = section.bytes.length;
    const offsetByteSize = shape.wide ? 8 : 4;
    if (shape.wide) section.uint(4, 0xffff_ffff);
    const lengthAt = section.bytes.length;
    section.uint(offsetByteSize, 0);
    const from = section.bytes.length;
    const abbreviationOffset = this.#abbreviations.bytes.length;
    section.uint(2, shape.version);
    const unitType = unit.unitType ?? d.DW_UT_compile;
    if (shape.version >= 5) {
      section.uint(1, unitType);
      section.uint(1, shape.addressByteSize);
      section.uint(offsetByteSize, abbreviationOffset);
    } else {
      section.uint(offsetByteSize, abbreviationOffset);
      section.uint(1, shape.addressByteSize);
    }
    if (unit.signature !== undefined) section.uint(8, unit.signature);
    let typeOffsetAt = -1;
    if (unit.typeLabel !== undefined) {
      typeOffsetAt = section.bytes.length;
      section.uint(offsetByteSize, 0);
    }
    new UnitWriter(this, section, start, shape, unit.abbreviationCode ?? ((index) => index + 1)).write(
      unit.root,
      this.#abbreviations,
    );
    section.put(lengthAt, offsetByteSize, section.bytes.length - from);
    if (unit.typeLabel !== undefined)
      section.put(typeOffsetAt, offsetByteSize, this.#unitLabels.get(unit.typeLabel)! - start);
  }

  label(name: string, offset: number): void {
    if (this.#unitLabels.has(name)) throw new Error(`label "${name}" twice`);
    this.#unitLabels.set(name, offset);
    if (!this.#labels.has(name)) this.#labels.set(name, offset);
  }

  fixup(fixup: Omit<Fixup, "unitLabels">): void {
    this.#fixups.push({ ...fixup, unitLabels: this.#unitLabels });
  }

  string(text: string): number {
    return this.#strings.add(text);
  }

  lineString(text: string): number {
    return this.#lineStrings.add(text);
  }

  /** Index in .debug_str_offsets, which has no header here: its base is 0. */
  stringIndex(text: string, offsetByteSize: number): number {
    const index = this.#stringOffsets.bytes.length / offsetByteSize;
    this.#stringOffsets.uint(offsetByteSize, this.#strings.add(text));
    return index;
  }

  /** Index in .debug_addr, which has no header here: its base is 0. */
  addressIndex(address: number | bigint, byteSize: number): number {
    const index = this.#addresses.bytes.length / byteSize;
    this.#addresses.uint(byteSize, address);
    return index;
  }

  #resolve({ section, at, form, byteSize, label, unitStart, unitLabels }: Fixup): void {
    const target = unitLabels.get(label) ?? this.#labels.get(label);
    if (target === undefined) throw new Error(`no label "${label}"`);
    const value = form === d.DW_FORM_ref_addr ? target : target - unitStart;
    if (form === d.DW_FORM_ref_udata)
      unsignedLeb(value, byteSize).forEach((byte, i) => (section.bytes[at + i] = byte));
    else section.put(at, byteSize, value);
  }
}

/** Writes the entries of one unit, and its abbreviations as it meets them. */
class UnitWriter {
  readonly #assembler: Assembler;
  readonly #section: Output;
  readonly #start: number;
  readonly #shape: DwarfShape;
  readonly #codeOf: (index: number) => number;
  readonly #codes = new Map<string, number>();
  readonly #table: number[] = [];

  constructor(
    assembler: Assembler,
    section: Output,
    start: number,
    shape: DwarfShape,
    codeOf: (index: number) => number,
  ) {
    this.#assembler = assembler;
    this.#section = section;
    this.#start = start;
    this.#shape = shape;
    this.#codeOf = codeOf;
  }

  write(root: Die, abbreviations: Output): void {
    this.#die(root);
    for (const byte of [...this.#table, 0]) abbreviations.bytes.push(byte);
  }

  #die({ tag, label, attributes, children }: Die): void {
    if (label !== undefined) this.#assembler.label(label, this.#section.bytes.length);
    const values = attributes.map(([attribute, value]) => [attribute, this.#formOf(value)] as const);
    const code = this.#abbreviation(tag, children !== undefined, values);
    this.#section.bytes.push(...unsignedLeb(code));
    for (const [, value] of values) this.#value(value);
    if (children === undefined) return;
    for (const child of children) this.#die(child);
    this.#section.bytes.push(0);
  }

  #abbreviation(tag: number, hasChildren: boolean, values: readonly (readonly [number, Formed])[]): number {
    const bytes = [...unsignedLeb(tag), hasChildren ? 1 : 0];
    for (const [attribute, { form, value, indirect: isIndirect }] of values) {
      bytes.push(...unsignedLeb(attribute), ...unsignedLeb(isIndirect === true ? d.DW_FORM_indirect : form));
      if (form === d.DW_FORM_implicit_const) bytes.push(...signedLeb(value as number | bigint));
    }
    bytes.push(0, 0);
    const key = bytes.join();
    let code = this.#codes.get(key);
    if (code === undefined) {
      code = this.#codeOf(this.#codes.size);
      this.#codes.set(key, code);
      this.#table.push(...unsignedLeb(code), ...bytes);
    }
    return code;
  }

  #formOf(value: Value): Formed {
    const { version } = this.#shape;
    switch (typeof value) {
      case "string":
        return { form: d.DW_FORM_strp, value };
      case "boolean":
        return version >= 4 && value
          ? { form: d.DW_FORM_flag_present, value: 1 }
          : { form: d.DW_FORM_flag, value: value ? 1 : 0 };
      case "number":
      case "bigint":
        return { form: value < 0 ? d.DW_FORM_sdata : d.DW_FORM_udata, value };
      default:
        break;
    }
    if ("form" in value) return value;
    if ("label" in value) return { form: d.DW_FORM_ref4, value };
    return { form: version >= 4 ? d.DW_FORM_exprloc : d.DW_FORM_block1, value };
  }

  #value({ form, value, indirect: isIndirect }: Formed): void {
    const section = this.#section;
    const { addressByteSize, wide, version } = this.#shape;
    const offsetByteSize = wide ? 8 : 4;
    const number = value as number | bigint;
    if (isIndirect === true) section.bytes.push(...unsignedLeb(form));
    switch (form) {
      case d.DW_FORM_string:
        section.bytes.push(...Buffer.from(value as string), 0);
        return;
      case d.DW_FORM_strp:
        section.uint(offsetByteSize, typeof value === "string" ? this.#assembler.string(value) : number);
        return;
      case d.DW_FORM_line_strp:
        section.uint(offsetByteSize, typeof value === "string" ? this.#assembler.lineString(value) : number);
        return;
      case d.DW_FORM_strx:
      case d.DW_FORM_GNU_str_index:
      case d.DW_FORM_strx1:
      case d.DW_FORM_strx2:
      case d.DW_FORM_strx3:
      case d.DW_FORM_strx4: {
        const index = typeof value === "string" ? this.#assembler.stringIndex(value, offsetByteSize) : number;
        if (form === d.DW_FORM_strx || form === d.DW_FORM_GNU_str_index)
          section.bytes.push(...unsignedLeb(index));
        else section.uint(form - d.DW_FORM_strx1 + 1, index);
        return;
      }
      case d.DW_FORM_addrx:
      case d.DW_FORM_GNU_addr_index:
        section.bytes.push(...unsignedLeb(this.#assembler.addressIndex(number, addressByteSize)));
        return;
      case d.DW_FORM_addrx1:
      case d.DW_FORM_addrx2:
      case d.DW_FORM_addrx3:
      case d.DW_FORM_addrx4:
        section.uint(form - d.DW_FORM_addrx1 + 1, this.#assembler.addressIndex(number, addressByteSize));
        return;
      case d.DW_FORM_udata:
      case d.DW_FORM_loclistx:
      case d.DW_FORM_rnglistx:
        section.bytes.push(...unsignedLeb(number));
        return;
      case d.DW_FORM_sdata:
        section.bytes.push(...signedLeb(number));
        return;
      case d.DW_FORM_implicit_const:
      case d.DW_FORM_flag_present:
        return;
      case d.DW_FORM_exprloc:
      case d.DW_FORM_block:
      case d.DW_FORM_block1:
      case d.DW_FORM_block2:
      case d.DW_FORM_block4: {
        const bytes = Array.from(value as ArrayLike<number>);
        if (form === d.DW_FORM_exprloc || form === d.DW_FORM_block)
          section.bytes.push(...unsignedLeb(bytes.length));
        else section.uint(form === d.DW_FORM_block1 ? 1 : form === d.DW_FORM_block2 ? 2 : 4, bytes.length);
        section.bytes.push(...bytes);
        return;
      }
      case d.DW_FORM_data16:
        section.uint(16, BigInt(number));
        return;
      default:
        break;
    }
    const byteSize = fixedByteSize(form, addressByteSize, offsetByteSize, version);
    if (typeof value === "object" && "label" in value) {
      const at = section.bytes.length;
      this.#assembler.fixup({ section, at, form, byteSize, label: value.label, unitStart: this.#start });
      for (let i = 0; i < byteSize; i++) section.bytes.push(0);
    } else section.uint(byteSize, number);
  }
}

function fixedByteSize(
  form: number,
  addressByteSize: number,
  offsetByteSize: number,
  version: number,
): number {
  switch (form) {
    case d.DW_FORM_data1:
    case d.DW_FORM_ref1:
    case d.DW_FORM_flag:
      return 1;
    case d.DW_FORM_data2:
    case d.DW_FORM_ref2:
      return 2;
    case d.DW_FORM_data4:
    case d.DW_FORM_ref4:
    case d.DW_FORM_ref_sup4:
    // Padded, so that its size does not depend on where its label ends up.
    case d.DW_FORM_ref_udata:
      return 4;
    case d.DW_FORM_data8:
    case d.DW_FORM_ref8:
    case d.DW_FORM_ref_sup8:
    case d.DW_FORM_ref_sig8:
      return 8;
    case d.DW_FORM_addr:
      return addressByteSize;
    case d.DW_FORM_ref_addr:
      return version <= 2 ? addressByteSize : offsetByteSize;
    case d.DW_FORM_sec_offset:
    case d.DW_FORM_strp_sup:
    case d.DW_FORM_GNU_ref_alt:
    case d.DW_FORM_GNU_strp_alt:
      return offsetByteSize;
    default:
      throw new Error(`form 0x${form.toString(16)} has no writer`);
  }
}
