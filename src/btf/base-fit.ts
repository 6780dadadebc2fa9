import * as K from "./constants.ts";
import { printableName } from "./declarator.ts";
import { isComposite } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { forEachNameWord, forEachTypeWord } from "./records.ts";
import { pointerByteSizeOf, TypeSizes } from "./type-sizes.ts";

/**
 * Why split BTF cannot have been split from the base it is over, as one sentence; undefined where
 * nothing speaks against it. Split BTF does not name its base: over another than its own, ids lead to
 * other types and names begin in the middle of strings, which shows within a few types.
 * `btf` may be parsed with `danglingReferences`.
 * @throws {LimitError} `BTF_DEPTH` for types of the base that contain themselves
 */
export function baseMisfit(btf: Btf): string | undefined {
  const { base } = btf;
  if (base === undefined) return undefined;
  const sizes = new TypeSizes(base, pointerByteSizeOf(base));
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const found = referenceMisfit(btf, base, id) ?? memberMisfit(btf, base, id, sizes);
    if (found !== undefined) return `[${id}] ${K.kindName(btf.kind(id))} ${found}`;
  }
  return undefined;
}

function referenceMisfit(btf: Btf, base: Btf, id: TypeId): string | undefined {
  const kind = btf.kind(id);
  let found: string | undefined;
  forEachTypeWord(btf.words, btf.wordIndex(id), (at) => {
    const target = btf.words[at]!;
    if (target >= btf.typeCount)
      found ??= `refers to type ${target}; with this base, ids end at ${btf.typeCount - 1}`;
    else if (target !== 0 && target < btf.startId && !mayReferTo(kind, base.kind(target)))
      found ??= `refers to [${target}], which is ${K.kindName(base.kind(target))} '${printableName(base.name(target))}' in this base`;
  });
  forEachNameWord(btf.words, btf.wordIndex(id), (at) => {
    const offset = btf.words[at]!;
    if (offset === 0) return;
    if (offset >= btf.stringsEnd)
      found ??= `has a name at ${offset}; with this base, strings end at ${btf.stringsEnd}`;
    else if (btf.binaryString(offset) === "")
      found ??= `has a name at ${offset}, where no string begins with this base`;
    else if (offset < btf.startStringOffset && !beginsString(base, offset))
      found ??= `has the name '${printableName(base.string(offset))}', which is the end of another in this base`;
  });
  return found;
}

/** Whether a type of kind `kind` may refer to one of kind `target` of the base. */
function mayReferTo(kind: number, target: number): boolean {
  switch (kind) {
    case K.BTF_KIND_FUNC:
      return target === K.BTF_KIND_FUNC_PROTO;
    case K.BTF_KIND_DATASEC:
      return target === K.BTF_KIND_VAR || target === K.BTF_KIND_FUNC;
    case K.BTF_KIND_DECL_TAG:
      return target !== K.BTF_KIND_INT && target !== K.BTF_KIND_PTR;
    default:
      return (
        target !== K.BTF_KIND_FUNC &&
        target !== K.BTF_KIND_VAR &&
        target !== K.BTF_KIND_DATASEC &&
        target !== K.BTF_KIND_DECL_TAG &&
        (target !== K.BTF_KIND_FUNC_PROTO || kind === K.BTF_KIND_PTR || kind === K.BTF_KIND_TYPEDEF)
      );
  }
}

/** Encoders store each string whole; some share the ends of the split's own, none those of the base. */
function beginsString(base: Btf, offset: number): boolean {
  const owner = base.stringOwner(offset);
  const at = offset - owner.startStringOffset;
  return at === 0 || owner.stringsBytes[at - 1] === 0;
}

/** A member that ends behind the next one's begin, or behind the struct's end. */
function memberMisfit(btf: Btf, base: Btf, id: TypeId, sizes: TypeSizes): string | undefined {
  if (!isComposite(btf.kind(id))) return undefined;
  const isUnion = btf.kind(id) === K.BTF_KIND_UNION;
  const endBits = btf.sizeOrType(id) * 8;
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const type = btf.memberType(id, index);
    if (type === 0 || type >= btf.startId || btf.memberBitfieldSize(id, index) !== 0) continue;
    const byteSize = sizes.byteSize(type);
    if (byteSize === undefined) continue;
    const begin = btf.memberBitOffset(id, index);
    const isLast = isUnion || index + 1 === count;
    const room = (isLast ? endBits : btf.memberBitOffset(id, index + 1)) - begin;
    if (byteSize * 8 <= room) continue;
    const who = `'${printableName(btf.name(id))}' has ${room / 8} bytes for its member '${printableName(btf.memberName(id, index))}'`;
    return `${who}, whose type [${type}] '${printableName(base.name(type))}' has ${byteSize} in this base`;
  }
  return undefined;
}
