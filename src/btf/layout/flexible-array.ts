import * as K from "../constants.ts";
import type { Btf, TypeId } from "../reader.ts";
import type { ClassInfos } from "./class-info.ts";

/** Members of a struct that are structs, not by a typedef, with an array of no stated length. */
export interface FlexibleMembers {
  /** Whose last member is one. */
  atEnd: number;
  /** That have one deeper inside. */
  inMiddle: number;
}

/** Tells which structs end in an array without a length, themselves or within. */
export class FlexibleArrays {
  readonly #btf: Btf;
  readonly #infos: ClassInfos;
  /** Each worked out once: a struct may stand in many others. */
  readonly #embedding = new Map<TypeId, boolean>();

  constructor(btf: Btf, infos: ClassInfos) {
    this.#btf = btf;
    this.#infos = infos;
  }

  membersOf(id: TypeId): FlexibleMembers {
    let atEnd = 0;
    let inMiddle = 0;
    for (const type of this.#structsIn(id)) {
      if (this.isFlexible(type)) atEnd++;
      if (this.embeds(type)) inMiddle++;
    }
    return { atEnd, inMiddle };
  }

  /** Whether the last member is an array without a length. */
  isFlexible(id: TypeId): boolean {
    const btf = this.#btf;
    const count = btf.vlen(id);
    if (count === 0) return false;
    const type = this.#infos.strip(btf.memberType(id, count - 1));
    return btf.kind(type) === K.BTF_KIND_ARRAY && btf.arrayLength(type) === 0;
  }

  /**
   * Whether a struct within has an array without a length at its end. That of a struct whose
   * {@link ClassInfos.info} is known, so that it does not contain itself.
   */
  embeds(id: TypeId): boolean {
    let found = this.#embedding.get(id);
    if (found === undefined) {
      found = false;
      for (const type of this.#structsIn(id)) found ||= this.isFlexible(type) || this.embeds(type);
      this.#embedding.set(id, found);
    }
    return found;
  }

  *#structsIn(id: TypeId): Generator<TypeId> {
    const btf = this.#btf;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const type = btf.memberType(id, index);
      if (btf.kind(type) === K.BTF_KIND_STRUCT) yield type;
    }
  }
}
