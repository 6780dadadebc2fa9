import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import type { Btf, TypeId } from "../reader.ts";

const maximumDepth = 64;
/** Longest text of a function's type, in characters; prototypes within each other can ask for any length. */
const maximumLength = 1 << 20;

/** A type's name as pahole spells it: `const char  *`, a blank behind each qualifier. */
export function typeText(btf: Btf, id: TypeId, depth = 0): string {
  checkDepth(id, depth);
  const target = btf.sizeOrType(id);
  switch (btf.kind(id)) {
    case K.BTF_KIND_UNKN:
      return "void";
    case K.BTF_KIND_PTR:
      if (btf.kind(target) === K.BTF_KIND_FUNC_PROTO)
        return functionText(btf, target, "", 0, true, depth + 1);
      // A qualifier stands behind the star it belongs to, but before the whole where that is all.
      if (btf.kind(target) === K.BTF_KIND_CONST && btf.kind(btf.sizeOrType(target)) === K.BTF_KIND_PTR)
        return `${typeText(btf, btf.sizeOrType(target), depth + 2)} const *`;
      return `${typeText(btf, target, depth + 1)} *`;
    case K.BTF_KIND_CONST:
      return `const ${typeText(btf, target, depth + 1)} `;
    case K.BTF_KIND_VOLATILE:
      return `volatile ${typeText(btf, target, depth + 1)} `;
    case K.BTF_KIND_RESTRICT:
      return ` restrict ${typeText(btf, target, depth + 1)}`;
    case K.BTF_KIND_TYPE_TAG:
      return typeText(btf, target, depth + 1);
    case K.BTF_KIND_ARRAY:
      return typeText(btf, btf.arrayElementType(id), depth + 1);
    case K.BTF_KIND_STRUCT:
      return `struct ${btf.name(id)}`;
    case K.BTF_KIND_UNION:
      return `union ${btf.name(id)}`;
    case K.BTF_KIND_FWD:
      return `${btf.kindFlag(id) ? "union" : "struct"} ${btf.name(id)}`;
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      return `enum ${btf.name(id)}`;
    case K.BTF_KIND_FUNC_PROTO:
      return functionText(btf, id, "", 0, false, depth + 1);
    default:
      return btf.name(id);
  }
}

/** `int (*name)(struct file *, ...)`, the return type padded to `width`. */
export function functionText(
  btf: Btf,
  id: TypeId,
  name: string,
  width: number,
  isPointer: boolean,
  depth = 0,
): string {
  checkDepth(id, depth);
  const parameters: string[] = [];
  let length = 0;
  const count = btf.vlen(id);
  for (let index = 0; index < count; index++) {
    const type = btf.parameterType(id, index);
    if (type === 0 && index === count - 1) {
      if (index > 0) parameters.push("...");
      continue;
    }
    const text = parameterText(btf, type, btf.parameterName(id, index), depth + 1);
    length += text.length + 2;
    if (length > maximumLength) {
      const problem = `function type ${id} takes more than ${maximumLength} characters`;
      throw new LimitError("BTF_LAYOUT", problem, { section: btfSectionName });
    }
    parameters.push(text);
  }
  const declarator = isPointer ? `(*${name})` : name === "" ? "()" : name;
  const list = parameters.length === 0 ? "void" : parameters.join(", ");
  return `${padded(typeText(btf, btf.sizeOrType(id), depth + 1), width)} ${declarator}(${list})`;
}

function parameterText(btf: Btf, type: TypeId, name: string, depth: number): string {
  const target = btf.sizeOrType(type);
  if (btf.kind(type) === K.BTF_KIND_PTR && btf.kind(target) === K.BTF_KIND_FUNC_PROTO)
    return functionText(btf, target, name, 0, true, depth);
  const text = typeText(btf, type, depth);
  return name === "" ? text : `${text} ${name}`;
}

function checkDepth(id: TypeId, depth: number): void {
  if (depth > maximumDepth)
    throw new LimitError("BTF_DEPTH", `type ${id} refers on and on`, { section: btfSectionName });
}

/** As C's `%-*s`: a negative width counts as its absolute value. */
export function padded(text: string, width: number): string {
  return text.padEnd(Math.abs(width));
}
