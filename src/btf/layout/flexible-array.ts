import * as K from "../constants.ts";
import type { Btf, TypeId } from "../reader.ts";
import type { ClassInfos } from "./class-info.ts";

/** Members of a struct that are structs, not by a typedef, with an array of no stated length. */
export interface FlexibleArrays {
  /** Whose last member is one. */
  atEnd: number;
  /** That have one deeper inside. */
  inMiddle: number;
}

export function flexibleArrays(btf: Btf, infos: ClassInfos, id: TypeId): FlexibleArrays {
  let atEnd = 0;
  let inMiddle = 0;
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const type = btf.memberType(id, index);
    if (btf.kind(type) !== K.BTF_KIND_STRUCT) continue;
    if (hasFlexibleArray(btf, infos, type)) atEnd++;
    if (hasEmbeddedFlexibleArray(btf, infos, type)) inMiddle++;
  }
  return { atEnd, inMiddle };
}

/** Whether the last member is an array without a length. */
export function hasFlexibleArray(btf: Btf, infos: ClassInfos, id: TypeId): boolean {
  const count = btf.vlen(id);
  if (count === 0) return false;
  const type = infos.strip(btf.memberType(id, count - 1));
  return btf.kind(type) === K.BTF_KIND_ARRAY && btf.arrayLength(type) === 0;
}

/** Whether a struct within has an array without a length at its end. */
export function hasEmbeddedFlexibleArray(btf: Btf, infos: ClassInfos, id: TypeId, depth = 0): boolean {
  if (depth > 32) return false;
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const type = btf.memberType(id, index);
    if (btf.kind(type) !== K.BTF_KIND_STRUCT) continue;
    if (hasFlexibleArray(btf, infos, type) || hasEmbeddedFlexibleArray(btf, infos, type, depth + 1))
      return true;
  }
  return false;
}
