import { FormatError } from "../io/index.ts";
import * as c from "./constants.ts";

/**
 * Abbreviation tables (DWARF 5, 7.5.3), each compiled to plans: a plan is the list of steps that
 * moves over one DIE's attributes, keeps those somebody may want in numbered slots and merges runs
 * of unwanted fixed-size forms into one skip.
 */

/** Slots of {@link DieCursor}: where a kept attribute's value lands. Slot 0 is the bin. */
export const Slot = {
  none: 0,
  name: 1,
  type: 2,
  byteSize: 3,
  bitSize: 4,
  bitOffset: 5,
  dataBitOffset: 6,
  memberLocation: 7,
  encoding: 8,
  declaration: 9,
  external: 10,
  artificial: 11,
  constValue: 12,
  upperBound: 13,
  count: 14,
  sibling: 15,
  location: 16,
  abstractOrigin: 17,
  specification: 18,
  lowPc: 19,
  inline: 20,
  callingConvention: 21,
  signature: 22,
  annotation: 23,
  import: 24,
} as const;

/** Number of slots, with room to stay a power of two. */
export const slotCount = 32;

/** Steps of a plan. What a slot's value means depends on the step that filled it. */
export const Step = {
  end: 0,
  /** One word follows: bytes to skip. */
  skip: 1,
  data1: 2,
  data2: 3,
  data4: 4,
  data8: 5,
  sdata: 6,
  udata: 7,
  /** Two words follow: low and high half of the value. */
  implicitConst: 8,
  flag: 9,
  flagPresent: 10,
  /** Offset into .debug_str, 4 or 8 bytes wide. */
  strp4: 11,
  strp8: 12,
  lineStrp4: 13,
  lineStrp8: 14,
  /** Offset into the supplementary file's .debug_str. */
  strpSup4: 15,
  strpSup8: 16,
  /** Inline string: low is its position, high its length in bytes. */
  string: 17,
  strx: 18,
  strx1: 19,
  strx2: 20,
  strx3: 21,
  strx4: 22,
  ref1: 23,
  ref2: 24,
  ref4: 25,
  ref8: 26,
  refUdata: 27,
  refAddr4: 28,
  refAddr8: 29,
  refSup4: 30,
  refSup8: 31,
  refSig8: 32,
  /** Offset into another section. */
  sectionOffset4: 33,
  sectionOffset8: 34,
  /** Expression or block: low is its position, high its length in bytes. */
  block1: 35,
  block2: 36,
  block4: 37,
  block: 38,
  address4: 39,
  address8: 40,
  addrx: 41,
  addrx1: 42,
  addrx2: 43,
  addrx3: 44,
  addrx4: 45,
  loclistx: 46,
  data16: 47,
  /** The form itself is in .debug_info. */
  indirect: 48,
} as const;

/** What decides how wide a form is. */
export interface UnitShape {
  version: number;
  /** Bytes of an address: 4 or 8 (1 and 2 are read, nothing uses them). */
  addressByteSize: number;
  /** Bytes of an offset: 4, or 8 in the 64-bit DWARF format. */
  offsetByteSize: number;
}

/** One abbreviation table. Columns are indexed by abbreviation code (or by {@link sparse}'s answer). */
export interface AbbreviationTable {
  /** DW_TAG_ code; 0 where no abbreviation has this code. */
  tag: Uint16Array;
  hasChildren: Uint8Array;
  /** Index of the plan's first step in {@link plan}. */
  planStart: Int32Array;
  /** Bit n: slot n is filled by every DIE with this abbreviation. */
  present: Int32Array;
  plan: Int32Array;
  /**
   * Not 0: a DW_TAG_member of the one shape that nearly all have, so that a loop can read it without
   * a plan. See {@link PlainMember}.
   */
  plainMember: Int32Array;
  /** Code to column index, where codes are too far apart to index columns. */
  sparse: Map<number, number> | undefined;
  /** Attributes of the abbreviations for unit DIEs, which are read one by one: attribute, step, low and high half of a constant in the abbreviation. */
  unitAttributes: Map<number, number[]>;
}

const slotOfAttribute = new Map<number, number>([
  [c.DW_AT_name, Slot.name],
  [c.DW_AT_type, Slot.type],
  [c.DW_AT_byte_size, Slot.byteSize],
  [c.DW_AT_bit_size, Slot.bitSize],
  [c.DW_AT_bit_offset, Slot.bitOffset],
  [c.DW_AT_data_bit_offset, Slot.dataBitOffset],
  [c.DW_AT_data_member_location, Slot.memberLocation],
  [c.DW_AT_encoding, Slot.encoding],
  [c.DW_AT_declaration, Slot.declaration],
  [c.DW_AT_external, Slot.external],
  [c.DW_AT_artificial, Slot.artificial],
  [c.DW_AT_const_value, Slot.constValue],
  [c.DW_AT_upper_bound, Slot.upperBound],
  [c.DW_AT_count, Slot.count],
  [c.DW_AT_sibling, Slot.sibling],
  [c.DW_AT_location, Slot.location],
  [c.DW_AT_abstract_origin, Slot.abstractOrigin],
  [c.DW_AT_specification, Slot.specification],
  [c.DW_AT_low_pc, Slot.lowPc],
  [c.DW_AT_inline, Slot.inline],
  [c.DW_AT_calling_convention, Slot.callingConvention],
  [c.DW_AT_signature, Slot.signature],
  [c.DW_AT_GNU_annotation, Slot.annotation],
  [c.DW_AT_import, Slot.import],
]);

const unitTags = new Set<number>([
  c.DW_TAG_compile_unit,
  c.DW_TAG_partial_unit,
  c.DW_TAG_type_unit,
  c.DW_TAG_skeleton_unit,
]);

/** Tags of which nobody wants an attribute but the sibling. */
const uninteresting = new Set<number>([
  c.DW_TAG_call_site,
  c.DW_TAG_call_site_parameter,
  c.DW_TAG_GNU_call_site,
  c.DW_TAG_GNU_call_site_parameter,
  c.DW_TAG_inlined_subroutine,
  c.DW_TAG_lexical_block,
  c.DW_TAG_label,
]);

/** More attributes than any producer writes; a table beyond it is not DWARF. */
const maximumAttributes = 4096;

/**
 * Read the table that starts at `offset` of .debug_abbrev and compile it for units of `shape`.
 * @throws {FormatError} on truncation or an unknown form.
 */
export function compileAbbreviations(
  section: Uint8Array,
  offset: number,
  shape: UnitShape,
  file: string,
): AbbreviationTable {
  let position = offset;
  const bad = (code: string, problem: string): never => {
    throw new FormatError(code, problem, { file, section: ".debug_abbrev", offset: position });
  };
  const uleb = (): number => {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = section[position++];
      if (byte === undefined) return bad("DWARF_TRUNCATED", "abbreviation table runs past the section");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return bad("DWARF_LEB128", "LEB128 number longer than 10 bytes");
  };
  const sleb = (): bigint => {
    let value = 0n;
    let shift = 0n;
    for (let i = 0; i < 10; i++) {
      const byte = section[position++];
      if (byte === undefined) return bad("DWARF_TRUNCATED", "abbreviation table runs past the section");
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return BigInt.asIntN(64, byte & 0x40 ? value - (1n << shift) : value);
    }
    return bad("DWARF_LEB128", "LEB128 number longer than 10 bytes");
  };

  if (offset >= section.length)
    bad("DWARF_ABBREVIATION_OFFSET", "abbreviation table starts past the section");
  const codes: number[] = [];
  const tags: number[] = [0];
  const children: number[] = [0];
  const starts: number[] = [0];
  const presents: number[] = [0];
  const plan: number[] = [Step.end];
  const unitAttributes = new Map<number, number[]>();
  let highest = 0;
  for (;;) {
    const code = uleb();
    if (code === 0) break;
    const tag = uleb();
    const hasChildren =
      section[position++] ?? bad("DWARF_TRUNCATED", "abbreviation table runs past the section");
    if (tag === 0 || tag > 0xffff) bad("DWARF_TAG", `abbreviation ${code} has tag 0x${tag.toString(16)}`);
    const keepsOnlySibling = uninteresting.has(tag);
    starts.push(plan.length);
    let present = 0;
    let pendingSkip = 0;
    const unitList: number[] | undefined = unitTags.has(tag) ? [] : undefined;
    for (let count = 0; ; count++) {
      const attribute = uleb();
      const form = uleb();
      const constant = form === c.DW_FORM_implicit_const ? sleb() : 0n;
      if (attribute === 0 && form === 0) break;
      if (count === maximumAttributes)
        bad("DWARF_ABBREVIATION", `abbreviation ${code} has too many attributes`);
      unitList?.push(
        attribute,
        stepOfForm(form, shape),
        Number(BigInt.asIntN(32, constant)),
        Number(BigInt.asIntN(32, constant >> 32n)),
      );
      let slot = slotOfAttribute.get(attribute) ?? Slot.none;
      if (keepsOnlySibling && slot !== Slot.sibling) slot = Slot.none;
      if (slot === Slot.none) {
        const fixed = fixedByteSize(form, shape);
        if (fixed >= 0) {
          pendingSkip += fixed;
          continue;
        }
      }
      if (pendingSkip > 0) {
        plan.push(Step.skip, pendingSkip);
        pendingSkip = 0;
      }
      const step = stepOfForm(form, shape);
      if (step < 0) bad("DWARF_UNKNOWN_FORM", `unknown form 0x${form.toString(16)} (abbreviation ${code})`);
      plan.push(step | (slot << 8));
      if (step === Step.implicitConst) {
        plan.push(Number(BigInt.asIntN(32, constant)), Number(BigInt.asIntN(32, constant >> 32n)));
      }
      if (slot !== Slot.none) present |= 1 << slot;
    }
    if (pendingSkip > 0) plan.push(Step.skip, pendingSkip);
    plan.push(Step.end);
    if (unitList !== undefined && !unitAttributes.has(code)) unitAttributes.set(code, unitList);
    codes.push(code);
    tags.push(tag);
    children.push(hasChildren);
    presents.push(present);
    if (code > highest) highest = code;
  }
  return arrange(codes, highest, tags, children, starts, presents, plan, unitAttributes);
}

/** Whether a step leaves a constant in its slot. */
export function isConstant(step: number): boolean {
  return step >= Step.data1 && step <= Step.implicitConst;
}

/**
 * Codes in {@link AbbreviationTable.plainMember}: a 4-byte string offset, bytes to skip (in the bits
 * from {@link skipShift} on), a 4-byte reference within the unit, then the location of this width.
 */
export const PlainMember = { noLocation: 1, location1: 2, location2: 3, location4: 4, skipShift: 8 } as const;

function plainMemberOf(plan: readonly number[], start: number): number {
  let p = start;
  if (plan[p++] !== (Step.strp4 | (Slot.name << 8))) return 0;
  let skip = 0;
  if (plan[p] === Step.skip) {
    skip = plan[p + 1]!;
    p += 2;
  }
  if (plan[p++] !== (Step.ref4 | (Slot.type << 8)) || skip > 64) return 0;
  const width = plan[p] === Step.end ? PlainMember.noLocation : locationWidth(plan[p++]!);
  return width === 0 || plan[p] !== Step.end ? 0 : width | (skip << PlainMember.skipShift);
}

function locationWidth(word: number): number {
  switch (word) {
    case Step.data1 | (Slot.memberLocation << 8):
      return PlainMember.location1;
    case Step.data2 | (Slot.memberLocation << 8):
      return PlainMember.location2;
    case Step.data4 | (Slot.memberLocation << 8):
      return PlainMember.location4;
    default:
      return 0;
  }
}

function arrange(
  codes: number[],
  highest: number,
  tags: number[],
  children: number[],
  starts: number[],
  presents: number[],
  plan: number[],
  unitAttributes: Map<number, number[]>,
): AbbreviationTable {
  const dense = highest <= codes.length * 4 + 64;
  const length = dense ? highest + 1 : codes.length + 1;
  const table: AbbreviationTable = {
    tag: new Uint16Array(length),
    hasChildren: new Uint8Array(length),
    planStart: new Int32Array(length),
    plainMember: new Int32Array(length),
    present: new Int32Array(length),
    plan: Int32Array.from(plan),
    sparse: dense ? undefined : new Map(),
    unitAttributes,
  };
  for (let i = codes.length; i >= 1; i--) {
    // Backwards, so that the first of two equal codes wins, as it does for a reader that searches.
    const index = dense ? codes[i - 1]! : i;
    table.sparse?.set(codes[i - 1]!, i);
    table.tag[index] = tags[i]!;
    table.hasChildren[index] = children[i]!;
    table.planStart[index] = starts[i]!;
    table.present[index] = presents[i]!;
    if (tags[i] === c.DW_TAG_member && children[i] === 0)
      table.plainMember[index] = plainMemberOf(plan, starts[i]!);
  }
  return table;
}

/** Bytes of a form of fixed size, -1 for all others. */
function fixedByteSize(form: number, shape: UnitShape): number {
  switch (form) {
    case c.DW_FORM_flag_present:
    case c.DW_FORM_implicit_const:
      return 0;
    case c.DW_FORM_data1:
    case c.DW_FORM_ref1:
    case c.DW_FORM_flag:
    case c.DW_FORM_strx1:
    case c.DW_FORM_addrx1:
      return 1;
    case c.DW_FORM_data2:
    case c.DW_FORM_ref2:
    case c.DW_FORM_strx2:
    case c.DW_FORM_addrx2:
      return 2;
    case c.DW_FORM_strx3:
    case c.DW_FORM_addrx3:
      return 3;
    case c.DW_FORM_data4:
    case c.DW_FORM_ref4:
    case c.DW_FORM_ref_sup4:
    case c.DW_FORM_strx4:
    case c.DW_FORM_addrx4:
      return 4;
    case c.DW_FORM_data8:
    case c.DW_FORM_ref8:
    case c.DW_FORM_ref_sup8:
    case c.DW_FORM_ref_sig8:
      return 8;
    case c.DW_FORM_data16:
      return 16;
    case c.DW_FORM_addr:
      return shape.addressByteSize;
    case c.DW_FORM_ref_addr:
      // DWARF 2 made it as wide as an address.
      return shape.version <= 2 ? shape.addressByteSize : shape.offsetByteSize;
    case c.DW_FORM_strp:
    case c.DW_FORM_line_strp:
    case c.DW_FORM_strp_sup:
    case c.DW_FORM_sec_offset:
    case c.DW_FORM_GNU_ref_alt:
    case c.DW_FORM_GNU_strp_alt:
      return shape.offsetByteSize;
    default:
      return -1;
  }
}

/** The step that reads a form, -1 for an unknown one. */
export function stepOfForm(form: number, shape: UnitShape): number {
  const wide = shape.offsetByteSize === 8;
  switch (form) {
    case c.DW_FORM_addr:
      return shape.addressByteSize === 8 ? Step.address8 : shape.addressByteSize === 4 ? Step.address4 : -1;
    case c.DW_FORM_data1:
      return Step.data1;
    case c.DW_FORM_data2:
      return Step.data2;
    case c.DW_FORM_data4:
      return Step.data4;
    case c.DW_FORM_data8:
      return Step.data8;
    case c.DW_FORM_data16:
      return Step.data16;
    case c.DW_FORM_sdata:
      return Step.sdata;
    case c.DW_FORM_udata:
      return Step.udata;
    case c.DW_FORM_implicit_const:
      return Step.implicitConst;
    case c.DW_FORM_flag:
      return Step.flag;
    case c.DW_FORM_flag_present:
      return Step.flagPresent;
    case c.DW_FORM_string:
      return Step.string;
    case c.DW_FORM_strp:
      return wide ? Step.strp8 : Step.strp4;
    case c.DW_FORM_line_strp:
      return wide ? Step.lineStrp8 : Step.lineStrp4;
    case c.DW_FORM_strp_sup:
    case c.DW_FORM_GNU_strp_alt:
      return wide ? Step.strpSup8 : Step.strpSup4;
    case c.DW_FORM_strx:
    case c.DW_FORM_GNU_str_index:
      return Step.strx;
    case c.DW_FORM_strx1:
      return Step.strx1;
    case c.DW_FORM_strx2:
      return Step.strx2;
    case c.DW_FORM_strx3:
      return Step.strx3;
    case c.DW_FORM_strx4:
      return Step.strx4;
    case c.DW_FORM_ref1:
      return Step.ref1;
    case c.DW_FORM_ref2:
      return Step.ref2;
    case c.DW_FORM_ref4:
      return Step.ref4;
    case c.DW_FORM_ref8:
      return Step.ref8;
    case c.DW_FORM_ref_udata:
      return Step.refUdata;
    case c.DW_FORM_ref_addr:
      return (shape.version <= 2 ? shape.addressByteSize : shape.offsetByteSize) === 8
        ? Step.refAddr8
        : Step.refAddr4;
    case c.DW_FORM_ref_sup4:
      return Step.refSup4;
    case c.DW_FORM_ref_sup8:
      return Step.refSup8;
    case c.DW_FORM_GNU_ref_alt:
      return wide ? Step.refSup8 : Step.refSup4;
    case c.DW_FORM_ref_sig8:
      return Step.refSig8;
    case c.DW_FORM_sec_offset:
      return wide ? Step.sectionOffset8 : Step.sectionOffset4;
    case c.DW_FORM_rnglistx:
      return Step.udata;
    case c.DW_FORM_loclistx:
      return Step.loclistx;
    case c.DW_FORM_block1:
      return Step.block1;
    case c.DW_FORM_block2:
      return Step.block2;
    case c.DW_FORM_block4:
      return Step.block4;
    case c.DW_FORM_block:
    case c.DW_FORM_exprloc:
      return Step.block;
    case c.DW_FORM_addrx:
    case c.DW_FORM_GNU_addr_index:
      return Step.addrx;
    case c.DW_FORM_addrx1:
      return Step.addrx1;
    case c.DW_FORM_addrx2:
      return Step.addrx2;
    case c.DW_FORM_addrx3:
      return Step.addrx3;
    case c.DW_FORM_addrx4:
      return Step.addrx4;
    case c.DW_FORM_indirect:
      return Step.indirect;
    default:
      return -1;
  }
}
