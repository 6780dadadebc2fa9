import * as K from "./constants.ts";
import type { NameChecker } from "./name-check.ts";
import type { Btf, TypeId } from "./reader.ts";
import type { TypeProblem } from "./type-problem.ts";

export interface MetaRules {
  names: NameChecker;
  /** Names of sections may be any printable text. */
  printableSectionNames: boolean;
  /** Tags may have the kind flag, which makes them attributes. */
  attributes: boolean;
  /** Kind and vlen take all of the `info` word. */
  wideInfo: boolean;
}

/**
 * What the kernel checks of a record by itself ("meta" checks); the caller has looked at its
 * `info` bits and kind. Undefined when it is fine.
 */
export function checkMeta(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  switch (btf.kind(id)) {
    case K.BTF_KIND_INT:
      return noVlen(btf, id) ?? noKindFlag(btf, id) ?? intProblem(btf, id);
    case K.BTF_KIND_FLOAT:
      return noVlen(btf, id) ?? noKindFlag(btf, id) ?? floatProblem(btf, id);
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
      return noVlen(btf, id) ?? noKindFlag(btf, id) ?? noName(btf, id);
    case K.BTF_KIND_TYPEDEF:
      return noVlen(btf, id) ?? noKindFlag(btf, id) ?? needsName(btf, id, rules);
    case K.BTF_KIND_TYPE_TAG:
      return noVlen(btf, id) ?? attributeFlag(btf, id, rules) ?? needsText(btf, id);
    case K.BTF_KIND_DECL_TAG:
      return (
        needsText(btf, id) ?? noVlen(btf, id) ?? attributeFlag(btf, id, rules) ?? declTagProblem(btf, id)
      );
    case K.BTF_KIND_FWD:
      return noVlen(btf, id) ?? noSize(btf, id) ?? needsName(btf, id, rules);
    case K.BTF_KIND_ARRAY:
      return (
        noName(btf, id) ?? noVlen(btf, id) ?? noKindFlag(btf, id) ?? noSize(btf, id) ?? arrayProblem(btf, id)
      );
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
      return identifierOrNone(btf, id, rules) ?? compositeProblem(btf, id, rules);
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      return enumProblem(btf, id, rules);
    case K.BTF_KIND_FUNC_PROTO:
      return noName(btf, id) ?? noKindFlag(btf, id);
    case K.BTF_KIND_FUNC:
      return needsName(btf, id, rules) ?? functionProblem(btf, id) ?? noKindFlag(btf, id);
    case K.BTF_KIND_VAR:
      return noVlen(btf, id) ?? noKindFlag(btf, id) ?? needsName(btf, id, rules) ?? variableProblem(btf, id);
    case K.BTF_KIND_DATASEC:
      return datasecProblem(btf, id, rules);
    default:
      return undefined;
  }
}

/** The kernel looks up every name but those of parameters. */
export function nameOffsetProblem(
  btf: Btf,
  offset: number,
  what: string,
  word: number,
): TypeProblem | undefined {
  if (offset <= K.BTF_MAX_NAME_OFFSET && offset < Math.max(btf.stringsEnd, 1)) return undefined;
  return { rule: "name-offset", text: `${what} at 0x${offset.toString(16)}, outside the strings`, word };
}

function noVlen(btf: Btf, id: TypeId): TypeProblem | undefined {
  return btf.vlen(id) === 0 ? undefined : { rule: "vlen", text: `vlen is ${btf.vlen(id)}, not 0`, word: 1 };
}

function noKindFlag(btf: Btf, id: TypeId): TypeProblem | undefined {
  return btf.kindFlag(id) ? { rule: "kind-flag", text: "kind flag is set", word: 1 } : undefined;
}

function attributeFlag(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  return rules.attributes ? undefined : noKindFlag(btf, id);
}

function noName(btf: Btf, id: TypeId): TypeProblem | undefined {
  return btf.nameOffset(id) === 0 ? undefined : { rule: "name", text: `has a name: ${quoted(btf.name(id))}` };
}

function noSize(btf: Btf, id: TypeId): TypeProblem | undefined {
  return btf.sizeOrType(id) === 0
    ? undefined
    : { rule: "size", text: `third word is ${btf.sizeOrType(id)}, not 0`, word: 2 };
}

function needsName(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  if (btf.nameOffset(id) === 0) return { rule: "name", text: "has no name" };
  return identifierOrNone(btf, id, rules);
}

function needsText(btf: Btf, id: TypeId): TypeProblem | undefined {
  return btf.binaryString(btf.nameOffset(id)) === "" ? { rule: "name", text: "has no text" } : undefined;
}

function identifierOrNone(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  const offset = btf.nameOffset(id);
  if (offset === 0 || rules.names.isIdentifier(offset)) return undefined;
  return { rule: "name", text: `name ${quoted(btf.name(id))} is no identifier` };
}

function intProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  const data = btf.word(id, 3);
  if (data >>> 28 !== 0) {
    return { rule: "int-data", text: `int data 0x${data.toString(16)} has bits set that must be 0`, word: 3 };
  }
  const bits = btf.intBitSize(id) + btf.intBitOffset(id);
  if (bits > 128) return { rule: "int-bits", text: `${bits} bits, 128 are possible`, word: 3 };
  if (Math.ceil(bits / 8) > btf.sizeOrType(id)) {
    return { rule: "int-bits", text: `${bits} bits in ${btf.sizeOrType(id)} bytes`, word: 3 };
  }
  const encoding = btf.intEncoding(id);
  if ((encoding & (encoding - 1)) !== 0 || encoding > K.BTF_INT_BOOL) {
    return { rule: "int-encoding", text: `encoding ${encoding} is not one of signed, char, bool`, word: 3 };
  }
  return undefined;
}

function floatProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  const byteSize = btf.sizeOrType(id);
  if ([2, 4, 8, 12, 16].includes(byteSize)) return undefined;
  return { rule: "float-size", text: `float of ${byteSize} bytes`, word: 2 };
}

function declTagProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  const component = btf.declTagComponent(id);
  return component >= -1 ? undefined : { rule: "component", text: `component index ${component}`, word: 3 };
}

function arrayProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  if (btf.arrayElementType(id) === 0) return { rule: "array-element", text: "array of void", word: 3 };
  if (btf.arrayIndexType(id) === 0) return { rule: "array-index", text: "array indexed by void", word: 4 };
  return undefined;
}

function compositeProblem(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  const isUnion = btf.kind(id) === K.BTF_KIND_UNION;
  const byteSize = btf.sizeOrType(id);
  let previous = 0;
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const nameOffset = btf.memberNameOffset(id, index);
    const word = 3 + index * 3;
    const outside = nameOffsetProblem(btf, nameOffset, `name of member ${index}`, word);
    if (outside !== undefined) return outside;
    if (nameOffset !== 0 && !rules.names.isIdentifier(nameOffset)) {
      return {
        rule: "member-name",
        text: `member name ${quoted(btf.string(nameOffset))} is no identifier`,
        word,
      };
    }
    const who = `member ${index} ${quoted(btf.string(nameOffset))}`;
    if (btf.memberType(id, index) === 0) return { rule: "member-type", text: `${who} is void`, word };
    const bitOffset = btf.memberBitOffset(id, index);
    if (isUnion && bitOffset !== 0)
      return { rule: "member-offset", text: `${who} at bit ${bitOffset} of a union`, word };
    if (bitOffset < previous) {
      return { rule: "member-order", text: `${who} at bit ${bitOffset} follows one at ${previous}`, word };
    }
    if (Math.ceil(bitOffset / 8) > byteSize) {
      return {
        rule: "member-offset",
        text: `${who} at bit ${bitOffset} of a type of ${byteSize} bytes`,
        word,
      };
    }
    previous = bitOffset;
  }
  return undefined;
}

function enumProblem(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  const byteSize = btf.sizeOrType(id);
  if (![1, 2, 4, 8].includes(byteSize))
    return { rule: "enum-size", text: `enum of ${byteSize} bytes`, word: 2 };
  const problem = identifierOrNone(btf, id, rules);
  if (problem !== undefined) return problem;
  const stride = btf.kind(id) === K.BTF_KIND_ENUM ? 2 : 3;
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const nameOffset = btf.word(id, 3 + index * stride);
    const word = 3 + index * stride;
    const outside = nameOffsetProblem(btf, nameOffset, `name of enumerator ${index}`, word);
    if (outside !== undefined) return outside;
    if (nameOffset === 0 || !rules.names.isIdentifier(nameOffset)) {
      const text = `enumerator ${index} ${quoted(btf.string(nameOffset))} is no identifier`;
      return { rule: "enumerator-name", text, word };
    }
  }
  return undefined;
}

function functionProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  const linkage = btf.functionLinkage(id);
  return linkage <= K.BTF_FUNC_GLOBAL
    ? undefined
    : { rule: "linkage", text: `function linkage ${linkage}`, word: 1 };
}

function variableProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  if (btf.sizeOrType(id) === 0)
    return { rule: "variable-type", text: `variable ${quoted(btf.name(id))} is void`, word: 2 };
  const linkage = btf.variableLinkage(id);
  if (linkage <= K.BTF_VAR_GLOBAL_ALLOCATED) return undefined;
  return { rule: "linkage", text: `variable linkage ${linkage}`, word: 3 };
}

function datasecProblem(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  const byteSize = btf.sizeOrType(id);
  if (byteSize === 0) return { rule: "section-size", text: "section of 0 bytes", word: 2 };
  const flag = noKindFlag(btf, id);
  if (flag !== undefined) return flag;
  const nameOffset = btf.nameOffset(id);
  const named = nameOffset !== 0;
  if (
    !named ||
    !(rules.printableSectionNames
      ? rules.names.isPrintable(nameOffset)
      : rules.names.isIdentifier(nameOffset))
  ) {
    return { rule: "section-name", text: `section name ${quoted(btf.name(id))} is not accepted` };
  }
  let end = 0;
  let sum = 0;
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const word = 3 + index * 3;
    const type = btf.sectionEntryType(id, index);
    const offset = btf.sectionEntryOffset(id, index);
    const entryByteSize = btf.sectionEntryByteSize(id, index);
    if (type === 0) return { rule: "entry-type", text: `entry ${index} is void`, word };
    const who = `entry ${index} ${quoted(nameIfAny(btf, type))} at 0x${offset.toString(16)} of ${entryByteSize} bytes`;
    if (offset < end)
      return { rule: "entry-order", text: `${who} begins before 0x${end.toString(16)}`, word };
    // In 32 bits, as the kernel adds them.
    end = (offset + entryByteSize) >>> 0;
    sum += entryByteSize;
    if (offset >= byteSize || entryByteSize === 0 || entryByteSize > byteSize || end > byteSize) {
      return { rule: "entry-range", text: `${who} in a section of ${byteSize} bytes`, word };
    }
  }
  if (sum > byteSize)
    return { rule: "section-size", text: `${sum} bytes of entries in ${byteSize}`, word: 2 };
  return undefined;
}

/** Of an entry's type, which may not have been looked at, or not be there. */
function nameIfAny(btf: Btf, type: number): string {
  if (type >= btf.typeCount) return "";
  const offset = btf.nameOffset(type);
  return offset < btf.stringsEnd ? btf.name(type) : "";
}

function quoted(name: string): string {
  return `'${name.length > 80 ? `${name.slice(0, 80)}…` : name}'`;
}
