import {
  type Btf,
  BTF_KIND_ARRAY,
  BTF_KIND_DATASEC,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_INT,
  BTF_KIND_PTR,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  BTF_KIND_VAR,
  skipModifiers,
  type TypeId,
} from "../btf/index.ts";

/** Kernels that have BTF, and sidecars of them, are 64-bit. */
const pointerByteSize = 8;
const maximumDepth = 64;

/**
 * Bytes of a value of a type; undefined for void, functions, forward declarations and chains too deep.
 * Types with a size of their own give it; arrays multiply.
 */
export function typeByteSize(btf: Btf, type: TypeId, depth = 0): number | undefined {
  const id = skipModifiers(btf, type);
  if (id === undefined || depth > maximumDepth) return undefined;
  switch (btf.kind(id)) {
    case BTF_KIND_INT:
    case BTF_KIND_FLOAT:
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      return btf.sizeOrType(id);
    case BTF_KIND_PTR:
      return pointerByteSize;
    case BTF_KIND_ARRAY: {
      const element = typeByteSize(btf, btf.arrayElementType(id), depth + 1);
      return element === undefined ? undefined : element * btf.arrayLength(id);
    }
    default:
      return undefined;
  }
}

/**
 * The first variable whose type has not the size that its DATASEC says. Split BTF does not name its
 * base; over any other than its own, ids lead to other types and this finds one within a few entries.
 * @returns a sentence, or undefined when every variable fits
 */
export function firstMisfit(btf: Btf): string | undefined {
  for (let section = btf.startId; section < btf.typeCount; section++) {
    if (btf.kind(section) !== BTF_KIND_DATASEC) continue;
    for (let index = 0, count = btf.vlen(section); index < count; index++) {
      const variable = btf.sectionEntryType(section, index);
      if (btf.kind(variable) !== BTF_KIND_VAR) return `entry ${index} of ${btf.name(section)} is no variable`;
      const byteSize = btf.sectionEntryByteSize(section, index);
      const ofType = typeByteSize(btf, btf.sizeOrType(variable));
      if (ofType === byteSize) continue;
      const size = ofType === undefined ? "no size" : `${ofType} bytes`;
      return `${btf.name(variable)} has ${byteSize} bytes and its type ${size}`;
    }
  }
  return undefined;
}
