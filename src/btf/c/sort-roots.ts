import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import { isEnum, isModifier } from "../modifiers.ts";
import type { Btf, TypeId } from "../reader.ts";

/** Longest chain of references a name is looked for along. */
const maximumChain = 128;
const lastRank = 10;

/**
 * All ids, void included but without functions, variables and sections (half of a kernel's types, and
 * nothing is printed for them), in the order in which bpftool (7.5 on) prints types: enums, then
 * scalars, then structs and unions, then functions, what refers to a type standing with it; each by
 * name, and equal names by what they are made of.
 */
export function sortRoots(btf: Btf): TypeId[] {
  const sorter = new RootSorter(btf);
  const ids: TypeId[] = [];
  for (let id = 0; id < btf.typeCount; id++) if (isPrintable(btf.kind(id))) ids.push(id);
  return ids.sort((a, b) => sorter.compare(a, b));
}

function isPrintable(kind: number): boolean {
  return kind !== K.BTF_KIND_FUNC && kind !== K.BTF_KIND_VAR && kind !== K.BTF_KIND_DATASEC;
}

class RootSorter {
  readonly #btf: Btf;
  readonly #ranks: Uint8Array;
  readonly #sortNames: string[] = [];
  readonly #names: string[] = [];
  readonly #hashes: TypeHashes;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#ranks = new Uint8Array(btf.typeCount);
    this.#hashes = new TypeHashes(btf);
    for (let id = 0; id < btf.typeCount; id++) {
      this.#ranks[id] = this.#rank(id);
      // One character per byte, so that comparing strings compares bytes.
      this.#names.push(isPrintable(btf.kind(id)) ? btf.binaryString(btf.nameOffset(id)) : "");
    }
    for (let id = 0; id < btf.typeCount; id++) this.#sortNames.push(this.#sortName(id));
  }

  compare(a: TypeId, b: TypeId): number {
    const ranks = this.#ranks;
    if (ranks[a] !== ranks[b]) return ranks[a]! - ranks[b]!;
    let left = this.#sortNames[a]!;
    let right = this.#sortNames[b]!;
    if (left !== right) return left < right ? -1 : 1;
    left = this.#names[a]!;
    right = this.#names[b]!;
    if (left !== right) return left < right ? -1 : 1;
    return this.#hashes.compare(a, b) || a - b;
  }

  #rank(id: TypeId): number {
    const btf = this.#btf;
    let isNamed = false;
    for (let hops = 0; hops < maximumChain; hops++) {
      const kind = btf.kind(id);
      isNamed ||= btf.nameOffset(id) !== 0;
      if (isEnum(kind)) return isNamed ? 1 : 0;
      if (kind === K.BTF_KIND_INT || kind === K.BTF_KIND_FLOAT) return 2;
      if (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION) return isNamed ? 3 : lastRank;
      if (kind === K.BTF_KIND_FUNC_PROTO) return isNamed ? 4 : lastRank;
      // What is not named so far is last whatever it refers to.
      if (!isNamed) return lastRank;
      if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
      else if (isReference(kind)) id = btf.sizeOrType(id);
      else return lastRank;
    }
    throw tooLong(id);
  }

  #sortName(root: TypeId): string {
    const btf = this.#btf;
    if (isEnum(btf.kind(root)) && btf.nameOffset(root) === 0 && btf.vlen(root) > 0)
      return btf.binaryString(btf.enumeratorNameOffset(root, 0));
    let id = root;
    for (let hops = 0; hops < maximumChain; hops++) {
      const kind = btf.kind(id);
      if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
      else if (isReference(kind)) id = btf.sizeOrType(id);
      else return this.#names[id]!;
    }
    throw tooLong(root);
  }
}

/** Hashes of 64 bits that tell types of one name apart, as two halves; each made when first asked for. */
class TypeHashes {
  readonly #btf: Btf;
  readonly #names = new Map<number, Hash64>();
  readonly #whole = new Map<TypeId, readonly [high: number, low: number]>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  compare(a: TypeId, b: TypeId): number {
    const left = this.#hash(a);
    const right = this.#hash(b);
    return left[0] - right[0] || left[1] - right[1];
  }

  #hash(id: TypeId): readonly [number, number] {
    let hash = this.#whole.get(id);
    if (hash === undefined) {
      const value = new Hash64();
      this.#addType(value, id, true, 0);
      hash = [value.high, value.low];
      this.#whole.set(id, hash);
    }
    return hash;
  }

  #addType(hash: Hash64, id: TypeId, withMembers: boolean, depth: number): void {
    if (depth > maximumChain) throw tooLong(id);
    const btf = this.#btf;
    const kind = btf.kind(id);
    this.#addName(hash, btf.nameOffset(id));
    if (isEnum(kind)) {
      for (let index = 0, count = btf.vlen(id); index < count; index++)
        this.#addName(hash, btf.enumeratorNameOffset(id, index));
    } else if (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION) {
      if (!withMembers) return;
      for (let index = 0, count = btf.vlen(id); index < count; index++) {
        this.#addName(hash, btf.memberNameOffset(id, index));
        this.#addNested(hash, btf.memberType(id, index), false, depth);
      }
    } else if (kind === K.BTF_KIND_ARRAY) {
      hash.add(0, btf.arrayLength(id));
      this.#addNested(hash, btf.arrayElementType(id), withMembers, depth);
    } else if (isReference(kind)) {
      this.#addNested(hash, btf.sizeOrType(id), withMembers, depth);
    }
  }

  #addNested(hash: Hash64, id: TypeId, withMembers: boolean, depth: number): void {
    const nested = new Hash64();
    this.#addType(nested, id, withMembers, depth + 1);
    hash.add(nested.high, nested.low);
  }

  #addName(hash: Hash64, offset: number): void {
    if (offset === 0) return;
    const known = this.#names.get(offset);
    if (known !== undefined) {
      hash.add(known.high, known.low);
      return;
    }
    const name = this.#btf.binaryString(offset);
    const text = new Hash64();
    for (let index = 0; index < name.length; index++) {
      const byte = (name.charCodeAt(index) << 24) >> 24;
      text.add(byte < 0 ? 0xffff_ffff : 0, byte >>> 0);
    }
    this.#names.set(offset, text);
    hash.add(text.high, text.low);
  }
}

/** `hash = hash * 31 + value` in 64 bits. */
class Hash64 {
  high = 0;
  low = 0;

  add(high: number, low: number): void {
    const sum = this.low * 31 + low;
    this.low = sum >>> 0;
    this.high = (this.high * 31 + high + Math.floor(sum / 0x1_0000_0000)) >>> 0;
  }
}

function isReference(kind: number): boolean {
  return isModifier(kind) || kind === K.BTF_KIND_PTR || kind === K.BTF_KIND_DECL_TAG;
}

function tooLong(id: TypeId): LimitError {
  return new LimitError("BTF_DEPTH", `type ${id} refers on and on`, { section: btfSectionName });
}
