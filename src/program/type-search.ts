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
import { powerOfTwoAtLeast } from "../util/columns.ts";

/**
 * Search by name over one BTF blob's own types. The first search hashes the names in place, a few
 * milliseconds for the 120 000 types of a kernel and no string made; searches then take microseconds.
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

/** Blobs whose names are hashed already. */
const nameHashes = new WeakMap<Btf, NameHashes>();

/** Own types of a name, in order of their ids. */
export function typesNamed(btf: Btf, space: NameSpace, name: string): TypeId[] {
  if (name === "") return [];
  let hashes = nameHashes.get(btf);
  if (hashes === undefined) nameHashes.set(btf, (hashes = new NameHashes(btf)));
  return hashes.find(space, name);
}

/** Ids of a blob's own named types in chains of equal name hash. */
class NameHashes {
  readonly #btf: Btf;
  /** 1 + index of the last type of each chain; 0 ends it. The count is a power of two. */
  readonly #heads: Uint32Array;
  /** 1 + index of the type before each type in its chain. */
  readonly #before: Uint32Array;

  constructor(btf: Btf) {
    const { words, offsets } = btf;
    this.#btf = btf;
    this.#heads = new Uint32Array(powerOfTwoAtLeast(offsets.length));
    this.#before = new Uint32Array(offsets.length);
    const mask = this.#heads.length - 1;
    for (let index = 0; index < offsets.length; index++) {
      const at = offsets[index]!;
      const nameOffset = words[at]!;
      if (nameOffset === 0 || !hasNameSpace(infoKind(words[at + 1]!))) continue;
      const owner = stringOwner(btf, nameOffset);
      const slot = hashString(owner.stringsBytes, nameOffset - owner.startStringOffset) & mask;
      this.#before[index] = this.#heads[slot]!;
      this.#heads[slot] = index + 1;
    }
  }

  find(space: NameSpace, name: string): TypeId[] {
    const { words, offsets, startId } = this.#btf;
    const wanted = Buffer.from(`${name}\0`, "utf8");
    const found: TypeId[] = [];
    let next = this.#heads[hashString(wanted, 0) & (this.#heads.length - 1)]!;
    for (; next !== 0; next = this.#before[next - 1]!) {
      const at = offsets[next - 1]!;
      const info = words[at + 1]!;
      if (nameSpaceOf(infoKind(info), info >>> 31 === 1) !== space) continue;
      const owner = stringOwner(this.#btf, words[at]!);
      if (startsWith(owner.stringsBytes, words[at]! - owner.startStringOffset, wanted))
        found.push(startId + next - 1);
    }
    return found.reverse();
  }
}

/** The blob in the chain of bases whose strings hold an offset. */
function stringOwner(btf: Btf, offset: StringOffset): Btf {
  while (offset < btf.startStringOffset && btf.base !== undefined) btf = btf.base;
  return btf;
}

/** Hash of the bytes before the next NUL; the strings of a BTF end with one. */
function hashString(strings: Uint8Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let byte = strings[at]!; byte !== 0; byte = strings[++at]!) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function startsWith(strings: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) if (strings[at + index] !== wanted[index]) return false;
  return true;
}

function hasNameSpace(kind: number): boolean {
  return nameSpaceOf(kind, false) !== undefined;
}

/** Own enums with an enumerator of a name, and which one of each it is. */
export function* enumeratorsNamed(btf: Btf, name: string): Generator<{ id: TypeId; index: number }> {
  const wanted = new Set(stringOffsets(btf, name));
  if (name === "" || wanted.size === 0) return;
  const { words, offsets: records, startId } = btf;
  for (let record = 0; record < records.length; record++) {
    const at = records[record]!;
    const kind = infoKind(words[at + 1]!);
    if (kind !== BTF_KIND_ENUM && kind !== BTF_KIND_ENUM64) continue;
    const stride = kind === BTF_KIND_ENUM ? 2 : 3;
    const id = startId + record;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      if (wanted.has(words[at + 3 + index * stride]!)) yield { id, index };
    }
  }
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
