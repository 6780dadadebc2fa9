import * as K from "./constants.ts";
import type { Btf, TypeId } from "./reader.ts";

/** Kinds that only name or qualify another type: typedef, const, volatile, restrict, type tag. */
export function isModifier(kind: number): boolean {
  return (
    kind === K.BTF_KIND_TYPEDEF ||
    kind === K.BTF_KIND_CONST ||
    kind === K.BTF_KIND_VOLATILE ||
    kind === K.BTF_KIND_RESTRICT ||
    kind === K.BTF_KIND_TYPE_TAG
  );
}

/** STRUCT or UNION. */
export function isComposite(kind: number): boolean {
  return kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION;
}

/** ENUM or ENUM64. */
export function isEnum(kind: number): boolean {
  return kind === K.BTF_KIND_ENUM || kind === K.BTF_KIND_ENUM64;
}

/** What a chain of modifiers ends at; undefined when it is a cycle (or longer than any real one). */
export function skipModifiers(btf: Btf, id: TypeId): TypeId | undefined {
  for (let hops = 0; hops < 64; hops++) {
    if (!isModifier(btf.kind(id))) return id;
    id = btf.sizeOrType(id);
  }
  return undefined;
}
