import type { Type } from "../program/index.ts";

/** A member at an offset. */
export interface MemberPath {
  /** From the outer struct down: `f_path.dentry`, `slots[3]`. */
  path: string;
  /** Of the innermost member. */
  type: Type;
  /** Bytes from its start to the offset. */
  rest: number;
}

/** Structs within structs. */
const maximumDepth = 16;

/**
 * The innermost member of a struct that holds the byte at an offset. Of a union the first member that is a pointer
 * at that place, or else the first; undefined beyond the end and in holes.
 */
export function memberPath(struct: Type, offset: number): MemberPath | undefined {
  return descend(struct, offset, "", 0);
}

function descend(type: Type, offset: number, path: string, depth: number): MemberPath | undefined {
  const plain = type.underlying;
  if (depth > maximumDepth) return undefined;
  if (plain.kind === "array") {
    const element = plain.target;
    const byteSize = element?.byteSizeIf ?? 0;
    if (element === undefined || byteSize === 0) return undefined;
    const index = Math.floor(offset / byteSize);
    if (plain.length !== undefined && index >= plain.length) return undefined;
    return descend(element, offset - index * byteSize, `${path}[${index}]`, depth + 1);
  }
  if (!plain.isComposite) {
    return offset < (plain.byteSizeIf ?? 0) ? { path, type, rest: offset } : undefined;
  }
  let first: MemberPath | undefined;
  for (const member of plain.members) {
    const start = member.bitOffset >> 3;
    const width =
      member.bitFieldSize > 0
        ? Math.ceil((member.bitFieldSize + (member.bitOffset & 7)) / 8)
        : (member.type.byteSizeIf ?? 0);
    if (offset < start || offset >= start + width) continue;
    const name = member.name === "" ? path : path === "" ? member.name : `${path}.${member.name}`;
    const found =
      member.bitFieldSize > 0
        ? { path: name, type: member.type, rest: offset - start }
        : descend(member.type, offset - start, name, depth + 1);
    if (found === undefined) continue;
    if (plain.kind === "struct" || (found.rest === 0 && found.type.underlying.kind === "pointer"))
      return found;
    first ??= found;
  }
  return first;
}
