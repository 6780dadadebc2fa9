import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import { isEnum, isModifier } from "../modifiers.ts";
import type { Btf, StringOffset, TypeId } from "../reader.ts";

/** Longest chain of references that is followed. */
export const maximumChain = 128;

const stateUnknown = 0;
const stateKnown = 1;

/**
 * Hashes of 64 bits by which bpftool tells types of one name apart: of names, and of what a type is
 * made of. Each is worked out once.
 */
export class TypeHashes {
  readonly #btf: Btf;
  readonly #whole: HashColumn;
  /** Without the members of structs, as a member's type counts. */
  readonly #shallow: HashColumn;
  /** That of the name that is being read. */
  readonly #name: Hash64 = new Hash64();

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#whole = new HashColumn(btf.typeCount);
    this.#shallow = new HashColumn(btf.typeCount);
  }

  /** Negative where the hash of `a` is less than that of `b`. */
  compare(a: TypeId, b: TypeId): number {
    const column = this.#whole;
    this.#find(column, a, 0);
    this.#find(column, b, 0);
    return column.high[a]! - column.high[b]! || column.low[a]! - column.low[b]!;
  }

  #find(column: HashColumn, id: TypeId, depth: number): void {
    if (column.states[id] === stateKnown) return;
    if (depth > maximumChain) {
      throw new LimitError("BTF_DEPTH", `type ${id} refers on and on`, { section: btfSectionName });
    }
    const btf = this.#btf;
    const kind = btf.kind(id);
    const hash = new Hash64();
    this.#addName(hash, btf.nameOffset(id));
    if (isEnum(kind)) {
      for (let index = 0, count = btf.vlen(id); index < count; index++)
        this.#addName(hash, btf.enumeratorNameOffset(id, index));
    } else if (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION) {
      const count = column === this.#whole ? btf.vlen(id) : 0;
      for (let index = 0; index < count; index++) {
        this.#addName(hash, btf.memberNameOffset(id, index));
        this.#addType(hash, this.#shallow, btf.memberType(id, index), depth);
      }
    } else if (kind === K.BTF_KIND_ARRAY) {
      hash.add(0, btf.arrayLength(id));
      this.#addType(hash, column, btf.arrayElementType(id), depth);
    } else if (isModifier(kind) || kind === K.BTF_KIND_PTR || kind === K.BTF_KIND_DECL_TAG) {
      this.#addType(hash, column, btf.sizeOrType(id), depth);
    }
    column.high[id] = hash.high;
    column.low[id] = hash.low;
    column.states[id] = stateKnown;
  }

  #addType(hash: Hash64, column: HashColumn, id: TypeId, depth: number): void {
    this.#find(column, id, depth + 1);
    hash.add(column.high[id]!, column.low[id]!);
  }

  #addName(hash: Hash64, offset: StringOffset): void {
    if (offset === 0) return;
    const owner = this.#btf.stringOwner(offset);
    const bytes = owner.stringsBytes;
    const text = this.#name;
    text.high = 0;
    text.low = 0;
    for (let at = offset - owner.startStringOffset; bytes[at] !== 0; at++) {
      // A char, which has a sign.
      const byte = (bytes[at]! << 24) >> 24;
      text.add(byte < 0 ? 0xffff_ffff : 0, byte >>> 0);
    }
    hash.add(text.high, text.low);
  }
}

class HashColumn {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly states: Uint8Array;

  constructor(count: number) {
    this.high = new Uint32Array(count);
    this.low = new Uint32Array(count);
    this.states = new Uint8Array(count).fill(stateUnknown);
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
