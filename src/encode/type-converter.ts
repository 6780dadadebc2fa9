import { Kind, makeInfo } from "../btf/dedup/type-words.ts";
import { PlainMember, Slot, Step } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import { grownInt32 } from "../util/columns.ts";
import type { UnitReader } from "./unit-reader.ts";
import { UnitTypes } from "./unit-types.ts";

/** Nested types deeper than this are not C; the stack has its limits. */
const maximumNesting = 200;
/** BTF integer encodings. */
const encodingSigned = 1;
const encodingBool = 4;

/**
 * Turns type DIEs into BTF types, one DIE at a time as the cursor meets them: nested types get
 * their ids before the type around them, siblings in order, as pahole numbers them.
 */
export class TypeConverter {
  readonly types: UnitTypes = new UnitTypes();
  private readonly reader: UnitReader;
  private members: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private memberCount = 0;
  private arraysAt: number[] = [];
  private intId = 0;
  private readonly intName: number;
  private lateEnums: number[] = [];
  /** Decl tags of structs, unions and typedefs: target id, name id of the text, component (-1: the whole). */
  private declTags: number[] = [];
  /** DIEs that became an opaque block of bytes, or lost something, by code. */
  readonly oddities: Map<string, number> = new Map();
  private readonly fakeIntName: number;
  private readonly annotationTypeTag: number;
  private readonly annotationDeclTag: number;

  constructor(reader: UnitReader) {
    this.reader = reader;
    const names = reader.sections.names;
    this.intName = names.ofString("int");
    this.fakeIntName = names.ofString("__SANITIZED_FAKE_INT__");
    this.annotationTypeTag = names.ofString("btf_type_tag");
    this.annotationDeclTag = names.ofString("btf_decl_tag");
  }

  begin(keyLimit: number): void {
    this.types.begin(keyLimit);
    this.memberCount = 0;
    this.arraysAt = [];
    this.intId = 0;
    this.lateEnums = [];
    this.declTags = [];
  }

  odd(code: string): void {
    this.oddities.set(code, (this.oddities.get(code) ?? 0) + 1);
  }

  /** After the last DIE: references that pointed ahead, what depended on them, and the tags. */
  finish(): void {
    const { types } = this;
    if (this.arraysAt.length > 0) {
      if (this.intId === 0) {
        types.addInt(this.intName, 4, encodingSigned);
        this.intId = types.typeCount;
      }
      for (const at of this.arraysAt) types.words[at + 4] = this.intId;
    }
    types.settle();
    for (let i = 0; i < this.lateEnums.length; i += 2) {
      // An enumeration wider than an int is signed when the type under it is.
      const base = types.idOf(this.lateEnums[i + 1]!);
      if (types.kind(base) === Kind.int && types.words[types.start[base]! + 3]! >>> 24 === encodingSigned) {
        const at = this.lateEnums[i]! + 1;
        types.words[at] = (types.words[at]! | 0x8000_0000) >>> 0;
      }
    }
    for (let i = 0; i < this.declTags.length; i += 3) {
      const at = types.add(4);
      types.words[at] = this.declTags[i + 1]!;
      types.words[at + 1] = makeInfo(Kind.declTag, 0, false);
      types.words[at + 2] = this.declTags[i]!;
      types.words[at + 3] = this.declTags[i + 2]! >>> 0;
    }
  }

  /**
   * Convert the DIE under the cursor, children included, if it is a type.
   * Returns false, with the cursor untouched, if it is none.
   */
  convert(tag: number, depth: number): boolean {
    switch (tag) {
      case d.DW_TAG_pointer_type:
      case d.DW_TAG_reference_type:
      case d.DW_TAG_rvalue_reference_type:
        this.pointer();
        return true;
      case d.DW_TAG_structure_type:
      case d.DW_TAG_class_type:
      case d.DW_TAG_interface_type:
        this.composite(Kind.struct, depth);
        return true;
      case d.DW_TAG_union_type:
        this.composite(Kind.union, depth);
        return true;
      case d.DW_TAG_typedef:
        this.typedef();
        return true;
      case d.DW_TAG_const_type:
      case d.DW_TAG_immutable_type:
        this.modifier(Kind.const);
        return true;
      case d.DW_TAG_volatile_type:
        this.modifier(Kind.volatile);
        return true;
      case d.DW_TAG_atomic_type:
        // BTF has no word for it; what it means for whoever reads memory is closest to volatile.
        this.odd("ATOMIC_AS_VOLATILE");
        this.modifier(Kind.volatile);
        return true;
      case d.DW_TAG_restrict_type:
        this.modifier(Kind.restrict);
        return true;
      case d.DW_TAG_array_type:
        this.array(depth);
        return true;
      case d.DW_TAG_enumeration_type:
        this.enumeration();
        return true;
      case d.DW_TAG_subroutine_type:
        this.subroutine(depth);
        return true;
      case d.DW_TAG_base_type:
        this.base();
        return true;
      case d.DW_TAG_unspecified_type:
        this.types.defineAsVoid(this.reader.cursor.key);
        this.reader.cursor.skipChildren();
        return true;
      case d.DW_TAG_packed_type:
      case d.DW_TAG_shared_type:
        this.modifier(Kind.const);
        return true;
      case d.DW_TAG_subrange_type:
      case d.DW_TAG_ptr_to_member_type:
      case d.DW_TAG_string_type:
      case d.DW_TAG_set_type:
      case d.DW_TAG_file_type:
      case d.DW_TAG_coarray_type:
      case d.DW_TAG_dynamic_type:
        this.opaque();
        return true;
      default:
        return false;
    }
  }

  private base(): void {
    const { cursor } = this.reader;
    const { types } = this;
    const present = cursor.present;
    const byteSize = present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 : 0;
    const encoding = present & (1 << Slot.encoding) ? cursor.low[Slot.encoding]! : 0;
    let name = this.reader.name(Slot.name);
    const key = cursor.key;
    const isFloat = encoding === d.DW_ATE_float;
    if (this.reader.settings.floats && isFloat && isFloatSize(byteSize)) {
      types.addPlain(Kind.float, name, false, byteSize);
    } else if (
      this.reader.settings.floats &&
      (encoding === d.DW_ATE_complex_float || encoding === d.DW_ATE_imaginary_float || isFloat)
    ) {
      this.oddFloat(name, byteSize, encoding);
    } else {
      let bits = 0;
      if (encoding === d.DW_ATE_signed || encoding === d.DW_ATE_signed_char) bits = encodingSigned;
      else if (encoding === d.DW_ATE_boolean) bits = encodingBool;
      let size = byteSize;
      if (size === 0 || (size & (size - 1)) !== 0 || size > 16) {
        // LLVM describes intermediate values with such types (DW_ATE_unsigned_24).
        name = this.fakeIntName;
        size = 4;
      }
      types.addInt(name, size, bits);
      if (this.intId === 0 && name === this.intName) this.intId = types.typeCount;
    }
    types.define(key);
    cursor.skipChildren();
  }

  /** A complex number is an array of two; any other float without a BTF size is bytes. */
  private oddFloat(name: number, byteSize: number, encoding: number): void {
    const { types } = this;
    if (encoding === d.DW_ATE_complex_float && isFloatSize(byteSize / 2)) {
      this.odd("COMPLEX_AS_ARRAY");
      const { names } = this.reader.sections;
      const part = names.ofString(names.text(name).replace(/^_?complex /i, ""));
      types.addPlain(Kind.float, part, false, byteSize / 2);
      this.addArray(types.typeCount, 2);
      return;
    }
    this.odd("FLOAT_AS_BYTES");
    types.addPlain(Kind.struct, 0, false, byteSize);
  }

  private addArray(element: number, count: number): number {
    const at = this.types.add(6);
    const { words } = this.types;
    words[at] = 0;
    words[at + 1] = makeInfo(Kind.array, 0, false);
    words[at + 2] = 0;
    words[at + 3] = element;
    words[at + 4] = 0;
    words[at + 5] = count;
    this.arraysAt.push(at);
    return at;
  }

  /** Bytes of known size and unknown meaning: a struct without name and members. */
  private opaque(): void {
    const { cursor } = this.reader;
    this.odd(`OPAQUE_TAG_0x${cursor.tag.toString(16)}`);
    const byteSize =
      cursor.present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 : cursor.shape.addressByteSize;
    const key = cursor.key;
    this.types.addPlain(Kind.struct, 0, false, byteSize);
    this.types.define(key);
    cursor.skipChildren();
  }

  private modifier(kind: number): void {
    const { cursor } = this.reader;
    const { types } = this;
    const key = cursor.key;
    const at = types.addPlain(kind, 0, false, 0);
    if (cursor.present & (1 << Slot.type)) types.refer(at + 2, cursor.low[Slot.type]!);
    types.define(key);
    if (cursor.hasChildren !== 0) cursor.skipChildren();
  }

  private typedef(): void {
    const { cursor } = this.reader;
    const { types } = this;
    const key = cursor.key;
    const name = this.reader.name(Slot.name);
    // BTF's TYPEDEF must have a name; without one it changes nothing, like CONST.
    const at = types.addPlain(name === 0 ? Kind.const : Kind.typedef, name, false, 0);
    if (cursor.present & (1 << Slot.type)) types.refer(at + 2, cursor.low[Slot.type]!);
    types.define(key);
    const id = types.typeCount;
    this.annotationChain(id, -1);
    if (cursor.hasChildren !== 0) this.annotationChildren(id, -1);
  }

  private pointer(): void {
    const { cursor } = this.reader;
    const { types } = this;
    const key = cursor.key;
    const hasType = (cursor.present & (1 << Slot.type)) !== 0;
    const target = cursor.low[Slot.type]!;
    const tags = this.reader.settings.typeTags ? this.typeTags() : this.noTags();
    if (tags === undefined) {
      const at = types.addPlain(Kind.ptr, 0, false, 0);
      if (hasType) types.refer(at + 2, target);
    } else {
      // PTR -> last tag -> ... -> first tag -> pointee, the tags numbered as they stand in DWARF.
      const first = types.typeCount + 1;
      for (const tag of tags.texts) types.addPlain(Kind.typeTag, tag, false, 0);
      const at = types.addPlain(Kind.ptr, 0, false, 0);
      const order = tags.texts.map((_, i) => first + i);
      if (tags.inSourceOrder) order.reverse();
      let link = at + 2;
      for (const id of order) {
        types.words[link] = id;
        link = types.start[id]! + 2;
      }
      if (hasType) types.refer(link, target);
    }
    types.define(key);
  }

  private noTags(): undefined {
    if (this.reader.cursor.hasChildren !== 0) this.reader.cursor.skipChildren();
    return undefined;
  }

  /** btf_type_tag texts of the pointer under the cursor; LLVM's are children, GCC's a chain of references. */
  private typeTags(): { texts: number[]; inSourceOrder: boolean } | undefined {
    const { cursor } = this.reader;
    const chain = cursor.present & (1 << Slot.annotation) ? cursor.low[Slot.annotation]! : -1;
    const texts: number[] = [];
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (isAnnotation(tag) && this.reader.name(Slot.name) === this.annotationTypeTag) {
          texts.push(this.reader.name(Slot.constValue));
        }
        cursor.skipChildren();
      }
    }
    if (texts.length > 0) return { texts, inSourceOrder: true };
    if (chain >= 0) this.followChain(chain, this.annotationTypeTag, (text) => texts.push(text));
    return texts.length > 0 ? { texts, inSourceOrder: false } : undefined;
  }

  private followChain(key: number, wanted: number, take: (text: number) => void): void {
    for (let next = key, count = 0; next >= 0 && count < 64; count++) {
      const here = next;
      next = -1;
      this.reader.at(here, () => {
        const { cursor } = this.reader;
        if (!isAnnotation(cursor.tag)) return;
        if (this.reader.name(Slot.name) === wanted) take(this.reader.name(Slot.constValue));
        else if (wanted === this.annotationTypeTag) return;
        if (cursor.present & (1 << Slot.annotation)) next = cursor.low[Slot.annotation]!;
      });
    }
  }

  /** btf_decl_tag texts among the children of the DIE under the cursor, which are consumed. */
  annotationChildren(
    target: number,
    component: number,
    take?: (text: number, component: number) => void,
  ): void {
    const { cursor } = this.reader;
    let tag;
    while ((tag = cursor.next()) !== 0) {
      if (isAnnotation(tag)) this.annotation(target, component, take);
      cursor.skipChildren();
    }
  }

  /** The annotation under the cursor. */
  annotation(target: number, component: number, take?: (text: number, component: number) => void): void {
    if (!this.reader.settings.declTags || this.reader.name(Slot.name) !== this.annotationDeclTag) return;
    const text = this.reader.name(Slot.constValue);
    if (text === 0) return;
    if (take === undefined) this.declTags.push(target, text, component);
    else take(text, component);
  }

  /** GCC's annotations of the DIE under the cursor. */
  annotationChain(target: number, component: number, take?: (text: number, component: number) => void): void {
    const { cursor } = this.reader;
    if ((cursor.present & (1 << Slot.annotation)) === 0 || !this.reader.settings.declTags) return;
    this.followChain(cursor.low[Slot.annotation]!, this.annotationDeclTag, (text) => {
      if (text === 0) return;
      if (take === undefined) this.declTags.push(target, text, component);
      else take(text, component);
    });
  }

  private composite(kind: number, depth: number): void {
    const { reader, types } = this;
    const { cursor } = reader;
    if (depth > maximumNesting) throw cursor.bad("DWARF_NESTING", "types nested too deeply");
    const key = cursor.key;
    const present = cursor.present;
    let name = reader.name(Slot.name);
    if (name === 0 && present & (1 << Slot.specification)) {
      name = reader.at(cursor.low[Slot.specification]!, () => reader.name(Slot.name)) ?? 0;
    }
    // GCC's stub for a type unit has a signature and nothing else, LLVM's is a declaration too.
    if (present & ((1 << Slot.declaration) | (1 << Slot.signature))) {
      this.declaration(kind, key, name);
      return;
    }
    const byteSize = present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 : 0;
    const chain = present & (1 << Slot.annotation) ? cursor.low[Slot.annotation]! : -1;
    const firstTag = this.declTags.length;
    const from = this.memberCount;
    if (cursor.hasChildren !== 0) {
      let index = this.plainMembers();
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_member || tag === d.DW_TAG_inheritance) {
          this.member();
          if (cursor.present & (1 << Slot.annotation)) this.annotationChain(0, index);
          if (cursor.hasChildren !== 0) this.annotationChildren(0, index);
          index += 1 + this.plainMembers();
        } else if (isAnnotation(tag)) {
          this.annotation(0, -1);
          cursor.skipChildren();
        } else if (!this.convert(tag, depth + 1)) cursor.skipChildren();
      }
    }
    if (chain >= 0 && this.reader.settings.declTags) {
      this.followChain(chain, this.annotationDeclTag, (text) => this.declTags.push(0, text, -1));
    }
    let hasBitField = false;
    let sorted = true;
    for (let i = from, previous = -1; i < this.memberCount; i += memberWords) {
      const offset = this.members[i + 2]!;
      if (this.members[i + 3] !== 0 || (offset & 7) !== 0) hasBitField = true;
      if (offset < previous) sorted = false;
      previous = offset;
    }
    if (!sorted && kind === Kind.struct) this.sortMembers(from, firstTag);
    if (hasBitField) this.dropUnreachable(from, firstTag);
    const vlen = (this.memberCount - from) / memberWords;
    const at = types.add(3 + vlen * 3);
    const { words } = types;
    words[at] = name;
    words[at + 1] = makeInfo(kind, vlen, hasBitField);
    words[at + 2] = byteSize;
    for (let i = from, to = at + 3; i < this.memberCount; i += memberWords, to += 3) {
      const { members } = this;
      words[to] = members[i]!;
      types.refer(to + 1, members[i + 1]!);
      const bitSize = members[i + 3]!;
      const offset = members[i + 2]!;
      words[to + 2] = hasBitField ? ((bitSize << 24) | (offset & 0xffffff)) >>> 0 : offset >>> 0;
    }
    this.memberCount = from;
    types.define(key);
    for (let i = firstTag; i < this.declTags.length; i += 3) {
      if (this.declTags[i] === 0) this.declTags[i] = types.typeCount;
    }
  }

  /** With bit fields an offset has 24 bits; what lies behind (members ascend) is left out, not put elsewhere. */
  private dropUnreachable(from: number, firstTag: number): void {
    while (this.memberCount > from && this.members[this.memberCount - memberWords + 2]! >>> 0 > 0xffffff) {
      this.memberCount -= memberWords;
      this.odd("MEMBER_BEYOND_2_MIB");
      const dropped = (this.memberCount - from) / memberWords;
      this.moveMemberTags(firstTag, (component) => (component === dropped ? undefined : component));
    }
  }

  /** Give the tags of the members at hand other components, or drop those that have none any more. */
  private moveMemberTags(firstTag: number, componentOf: (component: number) => number | undefined): void {
    const { declTags } = this;
    let to = firstTag;
    for (let i = firstTag; i < declTags.length; i += 3) {
      const isMembers = declTags[i] === 0 && declTags[i + 2]! >= 0;
      const component = isMembers ? componentOf(declTags[i + 2]!) : declTags[i + 2];
      if (component === undefined) continue;
      declTags[to] = declTags[i]!;
      declTags[to + 1] = declTags[i + 1]!;
      declTags[to + 2] = component;
      to += 3;
    }
    declTags.length = to;
  }

  private declaration(kind: number, key: number, name: number): void {
    const { types } = this;
    if (this.standsForTypeUnit(key)) return;
    if (name === 0) {
      // FWD must have a name; an unnamed declaration says nothing.
      types.defineAsVoid(key);
    } else {
      types.addPlain(Kind.fwd, name, kind === Kind.union, 0);
      types.define(key);
    }
    this.reader.cursor.skipChildren();
  }

  /** Whether the definition of the DIE under the cursor is in a type unit that is there; then both mean the same. */
  private standsForTypeUnit(key: number): boolean {
    const { cursor } = this.reader;
    if ((cursor.present & (1 << Slot.signature)) === 0 || cursor.low[Slot.signature]! < 0) return false;
    this.types.alias(key, cursor.low[Slot.signature]!);
    cursor.skipChildren();
    return true;
  }

  /**
   * Hot: push the members that stand next and have the plain shape, as most do, and leave the
   * cursor behind the last; returns how many. Does what {@link DieCursor.next} and {@link member}
   * would, in one loop: members are half of a kernel's DIEs.
   */
  private plainMembers(): number {
    const { reader } = this;
    const { cursor } = reader;
    const { bytes, view, table, littleEndian, referenceBase } = cursor;
    if (!reader.plainNames || table.sparse !== undefined) return 0;
    const { names } = reader.sections;
    const { plainMember } = table;
    const codes = plainMember.length;
    const limit = cursor.end - longestPlainMember;
    let at = cursor.position;
    let count = this.memberCount;
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
      if (count + memberWords > this.members.length)
        this.members = grownInt32(this.members, count + memberWords);
      const { members } = this;
      members[count] = name;
      members[count + 1] = view.getInt32(next, littleEndian) + referenceBase;
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
      members[count + 2] = byteOffset * 8;
      members[count + 3] = 0;
      count += memberWords;
      at = next;
    }
    const pushed = (count - this.memberCount) / memberWords;
    this.memberCount = count;
    cursor.position = at;
    return pushed;
  }

  /**
   * Push the member under the cursor: name, type key, offset in bits, size in bits (0 for none).
   * Returns the offset.
   */
  private member(): number {
    const { reader } = this;
    const { cursor } = reader;
    const present = cursor.present;
    if (this.memberCount + memberWords > this.members.length) {
      this.members = grownInt32(this.members, this.memberCount + memberWords);
    }
    const { members } = this;
    const i = this.memberCount;
    const type = present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const bitSize = present & (1 << Slot.bitSize) ? cursor.low[Slot.bitSize]! & 0xff : 0;
    let offset = 0;
    members[i] = reader.name(Slot.name);
    if (present & (1 << Slot.dataBitOffset)) {
      offset = cursor.low[Slot.dataBitOffset]!;
    } else {
      if (present & (1 << Slot.memberLocation)) offset = this.memberLocation() * 8;
      if (bitSize !== 0 && present & (1 << Slot.bitOffset)) offset += this.bitsIntoStorage(type, bitSize);
    }
    members[i + 1] = type;
    members[i + 2] = offset;
    members[i + 3] = bitSize;
    this.memberCount = i + memberWords;
    return members[i + 2]!;
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

  /** The kernel wants offsets that do not go down; Rust and C++ list members as they were written. */
  private sortMembers(from: number, firstTag: number): void {
    const rows: { row: Int32Array; index: number }[] = [];
    for (let i = from; i < this.memberCount; i += memberWords)
      rows.push({ row: this.members.slice(i, i + memberWords), index: rows.length });
    rows.sort((a, b) => a.row[2]! - b.row[2]!);
    const places = new Int32Array(rows.length);
    rows.forEach(({ row, index }, i) => {
      this.members.set(row, from + i * memberWords);
      places[index] = i;
    });
    this.moveMemberTags(firstTag, (component) => places[component]!);
  }

  private array(depth: number): void {
    const { cursor } = this.reader;
    if (depth > maximumNesting) throw cursor.bad("DWARF_NESTING", "types nested too deeply");
    const { types } = this;
    const key = cursor.key;
    const element = cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const counts: number[] = [];
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_subrange_type && counts.length < 64) counts.push(this.elementCount());
        else if (tag !== d.DW_TAG_subrange_type && this.convert(tag, depth + 1)) continue;
        cursor.skipChildren();
      }
    }
    if (this.reader.settings.nestedArrays && counts.length > 1) {
      for (let i = counts.length - 1; i >= 0; i--) {
        const at = this.addArray(types.typeCount, counts[i]!);
        if (i === counts.length - 1) types.refer(at + 3, element);
      }
    } else {
      let product = 1;
      for (const count of counts) product = Math.imul(product, count) >>> 0;
      types.refer(this.addArray(0, product) + 3, element);
    }
    types.define(key);
  }

  /** Elements of the subrange under the cursor; 0 where the bound is open or computed. */
  private elementCount(): number {
    const { cursor } = this.reader;
    const slot =
      cursor.present & (1 << Slot.upperBound)
        ? Slot.upperBound
        : cursor.present & (1 << Slot.count)
          ? Slot.count
          : 0;
    if (slot === 0 || !isConstant(cursor.step[slot]!)) return 0;
    // Also true of an upper bound of -1, however wide it was written.
    return slot === Slot.upperBound ? (cursor.low[slot]! + 1) >>> 0 : cursor.low[slot]! >>> 0;
  }

  private enumeration(): void {
    const { reader, types } = this;
    const { cursor } = reader;
    const key = cursor.key;
    const present = cursor.present;
    let name = reader.name(Slot.name);
    if (name === 0 && present & (1 << Slot.specification)) {
      name = reader.at(cursor.low[Slot.specification]!, () => reader.name(Slot.name)) ?? 0;
    }
    const byteSize = present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 || 4 : 4;
    const base = present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    if (this.standsForTypeUnit(key)) return;
    const from = this.memberCount;
    let negative = false;
    const is64 = byteSize > 4 && reader.settings.enum64;
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_enumerator) {
          if (this.memberCount + 3 > this.members.length)
            this.members = grownInt32(this.members, this.memberCount + 3);
          const i = this.memberCount;
          this.members[i] = reader.name(Slot.name);
          const has =
            (cursor.present & (1 << Slot.constValue)) !== 0 && isConstant(cursor.step[Slot.constValue]!);
          this.members[i + 1] = has ? cursor.low[Slot.constValue]! : 0;
          const high = has ? cursor.high[Slot.constValue]! : 0;
          this.members[i + 2] = high;
          if (high < 0) negative = true;
          if (!is64 && high !== 0 && high !== -1) this.odd("ENUM_VALUE_CUT");
          this.memberCount = i + 3;
        }
        cursor.skipChildren();
      }
    }
    const vlen = (this.memberCount - from) / 3;
    if (vlen === 0 && name === 0) this.odd("ENUM_WITHOUT_NAME_AND_VALUES");
    // A value wider than the enumeration never makes BTF's size more than 8.
    const size = byteSize > 8 || (byteSize & (byteSize - 1)) !== 0 ? 8 : byteSize;
    const at = types.add(is64 ? 3 + vlen * 3 : 3 + vlen * 2);
    const { words } = types;
    words[at] = name;
    words[at + 1] = makeInfo(
      is64 ? Kind.enum64 : Kind.enum,
      vlen,
      negative && !is64 && reader.settings.enum64,
    );
    words[at + 2] = size;
    for (let i = from, to = at + 3; i < this.memberCount; i += 3, to += is64 ? 3 : 2) {
      words[to] = this.members[i]!;
      words[to + 1] = this.members[i + 1]!;
      if (is64) words[to + 2] = this.members[i + 2]!;
    }
    if (is64 && base >= 0) this.lateEnums.push(at, base);
    this.memberCount = from;
    types.define(key);
  }

  private subroutine(depth: number): void {
    const { reader, types } = this;
    const { cursor } = reader;
    if (depth > maximumNesting) throw cursor.bad("DWARF_NESTING", "types nested too deeply");
    const key = cursor.key;
    const result = cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const from = this.memberCount;
    let variadic = false;
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_formal_parameter) {
          if (this.memberCount + 2 > this.members.length)
            this.members = grownInt32(this.members, this.memberCount + 2);
          const i = this.memberCount;
          this.members[i] = reader.name(Slot.name);
          this.members[i + 1] = cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
          this.memberCount = i + 2;
          if (cursor.hasChildren !== 0) cursor.skipChildren();
        } else {
          if (tag === d.DW_TAG_unspecified_parameters) variadic = true;
          if (!this.convert(tag, depth + 1)) cursor.skipChildren();
        }
      }
    }
    const vlen = (this.memberCount - from) / 2 + (variadic ? 1 : 0);
    const at = types.add(3 + vlen * 2);
    types.words[at] = 0;
    types.words[at + 1] = makeInfo(Kind.funcProto, vlen, false);
    types.words[at + 2] = 0;
    if (result >= 0) types.refer(at + 2, result);
    let to = at + 3;
    for (let i = from; i < this.memberCount; i += 2, to += 2) {
      types.words[to] = this.members[i]!;
      types.words[to + 1] = 0;
      if (this.members[i + 1]! >= 0) types.refer(to + 1, this.members[i + 1]!);
    }
    if (variadic) {
      types.words[to] = 0;
      types.words[to + 1] = 0;
    }
    this.memberCount = from;
    types.define(key);
  }
}

/** Bytes that a plain member has at most, with room to spare. */
const longestPlainMember = 128;

/** Columns of a pushed member. */
const memberWords = 4;

function isFloatSize(byteSize: number): boolean {
  return byteSize === 2 || byteSize === 4 || byteSize === 8 || byteSize === 12 || byteSize === 16;
}

function isAnnotation(tag: number): boolean {
  return tag === d.DW_TAG_LLVM_annotation || tag === d.DW_TAG_GNU_annotation;
}

function isConstant(step: number): boolean {
  return step >= Step.data1 && step <= Step.implicitConst;
}
