import {
  type Btf,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FWD,
  BTF_KIND_INT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  infoKind,
  type StringOffset,
  type TypeId,
} from "../btf/index.ts";

/**
 * Search by name over one BTF blob's own types. No index is built: a search looks for the name in
 * the strings and then compares string offsets, well under a millisecond for the 120 000 types of a
 * kernel, and few names are ever asked for.
 */

/** Name spaces of C: tags of each kind, and ordinary names (typedefs, arithmetic types). */
export type NameSpace = "struct" | "union" | "enum" | "ordinary";

/** Name space of a BTF_KIND_, undefined for kinds without one. */
export function nameSpaceOf(kind: number, kindFlag: boolean): NameSpace | undefined {
  switch (kind) {
    case BTF_KIND_STRUCT:
      return "struct";
    case BTF_KIND_UNION:
      return "union";
    case BTF_KIND_FWD:
      return kindFlag ? "union" : "struct";
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      return "enum";
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_INT:
    case BTF_KIND_FLOAT:
      return "ordinary";
    default:
      return undefined;
  }
}

/** Offsets of a string wherever it stands in a BTF's strings and its bases', also as the end of another. */
export function stringOffsets(btf: Btf, name: string): StringOffset[] {
  const offsets = btf.base === undefined ? [] : stringOffsets(btf.base, name);
  const strings = Buffer.from(
    btf.stringsBytes.buffer,
    btf.stringsBytes.byteOffset,
    btf.stringsBytes.byteLength,
  );
  const wanted = Buffer.from(`${name}\0`, "utf8");
  for (let at = strings.indexOf(wanted); at >= 0; at = strings.indexOf(wanted, at + 1)) {
    offsets.push(btf.startStringOffset + at);
  }
  return offsets;
}

/** Own types of a name, in order of their ids. */
export function typesNamed(btf: Btf, space: NameSpace, name: string): TypeId[] {
  const found: TypeId[] = [];
  const offsets = stringOffsets(btf, name);
  if (name === "" || offsets.length === 0) return found;
  const { words, offsets: records, startId } = btf;
  const first = offsets[0]!;
  const isOnly = offsets.length === 1;
  const wanted = new Set(offsets);
  for (let index = 0; index < records.length; index++) {
    const at = records[index]!;
    const nameOffset = words[at]!;
    if (isOnly ? nameOffset !== first : !wanted.has(nameOffset)) continue;
    const info = words[at + 1]!;
    if (nameSpaceOf(infoKind(info), info >>> 31 === 1) === space) found.push(startId + index);
  }
  return found;
}

/** An own enum with an enumerator of a name, and which one it is. */
export function enumeratorNamed(btf: Btf, name: string): { id: TypeId; index: number } | undefined {
  const wanted = new Set(stringOffsets(btf, name));
  if (name === "" || wanted.size === 0) return undefined;
  const { words, offsets: records, startId } = btf;
  for (let record = 0; record < records.length; record++) {
    const at = records[record]!;
    const kind = infoKind(words[at + 1]!);
    if (kind !== BTF_KIND_ENUM && kind !== BTF_KIND_ENUM64) continue;
    const stride = kind === BTF_KIND_ENUM ? 2 : 3;
    const id = startId + record;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      if (wanted.has(words[at + 3 + index * stride]!)) return { id, index };
    }
  }
  return undefined;
}

/** Names of a blob's own types in a name space, in order, with repetitions. */
export function* typeNames(btf: Btf, space: NameSpace): Generator<string> {
  const { words, offsets: records } = btf;
  for (const at of records) {
    const nameOffset = words[at]!;
    const info = words[at + 1]!;
    if (nameOffset !== 0 && nameSpaceOf(infoKind(info), info >>> 31 === 1) === space)
      yield btf.string(nameOffset);
  }
}
