import { Kind, makeInfo } from "../btf/dedup/type-words.ts";
import { Slot } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import { grownInt32 } from "../util/columns.ts";
import { Annotations, isAnnotation } from "./annotations.ts";
import { ArrayTypes } from "./array-types.ts";
import { BaseTypes } from "./base-types.ts";
import { Enumerations } from "./enumerations.ts";
import { Members } from "./members.ts";
import { Oddities } from "./oddities.ts";
import type { UnitReader } from "./unit-reader.ts";
import { UnitTypes } from "./unit-types.ts";

/** Nested types deeper than this are not C; the stack has its limits. */
const maximumNesting = 200;
/** Subranges of one array. */
const maximumDimensions = 64;

/**
 * Turns type DIEs into BTF types, one DIE at a time as the cursor meets them: nested types get
 * their ids before the type around them, siblings in order, as pahole numbers them.
 */
export class TypeConverter {
  readonly types: UnitTypes = new UnitTypes();
  readonly annotations: Annotations;
  private readonly reader: UnitReader;
  private readonly counted: Oddities = new Oddities();
  private readonly arrays: ArrayTypes;
  private readonly bases: BaseTypes;
  private readonly enumerations: Enumerations;
  private readonly members: Members;
  /** Name and type key of parameters; a stack, as types may be described among them. */
  private parameters: Int32Array<ArrayBuffer> = new Int32Array(1 << 10);
  private parameterWords = 0;

  constructor(reader: UnitReader) {
    const { types, counted } = this;
    this.reader = reader;
    this.annotations = new Annotations(reader);
    this.arrays = new ArrayTypes(reader, types);
    this.bases = new BaseTypes(reader, types, this.arrays, counted);
    this.enumerations = new Enumerations(reader, types, counted);
    this.members = new Members(reader, this.annotations, counted);
  }

  /** DIEs that became an opaque block of bytes, or lost something, by code. */
  get oddities(): Map<string, number> {
    return this.counted.counts;
  }

  begin(keyLimit: number): void {
    this.types.begin(keyLimit);
    this.members.count = 0;
    this.parameterWords = 0;
    this.arrays.begin();
    this.enumerations.begin();
    this.annotations.begin();
  }

  /** After the last DIE: references that pointed ahead, what depended on them, and the tags. */
  finish(): void {
    this.arrays.finish();
    this.types.settle();
    this.enumerations.finish();
    this.annotations.finish(this.types);
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
        this.counted.add("ATOMIC_AS_VOLATILE");
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
        this.bases.add();
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
        this.bases.addOpaque();
        return true;
      default:
        return false;
    }
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
    const { types, annotations } = this;
    const key = cursor.key;
    const name = this.reader.name(Slot.name);
    // BTF's TYPEDEF must have a name; without one it changes nothing, like CONST.
    const at = types.addPlain(name === 0 ? Kind.const : Kind.typedef, name, false, 0);
    if (cursor.present & (1 << Slot.type)) types.refer(at + 2, cursor.low[Slot.type]!);
    types.define(key);
    const id = types.typeCount;
    annotations.linked(id, -1);
    if (cursor.hasChildren !== 0) annotations.children(id, -1);
  }

  private pointer(): void {
    const { cursor } = this.reader;
    const { types } = this;
    const key = cursor.key;
    const hasType = (cursor.present & (1 << Slot.type)) !== 0;
    const target = cursor.low[Slot.type]!;
    const tags = this.reader.settings.typeTags ? this.annotations.typeTags() : this.noTags();
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

  private composite(kind: number, depth: number): void {
    const { reader, types, members, annotations } = this;
    const { cursor } = reader;
    if (depth > maximumNesting) throw cursor.bad("DWARF_NESTING", "types nested too deeply");
    const key = cursor.key;
    const present = cursor.present;
    const name = this.nameOrSpecified();
    // GCC's stub for a type unit has a signature and nothing else, LLVM's is a declaration too.
    if (present & ((1 << Slot.declaration) | (1 << Slot.signature))) {
      this.declaration(kind, key, name);
      return;
    }
    const byteSize = present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 : 0;
    const { chain, mark } = annotations;
    const from = members.count;
    if (cursor.hasChildren !== 0) {
      let index = members.pushPlain();
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_member || tag === d.DW_TAG_inheritance) {
          members.push();
          annotations.linked(0, index);
          if (cursor.hasChildren !== 0) annotations.children(0, index);
          index += 1 + members.pushPlain();
        } else if (isAnnotation(tag)) {
          annotations.one(0, -1);
          cursor.skipChildren();
        } else if (!this.convert(tag, depth + 1)) cursor.skipChildren();
      }
    }
    annotations.along(chain, 0, -1);
    const hasBitField = members.settle(from, mark, kind === Kind.struct);
    const vlen = members.countFrom(from);
    const at = types.add(3 + vlen * 3);
    types.words[at] = name;
    types.words[at + 1] = makeInfo(kind, vlen, hasBitField);
    types.words[at + 2] = byteSize;
    members.moveTo(types, at + 3, from, hasBitField);
    types.define(key);
    annotations.settle(mark, types.typeCount);
  }

  /** Name of the DIE under the cursor, or of the declaration that it completes. */
  private nameOrSpecified(): number {
    const { reader } = this;
    const { cursor } = reader;
    const name = reader.name(Slot.name);
    if (name !== 0 || (cursor.present & (1 << Slot.specification)) === 0) return name;
    return reader.at(cursor.low[Slot.specification]!, () => reader.name(Slot.name)) ?? 0;
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

  private array(depth: number): void {
    const { cursor } = this.reader;
    if (depth > maximumNesting) throw cursor.bad("DWARF_NESTING", "types nested too deeply");
    const key = cursor.key;
    const element = cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const counts: number[] = [];
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_subrange_type) {
          if (counts.length < maximumDimensions) counts.push(this.arrays.elementCount());
        } else if (this.convert(tag, depth + 1)) continue;
        cursor.skipChildren();
      }
    }
    this.arrays.addDimensions(element, counts);
    this.types.define(key);
  }

  private enumeration(): void {
    const key = this.reader.cursor.key;
    const name = this.nameOrSpecified();
    if (this.standsForTypeUnit(key)) return;
    this.enumerations.add(name);
    this.types.define(key);
  }

  private subroutine(depth: number): void {
    const { reader, types } = this;
    const { cursor } = reader;
    if (depth > maximumNesting) throw cursor.bad("DWARF_NESTING", "types nested too deeply");
    const key = cursor.key;
    const result = cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const from = this.parameterWords;
    let variadic = false;
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_formal_parameter) {
          if (this.parameterWords + 2 > this.parameters.length)
            this.parameters = grownInt32(this.parameters, this.parameterWords + 2);
          const i = this.parameterWords;
          this.parameters[i] = reader.name(Slot.name);
          this.parameters[i + 1] = cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
          this.parameterWords = i + 2;
          if (cursor.hasChildren !== 0) cursor.skipChildren();
        } else {
          if (tag === d.DW_TAG_unspecified_parameters) variadic = true;
          if (!this.convert(tag, depth + 1)) cursor.skipChildren();
        }
      }
    }
    const vlen = (this.parameterWords - from) / 2 + (variadic ? 1 : 0);
    const at = types.add(3 + vlen * 2);
    types.words[at] = 0;
    types.words[at + 1] = makeInfo(Kind.funcProto, vlen, false);
    types.words[at + 2] = 0;
    if (result >= 0) types.refer(at + 2, result);
    let to = at + 3;
    for (let i = from; i < this.parameterWords; i += 2, to += 2) {
      types.words[to] = this.parameters[i]!;
      types.words[to + 1] = 0;
      if (this.parameters[i + 1]! >= 0) types.refer(to + 1, this.parameters[i + 1]!);
    }
    if (variadic) {
      types.words[to] = 0;
      types.words[to + 1] = 0;
    }
    this.parameterWords = from;
    types.define(key);
  }
}
