import { ByteText, gather, type WritePiece } from "./byte-text.ts";
import * as K from "./constants.ts";
import type { Btf, StringOffset, TypeId } from "./reader.ts";
import { infoKind, infoVlen } from "./records.ts";

const linkageNames = ["static", "global", "extern"];

/**
 * Write the own types as `bpftool btf dump … format raw` of 7.8 prints them: a line for each type, and
 * one for each of its elements, names byte for byte as they are stored.
 */
export function writeRaw(btf: Btf, write: WritePiece): void {
  const text = new ByteText();
  const { offsets, startId } = btf;
  for (let index = 0; index < offsets.length; index++) {
    putType(text, btf, startId + index, offsets[index]!);
    text.flushPiece(write);
  }
  text.flush(write);
}

/** The lines of {@link writeRaw}. */
export function rawLines(btf: Btf): string[] {
  const text = gather((write) => writeRaw(btf, write));
  return text === "" ? [] : text.slice(0, -1).split("\n");
}

function putType(text: ByteText, btf: Btf, id: TypeId, at: number): void {
  const { words } = btf;
  const info = words[at + 1]!;
  const kind = infoKind(info);
  text.put("[");
  text.putNumber(id);
  text.put("] ");
  text.put(K.kindName(kind));
  text.put(" '");
  putName(text, btf, words[at]!);
  text.put("'");
  putFacts(text, words, at, kind);
  text.put("\n");
  switch (kind) {
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
      putMembers(text, btf, at);
      break;
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      putEnumerators(text, btf, id, at);
      break;
    case K.BTF_KIND_FUNC_PROTO:
      putParameters(text, btf, at);
      break;
    case K.BTF_KIND_DATASEC:
      putSectionEntries(text, btf, at);
  }
}

/** What follows kind and name on a type's own line. */
function putFacts(text: ByteText, words: Uint32Array, at: number, kind: number): void {
  const info = words[at + 1]!;
  const value = words[at + 2]!;
  switch (kind) {
    case K.BTF_KIND_INT: {
      const integer = words[at + 3]!;
      putFact(text, " size=", value);
      putFact(text, " bits_offset=", (integer >>> 16) & 0xff);
      putFact(text, " nr_bits=", integer & 0xff);
      text.put(" encoding=");
      text.put(intEncodingName(integer >>> 24));
      break;
    }
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_TYPEDEF:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
    case K.BTF_KIND_TYPE_TAG:
      putFact(text, " type_id=", value);
      break;
    case K.BTF_KIND_ARRAY:
      putFact(text, " type_id=", words[at + 3]!);
      putFact(text, " index_type_id=", words[at + 4]!);
      putFact(text, " nr_elems=", words[at + 5]!);
      break;
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      text.put(info >>> 31 === 1 ? " encoding=SIGNED" : " encoding=UNSIGNED");
      putFact(text, " size=", value);
      putFact(text, " vlen=", infoVlen(info));
      break;
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
    case K.BTF_KIND_DATASEC:
      putFact(text, " size=", value);
      putFact(text, " vlen=", infoVlen(info));
      break;
    case K.BTF_KIND_FWD:
      text.put(info >>> 31 === 1 ? " fwd_kind=union" : " fwd_kind=struct");
      break;
    case K.BTF_KIND_FUNC:
      putFact(text, " type_id=", value);
      text.put(" linkage=");
      text.put(linkageName(infoVlen(info)));
      break;
    case K.BTF_KIND_FUNC_PROTO:
      putFact(text, " ret_type_id=", value);
      putFact(text, " vlen=", infoVlen(info));
      break;
    case K.BTF_KIND_VAR:
      putFact(text, " type_id=", value);
      text.put(", linkage=");
      text.put(linkageName(words[at + 3]!));
      break;
    case K.BTF_KIND_FLOAT:
      putFact(text, " size=", value);
      break;
    case K.BTF_KIND_DECL_TAG:
      putFact(text, " type_id=", value);
      text.put(" component_idx=");
      text.putSigned(words[at + 3]!);
  }
}

function putMembers(text: ByteText, btf: Btf, at: number): void {
  const { words } = btf;
  const info = words[at + 1]!;
  const hasBitfields = info >>> 31 === 1;
  const end = at + 3 + infoVlen(info) * 3;
  for (let member = at + 3; member < end; member += 3) {
    putElementName(text, btf, words[member]!);
    putFact(text, "' type_id=", words[member + 1]!);
    const place = words[member + 2]!;
    putFact(text, " bits_offset=", hasBitfields ? place & 0xffffff : place);
    if (hasBitfields && place >>> 24 !== 0) putFact(text, " bitfield_size=", place >>> 24);
    text.put("\n");
  }
}

function putEnumerators(text: ByteText, btf: Btf, id: TypeId, at: number): void {
  const { words } = btf;
  const info = words[at + 1]!;
  const isSigned = info >>> 31 === 1;
  const isWide = infoKind(info) === K.BTF_KIND_ENUM64;
  const count = infoVlen(info);
  for (let index = 0; index < count; index++) {
    const value = at + 3 + index * (isWide ? 3 : 2);
    putElementName(text, btf, words[value]!);
    text.put("' val=");
    if (isWide) text.put(`${btf.enumeratorValue(id, index)}${isSigned ? "LL" : "ULL"}`);
    else if (isSigned) text.putSigned(words[value + 1]!);
    else text.putNumber(words[value + 1]!);
    text.put("\n");
  }
}

function putParameters(text: ByteText, btf: Btf, at: number): void {
  const { words } = btf;
  const end = at + 3 + infoVlen(words[at + 1]!) * 2;
  for (let parameter = at + 3; parameter < end; parameter += 2) {
    putElementName(text, btf, words[parameter]!);
    putFact(text, "' type_id=", words[parameter + 1]!);
    text.put("\n");
  }
}

function putSectionEntries(text: ByteText, btf: Btf, at: number): void {
  const { words } = btf;
  const end = at + 3 + infoVlen(words[at + 1]!) * 3;
  for (let entry = at + 3; entry < end; entry += 3) {
    const type = words[entry]!;
    putFact(text, "\ttype_id=", type);
    putFact(text, " offset=", words[entry + 1]!);
    putFact(text, " size=", words[entry + 2]!);
    text.put(" (");
    text.put(K.kindName(btf.kind(type)));
    text.put(" '");
    putName(text, btf, btf.nameOffset(type));
    text.put("')\n");
  }
}

function putElementName(text: ByteText, btf: Btf, offset: StringOffset): void {
  text.put("\t'");
  putName(text, btf, offset);
}

function putName(text: ByteText, btf: Btf, offset: StringOffset): void {
  if (text.putName(btf, offset) === 0) text.put("(anon)");
}

function putFact(text: ByteText, label: string, value: number): void {
  text.put(label);
  text.putNumber(value);
}

/** Name of an encoding BTF_INT_ in dumps. */
export function intEncodingName(encoding: number): string {
  switch (encoding) {
    case 0:
      return "(none)";
    case K.BTF_INT_SIGNED:
      return "SIGNED";
    case K.BTF_INT_CHAR:
      return "CHAR";
    case K.BTF_INT_BOOL:
      return "BOOL";
    default:
      return "UNKN";
  }
}

/** Name of a linkage of a VAR or FUNC in dumps. */
export function linkageName(linkage: number): string {
  return linkageNames[linkage] ?? "(unknown)";
}
