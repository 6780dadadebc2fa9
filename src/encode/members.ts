import { grownInt32 } from "../util/columns.ts";
import { PlainMember, Slot, Step } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import type { Annotations } from "./annotations.ts";
import type { Oddities } from "./oddities.ts";
import type { UnitReader } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

/** Bytes that a plain member has at most, with room to spare. */
const longestPlainMember = 128;

/** Columns of a pushed member: name, type key, offset in bits, size in bits (0 for none). */
const memberWords = 4;

/**
 * Members of structs and unions, read and put into the order and the words that BTF wants. They are
 * kept on a stack, since a struct may be described in the midst of another one's members.
 */
export class Members {
  /** Words in use. */
  count = 0;
  private words: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private readonly reader: UnitReader;
  private readonly annotations: Annotations;
  private readonly oddities: Oddities;

  constructor(reader: UnitReader, annotations: Annotations, oddities: Oddities) {
    this.reader = reader;
    this.annotations = annotations;
    this.oddities = oddities;
  }

  /**
   * Hot: push the members that stand next and have the plain shape, as most do, and leave the
   * cursor behind the last; returns how many. Does what {@link DieCursor.next} and {@link push}
   * would, in one loop: members are half of a kernel's DIEs.
   */
  pushPlain(): number {
    const { reader } = this;
    const { cursor } = reader;
    const { bytes, view, table, littleEndian, referenceBase } = cursor;
    if (!reader.plainNames || table.sparse !== undefined) return 0;
    const { names } = reader.sections;
    const { plainMember } = table;
    const codes = plainMember.length;
    const limit = cursor.end - longestPlainMember;
    let at = cursor.position;
    let count = this.count;
    while (at < limit) {
      let code = bytes[at]!;
      let next = at + 1;
      if (code >= 0x80) {
        const second = bytes[next++]!;
        if (second >= 0x80) break;
        code = (code & 0x7f) | (second << 7);
      }
      if (code >= codes) break;
      const shape = plainMember[code]!;
      if (shape === 0) break;
      const name = names.atOffset(view.getUint32(next, littleEndian));
      // The general way says what is wrong with it.
      if (name < 0) break;
      next += 4 + (shape >> PlainMember.skipShift);
      if (count + memberWords > this.words.length) this.words = grownInt32(this.words, count + memberWords);
      const { words } = this;
      words[count] = name;
      words[count + 1] = view.getInt32(next, littleEndian) + referenceBase;
      next += 4;
      let byteOffset = 0;
      switch (shape & 0xff) {
        case PlainMember.location1:
          byteOffset = bytes[next]!;
          next += 1;
          break;
        case PlainMember.location2:
          byteOffset = view.getUint16(next, littleEndian);
          next += 2;
          break;
        case PlainMember.location4:
          byteOffset = view.getUint32(next, littleEndian);
          next += 4;
          break;
      }
      words[count + 2] = byteOffset * 8;
      words[count + 3] = 0;
      count += memberWords;
      at = next;
    }
    const pushed = (count - this.count) / memberWords;
    this.count = count;
    cursor.position = at;
    return pushed;
  }

  /** Push the member under the cursor, whatever its shape. */
  push(): void {
    const { reader } = this;
    const { cursor } = reader;
    const present = cursor.present;
    if (this.count + memberWords > this.words.length) {
      this.words = grownInt32(this.words, this.count + memberWords);
    }
    const { words } = this;
    const i = this.count;
    const type = present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const bitSize = present & (1 << Slot.bitSize) ? cursor.low[Slot.bitSize]! & 0xff : 0;
    let offset = 0;
    words[i] = reader.name(Slot.name);
    if (present & (1 << Slot.dataBitOffset)) {
      offset = cursor.low[Slot.dataBitOffset]!;
    } else {
      if (present & (1 << Slot.memberLocation)) offset = this.memberLocation() * 8;
      if (bitSize !== 0 && present & (1 << Slot.bitOffset)) offset += this.bitsIntoStorage(type, bitSize);
    }
    words[i + 1] = type;
    words[i + 2] = offset;
    words[i + 3] = bitSize;
    this.count = i + memberWords;
  }

  /** DWARF 2 and 3 count a bit field from the most significant bit of the storage it is part of. */
  private bitsIntoStorage(type: number, bitSize: number): number {
    const { cursor } = this.reader;
    const bitOffset = cursor.low[Slot.bitOffset]!;
    if (!cursor.littleEndian) return bitOffset;
    const given = cursor.present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! : 0;
    const storage = given || this.storageByteSize(type);
    return storage * 8 - bitOffset - bitSize;
  }

  /** Size in bytes of a bit field's type, which may come later in the unit. */
  private storageByteSize(type: number): number {
    let byteSize = 0;
    for (let key = type, hops = 0; key >= 0 && byteSize === 0 && hops < 64; hops++) {
      const here: number = key;
      key = -1;
      this.reader.at(here, () => {
        const { cursor } = this.reader;
        if (cursor.present & (1 << Slot.byteSize)) byteSize = cursor.low[Slot.byteSize]!;
        if (cursor.present & (1 << Slot.type)) key = cursor.low[Slot.type]!;
      });
    }
    return byteSize;
  }

  /** DW_AT_data_member_location in bytes: a constant, or an expression that adds one. */
  private memberLocation(): number {
    const { cursor } = this.reader;
    const slot = Slot.memberLocation;
    switch (cursor.step[slot]) {
      case Step.block1:
      case Step.block2:
      case Step.block4:
      case Step.block: {
        const op = cursor.bytes[cursor.low[slot]!];
        if (op !== d.DW_OP_plus_uconst && op !== d.DW_OP_constu) return 0;
        let value = 0;
        const end = cursor.low[slot]! + cursor.high[slot]!;
        for (let at = cursor.low[slot]! + 1, scale = 1; at < end; at++, scale *= 128) {
          const byte = cursor.bytes[at]!;
          value += (byte & 0x7f) * scale;
          if (byte < 0x80) break;
        }
        return value;
      }
      default:
        return cursor.low[slot]! >>> 0;
    }
  }

  /**
   * What was pushed from `from` on is all: put a struct's members in order, and leave out what BTF cannot place.
   * @param mark of {@link Annotations}, before the first member
   * @returns whether an offset shares its word with a size in bits
   */
  settle(from: number, mark: number, isStruct: boolean): boolean {
    const { words } = this;
    let hasBitField = false;
    let sorted = true;
    for (let i = from, previous = -1; i < this.count; i += memberWords) {
      const offset = words[i + 2]!;
      if (words[i + 3] !== 0 || (offset & 7) !== 0) hasBitField = true;
      if (offset < previous) sorted = false;
      previous = offset;
    }
    if (!sorted && isStruct) this.sort(from, mark);
    if (hasBitField) this.dropUnreachable(from, mark);
    return hasBitField;
  }

  /** Members from `from` on. */
  countFrom(from: number): number {
    return (this.count - from) / memberWords;
  }

  /** Write what was pushed from `from` on as the members of the type whose trailer begins at word `to`, and drop it. */
  moveTo(types: UnitTypes, to: number, from: number, hasBitField: boolean): void {
    const { words } = this;
    const target = types.words;
    for (let i = from; i < this.count; i += memberWords, to += 3) {
      target[to] = words[i]!;
      types.refer(to + 1, words[i + 1]!);
      const bitSize = words[i + 3]!;
      const offset = words[i + 2]!;
      target[to + 2] = hasBitField ? ((bitSize << 24) | (offset & 0xffffff)) >>> 0 : offset >>> 0;
    }
    this.count = from;
  }

  /** The kernel wants offsets that do not go down; Rust and C++ list members as they were written. */
  private sort(from: number, mark: number): void {
    const rows: { row: Int32Array; index: number }[] = [];
    for (let i = from; i < this.count; i += memberWords)
      rows.push({ row: this.words.slice(i, i + memberWords), index: rows.length });
    rows.sort((a, b) => a.row[2]! - b.row[2]!);
    const places = new Int32Array(rows.length);
    rows.forEach(({ row, index }, i) => {
      this.words.set(row, from + i * memberWords);
      places[index] = i;
    });
    this.annotations.moveComponents(mark, (component) => places[component]!);
  }

  /** With bit fields an offset has 24 bits; what lies behind (members ascend) is left out, not put elsewhere. */
  private dropUnreachable(from: number, mark: number): void {
    while (this.count > from && this.words[this.count - memberWords + 2]! >>> 0 > 0xffffff) {
      this.count -= memberWords;
      this.oddities.add("MEMBER_BEYOND_2_MIB");
      const dropped = this.countFrom(from);
      this.annotations.moveComponents(mark, (component) => (component === dropped ? undefined : component));
    }
  }
}
