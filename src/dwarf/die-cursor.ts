import { FormatError } from "../io/index.ts";
import {
  Slot,
  slotCount,
  Step,
  stepOfForm,
  type AbbreviationTable,
  type UnitShape,
} from "./abbreviations.ts";

/** A reference to another unit was met while units are read one by one. */
export class ReferenceLeavesUnit extends Error {}

const emptyTable: AbbreviationTable = {
  tag: new Uint16Array(1),
  hasChildren: new Uint8Array(1),
  planStart: new Int32Array(1),
  present: new Int32Array(1),
  plan: new Int32Array(1),
  plainMember: new Int32Array(1),
  sparse: undefined,
  unitAttributes: new Map(),
};

/**
 * The fast door to .debug_info: one mutable cursor that the caller drives DIE by DIE. After
 * {@link next} the kept attributes of the DIE are in the slots; bit n of {@link present} says that
 * slot n was filled. Nothing is allocated per DIE.
 *
 * Positions are indexes into {@link bytes}; `windowOffset` turns them into section offsets.
 */
export class DieCursor {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Section offset of `bytes[0]`. */
  windowOffset = 0;
  /** Next byte to read. */
  position = 0;
  /** End of the unit, as a position. */
  end = 0;
  /** Position of the unit's header; references within the unit count from here. */
  unitPosition = 0;
  /** Added to unit-relative references and to DIE keys: 0, or the unit's place in a merged group. */
  referenceBase = 0;
  /**
   * References beyond the unit make sense: the units are read as one group. When false, such a
   * reference throws {@link ReferenceLeavesUnit}.
   */
  merged = false;
  /** Key of the type with a signature (low and high half), -1 for none. */
  signatureKey: ((low: number, high: number) => number) | undefined;
  /** Added to references into the whole section. */
  sectionReferenceBase = 0;
  /** Added to references into the supplementary file. */
  supplementReferenceBase = 0;
  littleEndian = true;
  shape: UnitShape = { version: 5, addressByteSize: 8, offsetByteSize: 4 };
  table: AbbreviationTable = emptyTable;
  file = "";
  section = ".debug_info";

  tag = 0;
  hasChildren = 0;
  /** Position of the current DIE. */
  diePosition = 0;
  /** Bit n: slot n holds a value of this DIE. */
  present = 0;
  /** Low 32 bits of each slot's value (signed in the array; `>>> 0` for the number). */
  readonly low: Int32Array = new Int32Array(slotCount);
  /** High 32 bits, or the length of a block or inline string. */
  readonly high: Int32Array = new Int32Array(slotCount);
  /** The {@link Step} that filled the slot. */
  readonly step: Uint8Array = new Uint8Array(slotCount);

  /** Put the cursor on a buffer of section bytes. */
  setWindow(bytes: Uint8Array, windowOffset: number): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.windowOffset = windowOffset;
  }

  /** The current DIE's key: its offset in the unit plus {@link referenceBase}. */
  get key(): number {
    return this.diePosition - this.unitPosition + this.referenceBase;
  }

  /** Where a key of this unit lies in the window. */
  positionOfKey(key: number): number {
    return key - this.referenceBase + this.unitPosition;
  }

  /** Error at `position`, which is turned into a section offset. */
  bad(code: string, problem: string, position: number = this.diePosition): FormatError {
    return new FormatError(
      code,
      `${problem} (unit 0x${(this.unitPosition + this.windowOffset).toString(16)})`,
      { file: this.file, section: this.section, offset: position + this.windowOffset },
    );
  }

  /** Value of a slot as an unsigned number of up to 53 bits. */
  unsigned(slot: number): number {
    return (this.high[slot]! >>> 0) * 0x1_0000_0000 + (this.low[slot]! >>> 0);
  }

  /** Read the next DIE. Returns its tag, 0 for the entry that ends a list of siblings. */
  next(): number {
    const position = this.position;
    if (position >= this.end)
      throw this.bad("DWARF_TRUNCATED", "list of entries runs past its unit", position);
    this.diePosition = position;
    const bytes = this.bytes;
    let code = bytes[position]!;
    let at = position + 1;
    if (code >= 0x80) {
      code &= 0x7f;
      for (let scale = 128; ; scale *= 128) {
        const byte = bytes[at++]!;
        code += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        if (scale > 0x100_0000 || at >= this.end)
          throw this.bad("DWARF_LEB128", "abbreviation code too long", position);
      }
    }
    if (code === 0) {
      this.position = at;
      this.tag = 0;
      return 0;
    }
    const table = this.table;
    let index = code;
    if (table.sparse !== undefined) index = table.sparse.get(code) ?? 0;
    const tag = table.tag[index];
    if (tag === undefined || tag === 0) {
      throw this.bad("DWARF_ABBREVIATION_CODE", `no abbreviation ${code} in this unit's table`, position);
    }
    this.tag = tag;
    this.hasChildren = table.hasChildren[index]!;
    this.present = table.present[index]!;
    this.position = this.run(table.plan, table.planStart[index]!, at);
    if (!(this.position <= this.end)) throw this.bad("DWARF_TRUNCATED", "entry runs past its unit", position);
    return tag;
  }

  /**
   * Hot: one switch per attribute. Reading past the window gives a RangeError from the view or
   * `undefined` bytes, both of which end in the bounds check after the plan.
   */
  private run(plan: Int32Array, start: number, position: number): number {
    const bytes = this.bytes;
    const view = this.view;
    const low = this.low;
    const high = this.high;
    const little = this.littleEndian;
    let at = position;
    let p = start;
    try {
      for (;;) {
        const word = plan[p++]!;
        const slot = word >> 8;
        const step = word & 0xff;
        switch (step) {
          case Step.end:
            return at;
          case Step.skip:
            at += plan[p++]!;
            continue;
          case Step.data1:
          case Step.strx1:
          case Step.addrx1:
            low[slot] = bytes[at]!;
            high[slot] = 0;
            at += 1;
            break;
          case Step.data2:
          case Step.strx2:
          case Step.addrx2:
            low[slot] = view.getUint16(at, little);
            high[slot] = 0;
            at += 2;
            break;
          case Step.strx3:
          case Step.addrx3:
            low[slot] = little
              ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
              : bytes[at + 2]! | (bytes[at + 1]! << 8) | (bytes[at]! << 16);
            high[slot] = 0;
            at += 3;
            break;
          case Step.data4:
          case Step.strp4:
          case Step.lineStrp4:
          case Step.strpSup4:
          case Step.strx4:
          case Step.addrx4:
          case Step.sectionOffset4:
          case Step.address4:
            low[slot] = view.getInt32(at, little);
            high[slot] = 0;
            at += 4;
            break;
          case Step.ref4:
            low[slot] = view.getInt32(at, little) + this.referenceBase;
            at += 4;
            break;
          case Step.data8:
          case Step.strp8:
          case Step.lineStrp8:
          case Step.strpSup8:
          case Step.sectionOffset8:
          case Step.address8:
            low[slot] = view.getInt32(little ? at : at + 4, little);
            high[slot] = view.getInt32(little ? at + 4 : at, little);
            at += 8;
            break;
          case Step.udata:
          case Step.strx:
          case Step.addrx:
          case Step.loclistx: {
            const byte = bytes[at]!;
            if (byte < 0x80) {
              low[slot] = byte;
              high[slot] = 0;
              at += 1;
            } else at = this.longUnsigned(at, slot);
            break;
          }
          case Step.sdata:
            at = this.signed(at, slot);
            break;
          case Step.implicitConst:
            low[slot] = plan[p++]!;
            high[slot] = plan[p++]!;
            break;
          case Step.flag:
            // A flag that is there but false is the same as none.
            if (bytes[at] === 0) this.present &= ~(1 << slot);
            at += 1;
            break;
          case Step.flagPresent:
            low[slot] = 1;
            break;
          case Step.string: {
            let stop = at;
            while (bytes[stop]! !== 0) {
              // Not `>=`: behind a block whose length lies past the window, both are NaN.
              if (!(stop < this.end))
                throw this.bad("DWARF_TRUNCATED", "string runs past its unit", position);
              stop++;
            }
            low[slot] = at;
            high[slot] = stop - at;
            at = stop + 1;
            break;
          }
          case Step.ref1:
            low[slot] = bytes[at]! + this.referenceBase;
            at += 1;
            break;
          case Step.ref2:
            low[slot] = view.getUint16(at, little) + this.referenceBase;
            at += 2;
            break;
          case Step.ref8:
            low[slot] = this.wideOffset(at) + this.referenceBase;
            at += 8;
            break;
          case Step.refUdata:
            at = this.longUnsigned(at, slot);
            low[slot] = low[slot]! + this.referenceBase;
            break;
          case Step.refAddr4:
            if (!this.merged) throw new ReferenceLeavesUnit();
            low[slot] = view.getInt32(at, little) + this.sectionReferenceBase;
            at += 4;
            break;
          case Step.refAddr8:
            if (!this.merged) throw new ReferenceLeavesUnit();
            low[slot] = this.wideOffset(at) + this.sectionReferenceBase;
            at += 8;
            break;
          case Step.refSup4:
            if (!this.merged) throw new ReferenceLeavesUnit();
            low[slot] = view.getInt32(at, little) + this.supplementReferenceBase;
            at += 4;
            break;
          case Step.refSup8:
            if (!this.merged) throw new ReferenceLeavesUnit();
            low[slot] = this.wideOffset(at) + this.supplementReferenceBase;
            at += 8;
            break;
          case Step.refSig8: {
            if (this.signatureKey === undefined) throw new ReferenceLeavesUnit();
            const first = view.getInt32(at, little);
            const second = view.getInt32(at + 4, little);
            low[slot] = little ? this.signatureKey(first, second) : this.signatureKey(second, first);
            at += 8;
            break;
          }
          case Step.block1:
            low[slot] = at + 1;
            high[slot] = bytes[at]!;
            at += 1 + bytes[at]!;
            break;
          case Step.block2:
            low[slot] = at + 2;
            high[slot] = view.getUint16(at, little);
            at += 2 + high[slot]!;
            break;
          case Step.block4:
            low[slot] = at + 4;
            high[slot] = view.getInt32(at, little);
            at += 4 + view.getUint32(at, little);
            break;
          case Step.block: {
            at = this.longUnsigned(at, Slot.none);
            const length = low[Slot.none]! >>> 0;
            low[slot] = at;
            high[slot] = length;
            at += length;
            break;
          }
          case Step.data16:
            this.present &= ~(1 << slot);
            at += 16;
            break;
          case Step.indirect:
            at = this.indirect(at, slot);
            continue;
          default:
            throw this.bad("DWARF_PLAN", `step ${step} has no reader`);
        }
        this.step[slot] = step;
      }
    } catch (error) {
      if (error instanceof RangeError) throw this.bad("DWARF_TRUNCATED", "entry runs past its section");
      throw error;
    }
  }

  /** Read one value by a step outside any plan, into `Slot.none`; returns the position behind it. */
  readValue(step: number, position: number): number {
    if (step === Step.implicitConst || step === Step.end || step === Step.skip) return position;
    return this.run(Int32Array.of(step, Step.end), 0, position);
  }

  private longUnsigned(position: number, slot: number): number {
    let at = position;
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[at++];
      if (byte === undefined || shift > 63)
        throw this.bad("DWARF_LEB128", "LEB128 number does not end", position);
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift > 25) high |= shift < 32 ? bits >> (32 - shift) : bits << (shift - 32);
      if (byte < 0x80) break;
    }
    this.low[slot] = low;
    this.high[slot] = high;
    return at;
  }

  private signed(position: number, slot: number): number {
    const first = this.bytes[position]!;
    if (first < 0x80) {
      this.low[slot] = (first << 25) >> 25;
      this.high[slot] = (first << 25) >> 31;
      return position + 1;
    }
    const at = this.longUnsigned(position, slot);
    const last = this.bytes[at - 1]!;
    const bits = (at - position) * 7;
    if (last & 0x40 && bits < 64) {
      if (bits < 32) {
        this.low[slot] = this.low[slot]! | (-1 << bits);
        this.high[slot] = -1;
      } else this.high[slot] = this.high[slot]! | (-1 << (bits - 32));
    }
    return at;
  }

  /** An 8-byte offset; .debug_info beyond 2 GiB in one reference is refused. */
  private wideOffset(at: number): number {
    const low = this.view.getInt32(this.littleEndian ? at : at + 4, this.littleEndian);
    const high = this.view.getInt32(this.littleEndian ? at + 4 : at, this.littleEndian);
    if (high !== 0 || low < 0) throw this.bad("DWARF_REFERENCE", "reference beyond 2 GiB", at);
    return low;
  }

  /** DW_FORM_indirect: the form stands before the value. */
  private indirect(position: number, slot: number): number {
    const at = this.longUnsigned(position, Slot.none);
    const form = this.low[Slot.none]!;
    const step = stepOfForm(form, this.shape);
    if (step < 0 || step === Step.indirect || step === Step.implicitConst) {
      throw this.bad("DWARF_UNKNOWN_FORM", `unknown indirect form 0x${form.toString(16)}`, position);
    }
    return this.run(Int32Array.of(step | (slot << 8), Step.end), 0, at);
  }

  /** After a DIE with children: move behind its last child. Uses DW_AT_sibling where there is one. */
  skipChildren(): void {
    if (this.hasChildren === 0) return;
    if (this.present & (1 << Slot.sibling)) {
      const target = this.positionOfKey(this.low[Slot.sibling]!);
      if (target > this.position && target <= this.end) {
        this.position = target;
        return;
      }
      throw this.bad("DWARF_SIBLING", "sibling reference points backwards or past the unit");
    }
    let depth = 1;
    while (depth > 0) {
      if (this.next() === 0) depth--;
      else if (this.hasChildren !== 0) {
        if (this.present & (1 << Slot.sibling)) this.skipChildren();
        else depth++;
      }
    }
  }
}
