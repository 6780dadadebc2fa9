import { LimitError } from "../io/index.ts";
import * as K from "./constants.ts";
import { btfSectionName } from "./header.ts";
import {
  Btf,
  type BtfEnumerator,
  type BtfMember,
  type BtfParameter,
  type BtfSectionEntry,
  type TypeId,
} from "./reader.ts";
import { forEachNameWord, forEachTypeWord, makeInfo, recordWords } from "./records.ts";
import { StringTable } from "./string-table.ts";
import { WordList } from "./word-list.ts";
import { encodeBtf } from "./writer.ts";

export interface BtfBuilderOptions {
  /** BTF the result is split from. */
  base?: Btf;
  /** Byte order of the result; the base's, else little endian. */
  littleEndian?: boolean;
}

/** How a finished blob's header looks; see `encodeBtf`. */
export interface BtfFinishOptions {
  headerByteSize?: 24 | 32;
  layout?: boolean;
}

/** A member as the builder takes it: a plain member without `bitfieldSize`. */
export type BtfMemberInput = Omit<BtfMember, "bitfieldSize"> & { bitfieldSize?: number };
/** A value as the builder takes it. */
export type BtfEnumeratorInput = Omit<BtfEnumerator, "value"> & { value: bigint | number };

/**
 * Writes BTF type by type. Ids are given in order from {@link BtfBuilder.nextId}, so a type may
 * refer to one that comes later by counting ahead. Strings are interned in order of first use: a
 * type's name, then its elements'. Nothing is checked beyond what fits the fields; `validateBtf`
 * tells whether a kernel would take it.
 */
export class BtfBuilder {
  readonly base: Btf | undefined;
  readonly littleEndian: boolean;
  readonly strings: StringTable;
  readonly #words = new WordList();
  readonly #offsets: number[] = [];

  constructor(options: BtfBuilderOptions = {}) {
    this.base = options.base;
    this.littleEndian = options.littleEndian ?? options.base?.littleEndian ?? true;
    this.strings = new StringTable(options.base);
  }

  /** First id this builder gives. */
  get startId(): TypeId {
    return this.base?.typeCount ?? 1;
  }

  /** Id the next type gets. */
  get nextId(): TypeId {
    return this.startId + this.#offsets.length;
  }

  /** @param encoding one of BTF_INT_, or 0 for unsigned. */
  addInt(
    name: string,
    byteSize: number,
    encoding = 0,
    bitSize: number = byteSize * 8,
    bitOffset = 0,
  ): TypeId {
    const id = this.#head(K.BTF_KIND_INT, name, byteSize);
    this.#words.push(((encoding << 24) | (bitOffset << 16) | bitSize) >>> 0);
    return id;
  }

  addFloat(name: string, byteSize: number): TypeId {
    return this.#head(K.BTF_KIND_FLOAT, name, byteSize);
  }

  /** @param target 0 for `void *`. */
  addPtr(target: TypeId): TypeId {
    return this.#head(K.BTF_KIND_PTR, "", target);
  }

  addArray(elementType: TypeId, indexType: TypeId, length: number): TypeId {
    const id = this.#head(K.BTF_KIND_ARRAY, "", 0);
    this.#words.push(elementType);
    this.#words.push(indexType);
    this.#words.push(length);
    return id;
  }

  addStruct(name: string, byteSize: number, members: readonly BtfMemberInput[]): TypeId {
    return this.#composite(K.BTF_KIND_STRUCT, name, byteSize, members);
  }

  addUnion(name: string, byteSize: number, members: readonly BtfMemberInput[]): TypeId {
    return this.#composite(K.BTF_KIND_UNION, name, byteSize, members);
  }

  /** `signed` defaults to "any value is negative", pahole's rule. */
  addEnum(name: string, byteSize: number, values: readonly BtfEnumeratorInput[], signed?: boolean): TypeId {
    const id = this.#head(K.BTF_KIND_ENUM, name, byteSize, values.length, signed ?? values.some(isNegative));
    for (const value of values) {
      this.#words.push(this.strings.add(value.name));
      this.#words.push(Number(BigInt.asUintN(32, BigInt(value.value))));
    }
    return id;
  }

  /** `signed` defaults to "any value is negative". */
  addEnum64(name: string, byteSize: number, values: readonly BtfEnumeratorInput[], signed?: boolean): TypeId {
    const id = this.#head(
      K.BTF_KIND_ENUM64,
      name,
      byteSize,
      values.length,
      signed ?? values.some(isNegative),
    );
    for (const value of values) {
      const bits = BigInt.asUintN(64, BigInt(value.value));
      this.#words.push(this.strings.add(value.name));
      this.#words.push(Number(bits & 0xffff_ffffn));
      this.#words.push(Number(bits >> 32n));
    }
    return id;
  }

  addFwd(name: string, isUnion = false): TypeId {
    return this.#head(K.BTF_KIND_FWD, name, 0, 0, isUnion);
  }

  addTypedef(name: string, target: TypeId): TypeId {
    return this.#head(K.BTF_KIND_TYPEDEF, name, target);
  }

  addVolatile(target: TypeId): TypeId {
    return this.#head(K.BTF_KIND_VOLATILE, "", target);
  }

  addConst(target: TypeId): TypeId {
    return this.#head(K.BTF_KIND_CONST, "", target);
  }

  addRestrict(target: TypeId): TypeId {
    return this.#head(K.BTF_KIND_RESTRICT, "", target);
  }

  /** @param linkage one of BTF_FUNC_. */
  addFunc(name: string, prototype: TypeId, linkage: number = K.BTF_FUNC_STATIC): TypeId {
    return this.#head(K.BTF_KIND_FUNC, name, prototype, linkage);
  }

  /** `...` is a last parameter `{ name: "", type: 0 }`. */
  addFuncProto(returnType: TypeId, parameters: readonly BtfParameter[] = []): TypeId {
    const id = this.#head(K.BTF_KIND_FUNC_PROTO, "", returnType, parameters.length);
    for (const parameter of parameters) {
      this.#words.push(this.strings.add(parameter.name));
      this.#words.push(parameter.type);
    }
    return id;
  }

  /** @param linkage one of BTF_VAR_. */
  addVar(name: string, type: TypeId, linkage: number = K.BTF_VAR_GLOBAL_ALLOCATED): TypeId {
    const id = this.#head(K.BTF_KIND_VAR, name, type);
    this.#words.push(linkage);
    return id;
  }

  /** Entries are written in the order given; kernels want them sorted by offset. */
  addDatasec(name: string, byteSize: number, entries: readonly BtfSectionEntry[]): TypeId {
    const id = this.#head(K.BTF_KIND_DATASEC, name, byteSize, entries.length);
    for (const entry of entries) {
      this.#words.push(entry.type);
      this.#words.push(entry.offset);
      this.#words.push(entry.byteSize);
    }
    return id;
  }

  /** @param component index of a member or parameter, -1 for the whole type. */
  addDeclTag(value: string, target: TypeId, component = -1, isAttribute = false): TypeId {
    const id = this.#head(K.BTF_KIND_DECL_TAG, value, target, 0, isAttribute);
    this.#words.push(component >>> 0);
    return id;
  }

  addTypeTag(value: string, target: TypeId, isAttribute = false): TypeId {
    return this.#head(K.BTF_KIND_TYPE_TAG, value, target, 0, isAttribute);
  }

  /** Copy a type of another BTF, its ids mapped and its strings interned here. */
  addCopy(source: Btf, id: TypeId, mapType: (id: TypeId) => TypeId): TypeId {
    const owner = source.owner(id);
    const at = owner.wordIndex(id);
    const start = this.#words.length;
    this.#words.pushRange(owner.words, at, at + recordWords(owner.words[at + 1]!));
    this.#offsets.push(start);
    const words = this.#words.words;
    forEachNameWord(words, start, (word) => {
      words[word] = this.strings.addBinary(source.binaryString(words[word]!));
    });
    forEachTypeWord(words, start, (word) => {
      words[word] = mapType(words[word]!);
    });
    return this.nextId - 1;
  }

  /** Point a type that has a single target (PTR, TYPEDEF, modifiers, FUNC, VAR, tags) somewhere else. */
  setTarget(id: TypeId, target: TypeId): void {
    this.#words.words[this.#offsets[id - this.startId]! + 2] = target;
  }

  /** The blob. The builder can go on afterwards. */
  finish(options: BtfFinishOptions = {}): Uint8Array {
    return encodeBtf({
      words: this.#words.words,
      wordCount: this.#words.length,
      strings: this.strings.finish(),
      littleEndian: this.littleEndian,
      ...options,
    });
  }

  /** The blob, parsed. */
  toBtf(name?: string): Btf {
    return Btf.parse(this.finish(), {
      ...(this.base === undefined ? {} : { base: this.base }),
      ...(name === undefined ? {} : { name }),
    });
  }

  #head(kind: number, name: string, sizeOrType: number, vlen = 0, kindFlag = false): TypeId {
    if (vlen > 0xffffff) throw limit(`${K.kindName(kind)} with ${vlen} elements`);
    this.#offsets.push(this.#words.length);
    this.#words.push(this.strings.add(name));
    this.#words.push(makeInfo(kind, vlen, kindFlag));
    this.#words.push(sizeOrType);
    return this.nextId - 1;
  }

  #composite(kind: number, name: string, byteSize: number, members: readonly BtfMemberInput[]): TypeId {
    const hasBitfield = members.some((member) => (member.bitfieldSize ?? 0) !== 0);
    const id = this.#head(kind, name, byteSize, members.length, hasBitfield);
    for (const member of members) {
      const bitfieldSize = member.bitfieldSize ?? 0;
      // Beside a bitfield, an offset has 24 bits: a plain member beyond 2 MiB cannot be written.
      if (hasBitfield && (member.bitOffset > 0xffffff || bitfieldSize > 0xff)) {
        throw limit(
          `member ${member.name} of ${bitfieldSize} bits at bit ${member.bitOffset} in a struct with bitfields`,
        );
      }
      this.#words.push(this.strings.add(member.name));
      this.#words.push(member.type);
      this.#words.push(((bitfieldSize << 24) | member.bitOffset) >>> 0);
    }
    return id;
  }
}

function isNegative(value: BtfEnumeratorInput): boolean {
  return value.value < 0;
}

function limit(problem: string): LimitError {
  return new LimitError("BTF_LIMIT", problem, { section: btfSectionName });
}
