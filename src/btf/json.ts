import { gather, type WritePiece } from "./byte-text.ts";
import * as K from "./constants.ts";
import { encodingNames, linkages } from "./raw.ts";
import type { Btf } from "./reader.ts";
import { type BtfFormat, type Field, type RecordFormat, writeRecords } from "./record-format.ts";

/**
 * Write the own types as one JSON document, as `bpftool -j btf dump …` of 7.8 prints it, or indented as with
 * `-p`. Values of 64 bits are numbers of all their digits; names that are no UTF-8 have U+FFFD where it fails.
 */
export function writeJson(btf: Btf, write: WritePiece, isPretty = false): void {
  const layout = isPretty ? indented : dense;
  const text = (ascii: string): void => write(Uint8Array.from(ascii, (character) => character.charCodeAt(0)));
  text(isPretty ? '{\n    "types": [' : '{"types":[');
  writeRecords(btf, jsonFormat(layout), write);
  text(`${layout.line(1)}]${layout.line(0)}}\n`);
}

/** What {@link writeJson} writes. */
export function jsonText(btf: Btf, isPretty = false): string {
  return gather((write) => writeJson(btf, write, isPretty));
}

/** What stands between values. */
interface Layout {
  /** A new line at a depth. */
  line: (depth: number) => string;
  afterColon: string;
}

const dense: Layout = { line: () => "", afterColon: "" };
const indented: Layout = { line: (depth) => `\n${"    ".repeat(depth)}`, afterColon: " " };

const typeDepth = 3;
const elementDepth = 5;

type Key = (name: string, isFirst?: boolean) => string;

function jsonFormat({ line, afterColon }: Layout): BtfFormat {
  const keyAt =
    (depth: number): Key =>
    (name, isFirst = false) =>
      `${isFirst ? "{" : ","}${line(depth)}"${name}":${afterColon}`;
  const ofType = keyAt(typeDepth);
  const end: Field = label(`${line(typeDepth - 1)}}`);
  return {
    noName: "(anon)",
    separator: ",",
    ofKind: (kind, kindFlag): RecordFormat => {
      const facts = jsonFacts(ofType, kind, kindFlag);
      const element = jsonElement(keyAt(elementDepth), kind, kindFlag);
      const head: Field[] = [
        { label: ofType("id", true), style: "id" },
        label(`${ofType("kind")}"${K.kindName(kind)}"`),
        { label: ofType("name"), style: "quotedName", word: 0 },
        ...facts,
      ];
      if (element === undefined) return { head: [...head, end] };
      const count: Field = { label: ofType("vlen"), style: "number", word: 1, bits: 24 };
      return {
        head: [...head, count, label(`${ofType(element.list)}[`)],
        element: [...element.fields, label(`${line(elementDepth - 1)}}`)],
        separator: ",",
        last: line(typeDepth),
        tail: [label("]"), end],
      };
    },
  };
}

/** What follows kind and name, but for elements. */
function jsonFacts(key: Key, kind: number, kindFlag: boolean): Field[] {
  const typeId = number(key("type_id"), 2);
  const size = number(key("size"), 2);
  const constant = (name: string, value: string): Field => label(`${key(name)}"${value}"`);
  switch (kind) {
    case K.BTF_KIND_INT:
      return [
        size,
        { label: key("bits_offset"), style: "number", word: 3, bit: 16, bits: 8 },
        { label: key("nr_bits"), style: "number", word: 3, bits: 8 },
        ...quotedText(key("encoding"), { word: 3, bit: 24, bits: 8, texts: encodingNames }),
      ];
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_TYPEDEF:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
    case K.BTF_KIND_TYPE_TAG:
      return [typeId];
    case K.BTF_KIND_ARRAY:
      return [number(key("type_id"), 3), number(key("index_type_id"), 4), number(key("nr_elems"), 5)];
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      return [constant("encoding", kindFlag ? "SIGNED" : "UNSIGNED"), size];
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
    case K.BTF_KIND_DATASEC:
    case K.BTF_KIND_FLOAT:
      return [size];
    case K.BTF_KIND_FWD:
      return [constant("fwd_kind", kindFlag ? "union" : "struct")];
    case K.BTF_KIND_FUNC:
      return [typeId, ...quotedText(key("linkage"), { word: 1, bits: 24, texts: linkages })];
    case K.BTF_KIND_FUNC_PROTO:
      return [number(key("ret_type_id"), 2)];
    case K.BTF_KIND_VAR:
      return [typeId, ...quotedText(key("linkage"), { word: 3, texts: linkages })];
    case K.BTF_KIND_DECL_TAG:
      return [typeId, { label: key("component_idx"), style: "signed", word: 3 }];
    default:
      return [];
  }
}

/** The name of the list of elements, and what is printed for each. */
function jsonElement(
  key: Key,
  kind: number,
  kindFlag: boolean,
): { list: string; fields: Field[] } | undefined {
  const name: Field = { label: key("name", true), style: "quotedName", word: 0 };
  const typeId = number(key("type_id"), 1);
  switch (kind) {
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION: {
      const place: Field[] = kindFlag
        ? [
            { label: key("bits_offset"), style: "number", word: 2, bits: 24 },
            { label: key("bitfield_size"), style: "numberUnlessZero", word: 2, bit: 24, bits: 8 },
          ]
        : [number(key("bits_offset"), 2)];
      return { list: "members", fields: [name, typeId, ...place] };
    }
    case K.BTF_KIND_ENUM:
      // bpftool widens an unsigned value of 32 bits with its sign: 0xffffffff is printed as 2^64 - 1.
      return {
        list: "values",
        fields: [name, { label: key("val"), style: kindFlag ? "signed" : "widened", word: 1 }],
      };
    case K.BTF_KIND_ENUM64:
      return {
        list: "values",
        fields: [name, { label: key("val"), style: kindFlag ? "wideSigned" : "wide", word: 1 }],
      };
    case K.BTF_KIND_FUNC_PROTO:
      return { list: "params", fields: [name, typeId] };
    case K.BTF_KIND_DATASEC:
      return {
        list: "vars",
        fields: [number(key("type_id", true), 0), number(key("offset"), 1), number(key("size"), 2)],
      };
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

/** One of a list of texts, in quotes. */
function quotedText(text: string, field: Omit<Field, "label" | "style">): Field[] {
  return [{ ...field, label: `${text}"`, style: "text" }, label('"')];
}
