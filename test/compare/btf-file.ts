/**
 * A reader of its own for the comparator: columns over base and split, nothing shared with `src/btf`,
 * so that a fault of the reader under test cannot hide a fault of the encoder under test.
 * Layout: Documentation/bpf/btf.rst.
 */

import { BTF_KIND, KIND_NAMES } from "./kinds.ts";

/** Turns equal names of several files into equal numbers. Number 0 is the empty name. */
export class NameTable {
  readonly #numbers = new Map<string, number>([["", 0]]);
  readonly names: string[] = [""];

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.length;
    this.names.push(name);
    this.#numbers.set(name, number);
    return number;
  }
}

/** One type graph: the types of a base, when there is one, followed by those of the split. Id 0 is void. */
export interface TypeGraph {
  names: NameTable;
  /** What this is split over. */
  base: TypeGraph | undefined;
  /** Types with void: ids are 0 to `length - 1`. */
  length: number;
  /** First id that the base does not have; 1 without a base. */
  startId: number;
  kind: Uint8Array;
  /** Number in `names`. */
  name: Uint32Array;
  vlen: Uint32Array;
  kindFlag: Uint8Array;
  /** The third word of the record: size or type id. */
  sizeOrType: Uint32Array;
  /** Index in `words` of the first word after the record's head. */
  trailer: Uint32Array;
  /** The words after the heads, base first, in the machine's byte order. */
  words: Uint32Array;
  /** Number in `names` of a string offset as written in the file. */
  nameAt(stringOffset: number): number;
  /** Size of the type and string sections in bytes, of the last file alone. */
  typeBytes: number;
  stringBytes: number;
  littleEndian: boolean;
}

/** Words that follow the head: fixed, and per element. */
const fixedWords: Partial<Record<number, number>> = {
  [BTF_KIND.INT]: 1,
  [BTF_KIND.ARRAY]: 3,
  [BTF_KIND.VAR]: 1,
  [BTF_KIND.DECL_TAG]: 1,
};
const elementWords: Partial<Record<number, number>> = {
  [BTF_KIND.STRUCT]: 3,
  [BTF_KIND.UNION]: 3,
  [BTF_KIND.ENUM]: 2,
  [BTF_KIND.FUNC_PROTO]: 2,
  [BTF_KIND.DATASEC]: 3,
  [BTF_KIND.ENUM64]: 3,
};

/** Words after the head of a record of this kind. */
export function trailerLength(kind: number, vlen: number): number {
  return (fixedWords[kind] ?? 0) + vlen * (elementWords[kind] ?? 0);
}

/** Reads raw BTF bytes; `base` makes it a split read. */
export function readTypeGraph(bytes: Uint8Array, names: NameTable, base?: TypeGraph): TypeGraph {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = bytes[0] === 0x9f && bytes[1] === 0xeb;
  if (view.getUint16(0, littleEndian) !== 0xeb9f) throw new Error("not BTF: bad magic");
  const header = (index: number): number => view.getUint32(4 * index, littleEndian);
  const headerLength = header(1);
  const [typeOffset, typeBytes, stringOffset, stringBytes] = [header(2), header(3), header(4), header(5)];
  const typesAt = headerLength + typeOffset;
  const stringsAt = headerLength + stringOffset;
  if (typesAt + typeBytes > bytes.length || stringsAt + stringBytes > bytes.length)
    throw new Error("BTF sections outside the file");

  const ownWords = new Uint32Array(typeBytes >> 2);
  for (let i = 0; i < ownWords.length; i++) ownWords[i] = view.getUint32(typesAt + 4 * i, littleEndian);
  let count = 0;
  for (let at = 0; at < ownWords.length; count++)
    at += 3 + trailerLength(kindOf(ownWords[at + 1]!), vlenOf(ownWords[at + 1]!));

  const startId = base?.length ?? 1;
  const length = startId + count;
  const baseWords = base?.words.length ?? 0;
  const baseStrings = base === undefined ? 0 : stringEnds.get(base)!;
  const graph: TypeGraph = {
    names,
    base,
    length,
    startId,
    kind: extended(Uint8Array, length, base?.kind),
    name: extended(Uint32Array, length, base?.name),
    vlen: extended(Uint32Array, length, base?.vlen),
    kindFlag: extended(Uint8Array, length, base?.kindFlag),
    sizeOrType: extended(Uint32Array, length, base?.sizeOrType),
    trailer: extended(Uint32Array, length, base?.trailer),
    words: extended(Uint32Array, baseWords + ownWords.length, base?.words),
    nameAt,
    typeBytes,
    stringBytes,
    littleEndian,
  };
  graph.words.set(ownWords, baseWords);
  stringEnds.set(graph, baseStrings + stringBytes);

  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const known = new Map<number, number>([[0, 0]]);
  function nameAt(offset: number): number {
    if (offset < baseStrings) return base!.nameAt(offset);
    const seen = known.get(offset);
    if (seen !== undefined) return seen;
    const start = stringsAt + offset - baseStrings;
    const end = buffer.indexOf(0, start);
    if (start >= stringsAt + stringBytes || end < 0)
      throw new Error(`string offset 0x${offset.toString(16)} outside the strings`);
    const number = names.numberOf(buffer.toString("utf8", start, end));
    known.set(offset, number);
    return number;
  }

  let id = startId;
  for (let at = 0; at < ownWords.length; id++) {
    const info = ownWords[at + 1]!;
    const kind = kindOf(info);
    if (KIND_NAMES[kind] === undefined || kind === 0) throw new Error(`type ${id}: unknown kind ${kind}`);
    graph.kind[id] = kind;
    graph.name[id] = nameAt(ownWords[at]!);
    graph.vlen[id] = vlenOf(info);
    graph.kindFlag[id] = info >>> 31;
    graph.sizeOrType[id] = ownWords[at + 2]!;
    graph.trailer[id] = baseWords + at + 3;
    at += 3 + trailerLength(kind, vlenOf(info));
  }
  return graph;
}

const stringEnds = new WeakMap<TypeGraph, number>();

function kindOf(info: number): number {
  return (info >>> 24) & 0x7f;
}

// 24 bits since kernel 7.2; older writers leave the upper eight zero.
function vlenOf(info: number): number {
  return info & 0xffffff;
}

function extended<T extends Uint8Array | Uint32Array>(
  type: new (length: number) => T,
  length: number,
  base: T | undefined,
): T {
  const column = new type(length);
  if (base !== undefined) column.set(base);
  return column;
}
