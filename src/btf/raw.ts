import { gather, type WritePiece } from "./byte-text.ts";
import * as K from "./constants.ts";
import type { Btf } from "./reader.ts";
import { type Field, type RecordFormat, writeRecords } from "./record-format.ts";

/** By linkage; the last for all beyond. */
export const linkages: readonly string[] = ["static", "global", "extern", "(unknown)"];
/** By encoding BTF_INT_: none, SIGNED, CHAR, BOOL; the last for all beyond. */
export const encodingNames: readonly string[] = ["(none)", "SIGNED", "CHAR", "UNKN", "BOOL", "UNKN"];

/**
 * Write the own types as `bpftool btf dump … format raw` of 7.8 prints them: a line for each type, and
 * one for each of its elements, names byte for byte as they are stored.
 */
export function writeRaw(btf: Btf, write: WritePiece): void {
  writeRecords(btf, { ofKind: rawFormat, noName: "(anon)" }, write);
}

/** The lines of {@link writeRaw}. */
export function rawLines(btf: Btf): string[] {
  const text = gather((write) => writeRaw(btf, write));
  return text === "" ? [] : text.slice(0, -1).split("\n");
}

const typeId = number(" type_id=", 2);
const size = number(" size=", 2);
const count: Field = { label: " vlen=", style: "number", word: 1, bits: 24 };
const elementName: Field = { label: "\t'", style: "name", word: 0 };
const elementType = number("' type_id=", 1);

/** What `bpftool` prints for a record of a kind. */
function rawFormat(kind: number, kindFlag: boolean): RecordFormat {
  const head: Field[] = [
    { label: "[", style: "id" },
    { label: `] ${K.kindName(kind)} '`, style: "name", word: 0 },
    label("'"),
    ...rawFacts(kind, kindFlag),
    label("\n"),
  ];
  const element = rawElement(kind, kindFlag);
  return element === undefined ? { head } : { head, element: [...element, label("\n")] };
}

/** What follows kind and name on a type's own line. */
function rawFacts(kind: number, kindFlag: boolean): Field[] {
  switch (kind) {
    case K.BTF_KIND_INT:
      return [
        size,
        { label: " bits_offset=", style: "number", word: 3, bit: 16, bits: 8 },
        { label: " nr_bits=", style: "number", word: 3, bits: 8 },
        { label: " encoding=", style: "text", word: 3, bit: 24, bits: 8, texts: encodingNames },
      ];
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_TYPEDEF:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
    case K.BTF_KIND_TYPE_TAG:
      return [typeId];
    case K.BTF_KIND_ARRAY:
      return [number(" type_id=", 3), number(" index_type_id=", 4), number(" nr_elems=", 5)];
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      return [label(kindFlag ? " encoding=SIGNED" : " encoding=UNSIGNED"), size, count];
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
    case K.BTF_KIND_DATASEC:
      return [size, count];
    case K.BTF_KIND_FWD:
      return [label(kindFlag ? " fwd_kind=union" : " fwd_kind=struct")];
    case K.BTF_KIND_FUNC:
      return [typeId, { label: " linkage=", style: "text", word: 1, bits: 24, texts: linkages }];
    case K.BTF_KIND_FUNC_PROTO:
      return [number(" ret_type_id=", 2), count];
    case K.BTF_KIND_VAR:
      return [typeId, { label: ", linkage=", style: "text", word: 3, texts: linkages }];
    case K.BTF_KIND_FLOAT:
      return [size];
    case K.BTF_KIND_DECL_TAG:
      return [typeId, { label: " component_idx=", style: "signed", word: 3 }];
    default:
      return [];
  }
}

function rawElement(kind: number, kindFlag: boolean): Field[] | undefined {
  switch (kind) {
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
      if (!kindFlag) return [elementName, elementType, number(" bits_offset=", 2)];
      return [
        elementName,
        elementType,
        { label: " bits_offset=", style: "number", word: 2, bits: 24 },
        { label: " bitfield_size=", style: "numberUnlessZero", word: 2, bit: 24, bits: 8 },
      ];
    case K.BTF_KIND_ENUM:
      return [elementName, { label: "' val=", style: kindFlag ? "signed" : "number", word: 1 }];
    case K.BTF_KIND_ENUM64:
      return [
        elementName,
        { label: "' val=", style: kindFlag ? "wideSigned" : "wide", word: 1 },
        label(kindFlag ? "LL" : "ULL"),
      ];
    case K.BTF_KIND_FUNC_PROTO:
      return [elementName, elementType];
    case K.BTF_KIND_DATASEC:
      return [
        number("\ttype_id=", 0),
        number(" offset=", 1),
        number(" size=", 2),
        { label: " (", style: "kindAndName", word: 0, texts: [" '"] },
        label("')"),
      ];
    default:
      return undefined;
  }
}

function number(text: string, word: number): Field {
  return { label: text, style: "number", word };
}

function label(text: string): Field {
  return { label: text, style: "nothing" };
}
