import { Kind, kindOfInfo, makeInfo, vlenOfInfo, wordCountOfInfo } from "../btf/dedup/type-words.ts";
import { grownInt32, grownUint32 } from "../util/columns.ts";

/** Stands for a DIE that is no type of its own: references to it are references to void. */
const voidMark = -1;

/**
 * The types of one unit while it is read: BTF words (see `type-words.ts`) whose references are
 * ids within the unit, the id that each DIE got, and the references that point ahead.
 */
export class UnitTypes {
  words: Uint32Array<ArrayBuffer> = new Uint32Array(1 << 16);
  wordCount = 0;
  typeCount = 0;
  /** First word of each type, by id. */
  start: Int32Array<ArrayBuffer> = new Int32Array(1 << 13);
  /** DIE key to type id. */
  private idOfKey: Int32Array<ArrayBuffer> = new Int32Array(1 << 16);
  private keys: Int32Array<ArrayBuffer> = new Int32Array(1 << 13);
  private keyCount = 0;
  private fixups: Int32Array<ArrayBuffer> = new Int32Array(1 << 13);
  private fixupCount = 0;
  private readonly aliases = new Map<number, number>();
  /** References that led to no type. */
  dangling = 0;

  /** Start a new unit (or group of units) with DIE keys below `keyLimit`. */
  begin(keyLimit: number): void {
    if (this.idOfKey.length < keyLimit) this.idOfKey = new Int32Array(Math.ceil(keyLimit * 1.25));
    else for (let i = 0; i < this.keyCount; i++) this.idOfKey[this.keys[i]!] = 0;
    this.keyCount = 0;
    this.wordCount = 0;
    this.typeCount = 0;
    this.fixupCount = 0;
    this.dangling = 0;
    this.aliases.clear();
  }

  /** Room for one more type of `wordCount` words; returns the index of its first word. */
  add(wordCount: number): number {
    const at = this.wordCount;
    if (at + wordCount > this.words.length) this.words = grownUint32(this.words, at + wordCount);
    this.wordCount = at + wordCount;
    const id = ++this.typeCount;
    if (id >= this.start.length) this.start = grownInt32(this.start, id + 1);
    this.start[id] = at;
    return at;
  }

  /** A type without trailer. */
  addPlain(kind: number, name: number, kindFlag: boolean, third: number): number {
    const at = this.add(3);
    this.words[at] = name;
    this.words[at + 1] = makeInfo(kind, 0, kindFlag);
    this.words[at + 2] = third;
    return at;
  }

  addInt(name: number, byteSize: number, encoding: number): number {
    const at = this.add(4);
    this.words[at] = name;
    this.words[at + 1] = makeInfo(Kind.int, 0, false);
    this.words[at + 2] = byteSize;
    this.words[at + 3] = ((encoding << 24) | (byteSize * 8)) >>> 0;
    return at;
  }

  /** The newest type is what the DIE with this key means. */
  define(key: number): void {
    this.mark(key, this.typeCount);
  }

  defineAsVoid(key: number): void {
    this.mark(key, voidMark);
  }

  /** The DIE with `key` means what the DIE with `target` means, wherever that one is. */
  alias(key: number, target: number): void {
    this.aliases.set(key, target);
  }

  private mark(key: number, id: number): void {
    if (this.idOfKey[key] === 0) {
      if (this.keyCount === this.keys.length) this.keys = grownInt32(this.keys, this.keyCount + 1);
      this.keys[this.keyCount++] = key;
    }
    this.idOfKey[key] = id;
  }

  /** Let the word at `at` refer to the type that the DIE with `key` is or will be. */
  refer(at: number, key: number): void {
    const id = this.idOfKey[key];
    if (id !== undefined && id !== 0) {
      this.words[at] = id === voidMark ? 0 : id;
      return;
    }
    this.words[at] = 0;
    if (this.fixupCount + 2 > this.fixups.length) this.fixups = grownInt32(this.fixups, this.fixupCount + 2);
    this.fixups[this.fixupCount++] = at;
    this.fixups[this.fixupCount++] = key;
  }

  /** After the last DIE: fill in the references that pointed ahead. */
  settle(): void {
    const { words, fixups, idOfKey } = this;
    for (let i = 0; i < this.fixupCount; i += 2) {
      const id = idOfKey[this.aliases.size === 0 ? fixups[i + 1]! : this.aliasEnd(fixups[i + 1]!)];
      if (id === undefined || id === 0) this.dangling++;
      else if (id !== voidMark) words[fixups[i]!] = id;
    }
    this.fixupCount = 0;
  }

  /** Type id of a DIE; 0 for void and for none. Final only after {@link settle}. */
  idOf(key: number): number {
    const id = this.idOfKey[this.aliases.size === 0 ? key : this.aliasEnd(key)];
    return id === undefined || id < 0 ? 0 : id;
  }

  private aliasEnd(key: number): number {
    for (let hops = 0; hops < 64; hops++) {
      const next = this.aliases.get(key);
      if (next === undefined) return key;
      key = next;
    }
    return -1;
  }

  kind(id: number): number {
    return id === 0 ? 0 : kindOfInfo(this.words[this.start[id]! + 1]!);
  }

  /** Type id in the third word. */
  target(id: number): number {
    return this.words[this.start[id]! + 2]!;
  }

  /** Size in bytes through typedefs, modifiers and arrays; 0 where there is none. */
  byteSize(id: number, pointerByteSize: number): number {
    let factor = 1;
    for (let depth = 0; depth < 64 && id !== 0; depth++) {
      const at = this.start[id]!;
      switch (this.kind(id)) {
        case Kind.int:
        case Kind.float:
        case Kind.enum:
        case Kind.enum64:
        case Kind.struct:
        case Kind.union:
          return this.words[at + 2]! * factor;
        case Kind.ptr:
          return pointerByteSize * factor;
        case Kind.array:
          factor *= this.words[at + 5]!;
          id = this.words[at + 3]!;
          break;
        case Kind.typedef:
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = this.words[at + 2]!;
          break;
        default:
          return 0;
      }
    }
    return 0;
  }

  memberCount(id: number): number {
    return vlenOfInfo(this.words[this.start[id]! + 1]!);
  }

  wordsOf(id: number): number {
    return wordCountOfInfo(this.words[this.start[id]! + 1]!);
  }
}
