import { Kind, makeInfo } from "../btf/dedup/type-words.ts";
import { Slot } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import type { UnitReader } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

/** Annotations that one DIE refers to, at most. */
const maximumChain = 64;

/** What to do with an annotation instead of keeping it: name id of its text, component (-1: the whole). */
export type TakeAnnotation = (text: number, component: number) => void;

/** Target of tags whose type has no id yet. */
const pending = 0;

/**
 * `btf_type_tag` and `btf_decl_tag`, which LLVM writes as children of the DIE they are of, and GCC as a
 * chain of references from it. Keeps the decl tags of a unit's types until the types have their ids.
 */
export class Annotations {
  private readonly reader: UnitReader;
  private readonly typeTag: number;
  private readonly declTag: number;
  /** Target id, name id of the text, component (-1: the whole). */
  private tags: number[] = [];

  constructor(reader: UnitReader) {
    this.reader = reader;
    this.typeTag = reader.sections.names.ofString("btf_type_tag");
    this.declTag = reader.sections.names.ofString("btf_decl_tag");
  }

  begin(): void {
    this.tags = [];
  }

  /** The decl tags as types, behind those they are of. */
  finish(types: UnitTypes): void {
    const { tags } = this;
    for (let i = 0; i < tags.length; i += 3) {
      const at = types.add(4);
      types.words[at] = tags[i + 1]!;
      types.words[at + 1] = makeInfo(Kind.declTag, 0, false);
      types.words[at + 2] = tags[i]!;
      types.words[at + 3] = tags[i + 2]! >>> 0;
    }
  }

  /** Texts of the type tags of the pointer under the cursor, whose children are consumed. */
  typeTags(): { texts: number[]; inSourceOrder: boolean } | undefined {
    const { cursor } = this.reader;
    const chain = this.chain;
    const texts: number[] = [];
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (isAnnotation(tag) && this.reader.name(Slot.name) === this.typeTag) {
          texts.push(this.reader.name(Slot.constValue));
        }
        cursor.skipChildren();
      }
    }
    if (texts.length > 0) return { texts, inSourceOrder: true };
    if (chain >= 0) this.follow(chain, this.typeTag, (text) => texts.push(text));
    return texts.length > 0 ? { texts, inSourceOrder: false } : undefined;
  }

  /** Decl tags among the children of the DIE under the cursor, which are consumed. */
  children(target: number, component: number, take?: TakeAnnotation): void {
    const { cursor } = this.reader;
    let tag;
    while ((tag = cursor.next()) !== 0) {
      if (isAnnotation(tag)) this.one(target, component, take);
      cursor.skipChildren();
    }
  }

  /** The annotation under the cursor. */
  one(target: number, component: number, take?: TakeAnnotation): void {
    if (!this.reader.settings.declTags || this.reader.name(Slot.name) !== this.declTag) return;
    this.keep(target, this.reader.name(Slot.constValue), component, take);
  }

  /** Decl tags that the DIE under the cursor refers to. */
  linked(target: number, component: number, take?: TakeAnnotation): void {
    this.along(this.chain, target, component, take);
  }

  /** First of GCC's annotations of the DIE under the cursor; -1 for none. */
  get chain(): number {
    const { cursor } = this.reader;
    return cursor.present & (1 << Slot.annotation) ? cursor.low[Slot.annotation]! : -1;
  }

  /** Decl tags along a {@link chain}. */
  along(chain: number, target: number, component: number, take?: TakeAnnotation): void {
    if (chain < 0 || !this.reader.settings.declTags) return;
    this.follow(chain, this.declTag, (text) => this.keep(target, text, component, take));
  }

  /** For {@link settle} and {@link moveComponents}: what was kept so far. */
  get mark(): number {
    return this.tags.length;
  }

  /** What was kept since `mark` for a type without id is of this one. */
  settle(mark: number, id: number): void {
    const { tags } = this;
    for (let i = mark; i < tags.length; i += 3) if (tags[i] === pending) tags[i] = id;
  }

  /** Give the tags of members kept since `mark` other components, or drop those that have none any more. */
  moveComponents(mark: number, componentOf: (component: number) => number | undefined): void {
    const { tags } = this;
    let to = mark;
    for (let i = mark; i < tags.length; i += 3) {
      const isMembers = tags[i] === pending && tags[i + 2]! >= 0;
      const component = isMembers ? componentOf(tags[i + 2]!) : tags[i + 2];
      if (component === undefined) continue;
      tags[to] = tags[i]!;
      tags[to + 1] = tags[i + 1]!;
      tags[to + 2] = component;
      to += 3;
    }
    tags.length = to;
  }

  private keep(target: number, text: number, component: number, take?: TakeAnnotation): void {
    // BTF has no tags without a text.
    if (text === 0) return;
    if (take === undefined) this.tags.push(target, text, component);
    else take(text, component);
  }

  private follow(key: number, wanted: number, take: (text: number) => void): void {
    for (let next = key, count = 0; next >= 0 && count < maximumChain; count++) {
      const here = next;
      next = -1;
      this.reader.at(here, () => {
        const { cursor } = this.reader;
        if (!isAnnotation(cursor.tag)) return;
        if (this.reader.name(Slot.name) === wanted) take(this.reader.name(Slot.constValue));
        else if (wanted === this.typeTag) return;
        if (cursor.present & (1 << Slot.annotation)) next = cursor.low[Slot.annotation]!;
      });
    }
  }
}

/** Whether a DIE of this tag is an annotation. */
export function isAnnotation(tag: number): boolean {
  return tag === d.DW_TAG_LLVM_annotation || tag === d.DW_TAG_GNU_annotation;
}
