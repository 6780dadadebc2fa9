import * as K from "./constants.ts";
import { intEncodingName, linkageName } from "./raw.ts";
import type { Btf, TypeId } from "./reader.ts";

/**
 * The own types as one JSON document, in pieces, as `bpftool -j btf dump …` of 7.8 prints it, or
 * indented as with `-p`.
 */
export function* jsonPieces(btf: Btf, isPretty = false): Generator<string> {
  yield isPretty ? '{\n    "types": [' : '{"types":[';
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const text = jsonType(btf, id);
    yield `${id === btf.startId ? "" : ","}${isPretty ? indented(text) : text}`;
  }
  yield isPretty ? "\n    ]\n}\n" : "]}\n";
}

/** JSON without blanks, a value a line, as it stands two levels deep. */
function indented(json: string): string {
  let text = "";
  let depth = 2;
  let isString = false;
  const newLine = (): string => `\n${"    ".repeat(depth)}`;
  for (let at = 0; at < json.length; at++) {
    const character = json[at]!;
    if (isString) {
      text += character;
      if (character === "\\") text += json[++at];
      else if (character === '"') isString = false;
      continue;
    }
    const isEmptyList = character === "]" && json[at - 1] === "[";
    if (character === "}" || character === "]") depth--;
    if ((character === "}" || character === "]") && !isEmptyList) text += newLine();
    text += character;
    if (character === '"') isString = true;
    else if (character === ":") text += " ";
    else if (character === "[") depth++;
    else if (character === "{") {
      depth++;
      text += newLine();
    } else if (character === "," && json[at + 1] !== "{") text += newLine();
  }
  return text;
}

/** One type as an object of {@link jsonPieces}. Values of 64 bits are numbers of all their digits. */
export function jsonType(btf: Btf, id: TypeId): string {
  const kind = btf.kind(id);
  return `{"id":${id},"kind":"${K.kindName(kind)}","name":${quoted(btf.name(id))}${tail(btf, id, kind)}}`;
}

function tail(btf: Btf, id: TypeId, kind: number): string {
  const value = btf.sizeOrType(id);
  switch (kind) {
    case K.BTF_KIND_INT: {
      const bits = `"bits_offset":${btf.intBitOffset(id)},"nr_bits":${btf.intBitSize(id)}`;
      return `,"size":${value},${bits},"encoding":"${intEncodingName(btf.intEncoding(id))}"`;
    }
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_TYPEDEF:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
    case K.BTF_KIND_TYPE_TAG:
      return `,"type_id":${value}`;
    case K.BTF_KIND_ARRAY: {
      const types = `"type_id":${btf.arrayElementType(id)},"index_type_id":${btf.arrayIndexType(id)}`;
      return `,${types},"nr_elems":${btf.arrayLength(id)}`;
    }
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
      return `,"size":${value}${list(btf, id, "members", member)}`;
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64: {
      const encoding = btf.kindFlag(id) ? "SIGNED" : "UNSIGNED";
      return `,"encoding":"${encoding}","size":${value}${list(btf, id, "values", enumerator)}`;
    }
    case K.BTF_KIND_FWD:
      return `,"fwd_kind":"${btf.kindFlag(id) ? "union" : "struct"}"`;
    case K.BTF_KIND_FUNC:
      return `,"type_id":${value},"linkage":"${linkageName(btf.functionLinkage(id))}"`;
    case K.BTF_KIND_FUNC_PROTO:
      return `,"ret_type_id":${value}${list(btf, id, "params", parameter)}`;
    case K.BTF_KIND_VAR:
      return `,"type_id":${value},"linkage":"${linkageName(btf.variableLinkage(id))}"`;
    case K.BTF_KIND_DATASEC:
      return `,"size":${value}${list(btf, id, "vars", sectionEntry)}`;
    case K.BTF_KIND_FLOAT:
      return `,"size":${value}`;
    case K.BTF_KIND_DECL_TAG:
      return `,"type_id":${value},"component_idx":${btf.declTagComponent(id)}`;
    default:
      return "";
  }
}

function list(
  btf: Btf,
  id: TypeId,
  name: string,
  element: (btf: Btf, id: TypeId, index: number) => string,
): string {
  const count = btf.vlen(id);
  let text = `,"vlen":${count},"${name}":[`;
  for (let index = 0; index < count; index++)
    text += (index === 0 ? "{" : ",{") + element(btf, id, index) + "}";
  return `${text}]`;
}

function member(btf: Btf, id: TypeId, index: number): string {
  const width = btf.memberBitfieldSize(id, index);
  const place = `"bits_offset":${btf.memberBitOffset(id, index)}${width === 0 ? "" : `,"bitfield_size":${width}`}`;
  return `"name":${quoted(btf.memberName(id, index))},"type_id":${btf.memberType(id, index)},${place}`;
}

function enumerator(btf: Btf, id: TypeId, index: number): string {
  let value = btf.enumeratorValue(id, index);
  // bpftool widens an unsigned value of 32 bits with its sign: 0xffffffff is printed as 2^64 - 1.
  if (btf.kind(id) === K.BTF_KIND_ENUM && !btf.kindFlag(id))
    value = BigInt.asUintN(64, BigInt.asIntN(32, value));
  return `"name":${quoted(btf.enumeratorName(id, index))},"val":${value}`;
}

function parameter(btf: Btf, id: TypeId, index: number): string {
  return `"name":${quoted(btf.parameterName(id, index))},"type_id":${btf.parameterType(id, index)}`;
}

function sectionEntry(btf: Btf, id: TypeId, index: number): string {
  const type = btf.sectionEntryType(id, index);
  const place = `"offset":${btf.sectionEntryOffset(id, index)},"size":${btf.sectionEntryByteSize(id, index)}`;
  return `"type_id":${type},${place}`;
}

function quoted(name: string): string {
  return name === "" ? '"(anon)"' : JSON.stringify(name);
}
