import * as K from "./constants.ts";
import { isComposite, isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";

const maximumChain = 64;

/** Structs and unions with a member of this name, in the order of ids. */
export function* findMember(btf: Btf, name: string): Generator<{ id: TypeId; index: number }> {
  for (let id = 1; id < btf.typeCount; id++) {
    if (!isComposite(btf.kind(id))) continue;
    for (let index = 0, count = btf.vlen(id); index < count; index++)
      if (btf.memberName(id, index) === name) yield { id, index };
  }
}

/** Functions with a parameter of one of these types, or a pointer to it. */
export function* findFunctionsTaking(btf: Btf, types: ReadonlySet<TypeId>): Generator<TypeId> {
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== K.BTF_KIND_FUNC) continue;
    const prototype = btf.sizeOrType(id);
    if (btf.kind(prototype) !== K.BTF_KIND_FUNC_PROTO) continue;
    for (let index = 0, count = btf.vlen(prototype); index < count; index++) {
      if (!isOf(btf, btf.parameterType(prototype, index), types)) continue;
      yield id;
      break;
    }
  }
}

/** Variables of one of these types, arrays of it, or pointers to it. */
export function* findVariablesOf(btf: Btf, types: ReadonlySet<TypeId>): Generator<TypeId> {
  for (let id = 1; id < btf.typeCount; id++)
    if (btf.kind(id) === K.BTF_KIND_VAR && isOf(btf, btf.sizeOrType(id), types)) yield id;
}

/** Whether a type is one of these behind pointers, arrays, typedefs and qualifiers. */
function isOf(btf: Btf, id: TypeId, types: ReadonlySet<TypeId>): boolean {
  for (let hops = 0; hops < maximumChain; hops++) {
    if (types.has(id)) return true;
    const kind = btf.kind(id);
    if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
    else if (kind === K.BTF_KIND_PTR || isModifier(kind)) id = btf.sizeOrType(id);
    else return false;
  }
  return false;
}
