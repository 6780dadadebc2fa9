import type { Type } from "./type.ts";

/** Deepest nesting compared; types that contain themselves through pointers end earlier, at a tag. */
const maximumDepth = 64;

/**
 * Whether two types are the same in C's sense, also when they come from different BTF blobs.
 *
 * Structs, unions and enums are compared by tag and size only: within one kernel that tells them
 * apart nearly always, and comparing all members would visit half of the kernel's types. Typedefs
 * are what they stand for; an array of unknown length fits any of its element.
 */
export function typesCompatible(left: Type, right: Type): boolean {
  return compatible(left, right, 0);
}

function compatible(left: Type, right: Type, depth: number): boolean {
  if (left.qualifiers !== right.qualifiers) return false;
  const a = left.underlying;
  const b = right.underlying;
  if (a === b) return true;
  if (a.kind !== b.kind || depth > maximumDepth) return false;
  switch (a.kind) {
    case "void":
      return true;
    case "int":
    case "bool":
    case "float":
      return a.name === b.name && a.byteSizeIf === b.byteSizeIf && a.isSigned === b.isSigned;
    case "struct":
    case "union":
    case "enum":
      return a.name === b.name && (!a.isComplete || !b.isComplete || a.byteSizeIf === b.byteSizeIf);
    case "pointer":
      return compatible(a.target!, b.target!, depth + 1);
    case "array":
      if (a.length !== undefined && b.length !== undefined && a.length !== b.length) return false;
      return compatible(a.target!, b.target!, depth + 1);
    default: {
      if (a.isVariadic !== b.isVariadic || !compatible(a.target!, b.target!, depth + 1)) return false;
      const others = b.parameters;
      return (
        a.parameters.length === others.length &&
        a.parameters.every((each, index) => compatible(each.type, others[index]!.type, depth + 1))
      );
    }
  }
}
